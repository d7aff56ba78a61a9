from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval import cli
from eval.profile import Profile, measure
from eval.record import Record
from eval.run import run
from eval.running import pairs
from eval.running.settings import Settings
from eval.studies import beside, reported, timing
from eval.studies.reported import Selection
from eval.studies.reproduce import Asked, Reproduction, reproduce
from lldata.errors import ScoreError
from lldata.store import home
from tests.records import score_of
from tests.stores import night


@pytest.fixture(autouse=True)
def datasets() -> None:
    pairs.stages_of.cache_clear()
    for name, protocol in (("sony", "sid_sony"), ("canon", "canon6d_iso200")):
        night(home() / name, "train test test", takes=2, protocol=protocol)


@pytest.fixture
def canon() -> Reproduction:
    return reproduce("canon-table-1", Asked(("canon", "sony")))


def test_ours_stand_beside_the_printed_figures_and_equal_a_run_of_the_first_takes(
    canon: Reproduction,
):
    row = next(one for one in canon.rows if one.line.label.endswith("as scaled"))
    record = run(Settings("scaled", "sony")).record
    first = [r.scores["psnr"] for r in record.rows if "_00_" in r.pair]
    assert len(first) == 2
    assert row.scores["psnr"].mean == pytest.approx(sum(first) / 2)
    assert str(row.line.printed["psnr"]) == "14.37"


def test_a_dataset_takes_the_part_of_its_protocol_whatever_the_order(canon: Reproduction):
    assert {role: store.name for role, store in canon.stores.items()} == {
        "sony": "sony", "canon": "canon",
    }  # fmt: skip


def test_a_row_without_weights_says_how_to_train_them(canon: Reproduction):
    rows = {one.line.label: one.missing for one in canon.rows}
    cross = rows["Canon sensor, trained for Sony: neural net"]
    assert cross == "not trained: lleval train --model sid --dataset sony"
    assert rows["Canon sensor: amplified image, as amplify"] is None


def test_a_table_of_which_nothing_can_be_shown_is_refused_with_the_first_command():
    with pytest.raises(ScoreError, match="lleval train --model sid_minus2 --dataset canon"):
        reproduce("canon-table-2", Asked(("canon",)))


def test_a_limit_of_nothing_is_refused_before_anything_is_simulated():
    with pytest.raises(ScoreError, match="--limit 0: no pair would be scored"):
        reproduce("canon-table-1", Asked(limit=0))
    assert not list(home().glob("substitute*"))


def test_a_dataset_of_another_protocol_is_refused():
    with pytest.raises(ScoreError, match="--dataset sony: its protocol is sid_sony"):
        reproduce("canon-table-2", Asked(("sony",)))


def test_what_is_simulated_is_called_not_comparable(canon: Reproduction):
    said = beside.not_comparable(canon)[-1]
    assert said == "all figures of sony, canon: they are of simulated data"


def test_runs_of_a_study_are_kept_apart_from_those_of_the_board(canon: Reproduction):
    kept = [one.record for one in canon.rows if one.record]
    assert kept
    assert all((home() / ".studies") in path.parents for path in kept)
    assert not (home() / ".runs").exists()


def test_a_quarantined_scene_counts_only_where_the_paper_counted_it():
    store = night(home() / "night", "train test test", quarantined=("00003",))
    scenes = [
        list(Selection("s", readmitted=again).track("s", store).select(store)["scene"])
        for again in ((), ("00003",))
    ]
    assert scenes == [["00002"], ["00002", "00003"]]


def test_printed_seconds_of_the_residual_networks_are_not_possible_and_those_of_sid_are():
    table = reported.load("maharjan-time")
    operations = {"SID": 1.1202e12, "Ours - 16 Residual Blocks": 8.322e12}
    implied = {
        row.label: timing.implied_tops(int(operations[row.label]), row.printed["seconds"])
        for row in table.rows if row.label in operations
    }  # fmt: skip
    assert implied == pytest.approx({"SID": 4.767, "Ours - 16 Residual Blocks": 1040}, rel=1e-3)
    assert table.timing is not None
    assert [timing.possible(rate, table.timing) for rate in implied.values()] == [True, False]


def test_weights_of_another_recipe_than_the_published_one_are_called_so(canon: Reproduction):
    trained = [replace(one, training="preset quick, 60 steps") for one in canon.rows[:1]]
    said = beside.not_comparable(replace(canon, rows=(*trained, *canon.rows[1:])))[-1]
    assert said.endswith("weights of preset quick, 60 steps; the published recipe is preset paper")


def test_fewer_pairs_than_the_papers_are_said(canon: Reproduction):
    short = replace(canon, selection=("88", replace(canon.selection[1], pairs=88)))  # type: ignore[index]
    assert "2 pairs scored, the paper's data have 88" in beside.not_comparable(short)


@pytest.fixture
def lleval(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lleval", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.app()
        return (int(end.value.code or 0), *capsys.readouterr())

    return call


def test_without_a_table_those_there_are_are_listed(lleval: Any):
    code, out, _ = lleval("reproduce", "--json")
    assert code == 0
    assert [row["name"] for row in json.loads(out)] == reported.names()


def test_the_document_holds_printed_and_ours(lleval: Any):
    code, out, _ = lleval("reproduce", "canon-table-1", "--dataset", "sony", "--dataset", "canon",
                          "--limit", 1, "--json")  # fmt: skip
    row = next(r for r in json.loads(out)["rows"] if r["method"] == "amplify")
    assert code == 0
    assert row["printed"] == {"psnr": 14.37}
    assert row["scores"]["psnr"]["n"] == 1
    assert "all figures: of the first 1 pair (--limit)" in json.loads(out)["not_comparable"]
    assert Path(row["record"]).is_file()


def test_the_table_names_the_protocol_and_its_suspicions(lleval: Any):
    _, out, err = lleval("reproduce", "canon-table-1", "--dataset", "sony", "--dataset", "canon")
    said = " ".join(err.split())
    assert out == ""
    assert "Suspect: 'Amplified Image' (14.37 and 7.40): the paper does not say" in said
    assert "Data, sony: sony, simulated, digest" in said
    assert max(map(len, err.splitlines())) <= 80


def test_a_method_is_timed_on_any_frame_and_its_operations_counted_on_the_papers(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(  # in this process: starting another takes seconds
        timing, "profile", lambda name, size, device: measure(name, size, device, {})
    )
    table = reported.load("maharjan-time")
    cost, operations = timing.measured("residual16", (64, 64), table, "cpu")
    assert cost.parameters == 1_379_715
    assert operations == pytest.approx(8.322e12, rel=1e-3)


def test_the_printed_8_ms_are_called_impossible(lleval: Any, monkeypatch: pytest.MonkeyPatch):
    found = (Profile(1_379_715, 10, 0.25, 2**30, "cpu"), int(8.322e12))
    monkeypatch.setattr(timing, "measured", lambda *_: found)
    code, out, _ = lleval("reproduce", "maharjan-time", "--size", "64x64", "--json")
    assert code == 0
    assert [row["possible"] for row in json.loads(out)["rows"]] == [True, False, False, False]
    _, _, err = lleval("reproduce", "maharjan-time", "--size", "64x64")
    said = " ".join(err.split())
    assert "seconds are not possible: SID; Ours - 16 Residual Blocks; Ours - 32" in said
    assert "one frame of 64x64 on cpu" in said


def test_the_score_of_a_row_is_that_of_its_record(canon: Reproduction):
    row = next(one for one in canon.rows if one.record)
    assert row.record is not None
    assert score_of(Record.read(row.record), "psnr") == row.scores["psnr"]
