"""The leaderboard: who stands beside whom, in which order, and what is refused."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval import listing, tracks
from eval.record import MetricUse, Record
from eval.site import build as board
from eval.site.data import tables
from eval.site.standings import Standing, standings
from lldata.errors import ScoreError
from tests.payloads import Page
from tests.records import DIGEST, REFERENCES, classical, record, rows, write

SCALED = classical("scaled", 40.0, reference_use="mean")


def of(*records: Record) -> list[Standing]:
    return standings((one, f"data/{number}.json") for number, one in enumerate(records))


def names(entries: Any) -> list[str]:
    return [entry.record.method for entry in entries]


def built(folder: Path, *records: Record) -> tuple[str, dict[str, Any]]:
    """Return the page of the only track (the front page without one) and the data."""
    front = board.build(write(folder / "records", *records), folder / "site")
    data = json.loads((folder / "site" / "leaderboard.json").read_text(encoding="utf-8"))
    (path,) = [*(folder / "site" / "tracks").glob("*.html")] or [front]
    return path.read_text(encoding="utf-8"), data


def test_blind_methods_are_ranked_best_first() -> None:
    (table,) = of(classical("gamma", 18.0), record(), classical("amplify", 22.0))
    assert [(e.rank, e.record.method) for e in table.blind] == [
        (1, "sid"),
        (2, "amplify"),
        (3, "gamma"),
    ]


def test_an_oracle_is_never_ranked_however_good() -> None:
    (table,) = of(SCALED, record())
    assert names(table.blind) == ["sid"]
    assert [(entry.rank, entry.record.method) for entry in table.oracle] == [(None, "scaled")]


def test_a_partial_run_stands_beside_the_whole_ones_without_a_rank() -> None:
    (table,) = of(record(), record(rows(50.0)[:4], method="lime", partial=True))
    assert names(table.blind) == ["sid"]
    assert [(entry.rank, entry.record.method) for entry in table.partial] == [(None, "lime")]


def test_a_partial_oracle_is_shown_as_partial_only() -> None:
    (table,) = of(record(rows()[:4], reference_use="mean", partial=True))
    assert (table.blind, table.oracle, names(table.partial)) == ((), (), ["sid"])


def test_the_same_run_made_again_counts_once_as_the_newest() -> None:
    later = record(rows(35.0), created="2026-02-01T00:00:00+00:00")
    (table,) = of(later, record(), classical("gamma", 18.0), record(options={"width": 8}))
    assert [(e.rank, e.record.method, e.record.created) for e in table.blind] == [
        (1, "sid", later.created),
        (2, "sid", record().created),
        (3, "gamma", record().created),
    ]


def test_of_a_run_made_again_the_page_keeps_the_newest_record_only(tmp_path: Path) -> None:
    later = record(created="2026-02-01T00:00:00+00:00")
    built(tmp_path, later, record())
    (copy,) = (tmp_path / "site" / "data").glob("*.json")
    assert Record.read(copy) == later


def test_equal_scores_in_another_order_share_a_rank() -> None:
    scored = rows(seed=2)
    inorder = sorted(scored, key=lambda row: row.scores["psnr"] or 0)
    swapped = [replace(a, scores=b.scores) for a, b in zip(scored, inorder, strict=True)]
    (table,) = of(record(scored), record(swapped, method="twin"), classical("gamma", 18.0))
    assert [entry.rank for entry in table.blind] == [1, 1, 3]


def test_equal_means_share_a_rank() -> None:
    (table,) = of(record(), record(method="twin"), classical("gamma", 18.0))
    assert [entry.rank for entry in table.blind] == [1, 1, 3]


def test_methods_whose_lead_could_be_chance_are_tied_with_the_best(tmp_path: Path) -> None:
    near = classical("lime", 30.0, rows=rows(30.0, seed=2))
    text, data = built(tmp_path, record(), near, classical("gamma", 23.0))
    assert [entry["tied_with_best"] for entry in data["tracks"][0]["blind"]] == [True, True, False]
    assert text.count('<span class="mark ">not told from the best</span>') == 1
    assert "Not told from the best: the difference over the same pairs" in Page(text).text


def test_of_few_groups_the_page_says_that_nothing_was_tested(tmp_path: Path) -> None:
    text, data = built(tmp_path, *(record(rows(p, groups=4), method=f"m{p}") for p in (20, 30)))
    assert [entry["tied_with_best"] for entry in data["tracks"][0]["blind"]] == [None, None]
    assert "Fewer than 5 groups: no test" in Page(text).text


def test_where_lower_is_better_the_lowest_mean_is_first() -> None:
    use = MetricUse("abc", "1/255", "lower")
    good, bad = (
        record(
            [replace(row, scores={"mae": value}) for row in rows()],
            metrics={"mae": use},
            method=name,
        )
        for name, value in (("good", 3.0), ("bad", 9.0))
    )
    (table,) = of(bad, good)
    assert names(table.blind) == ["good", "bad"]


def test_a_metric_without_direction_ranks_nobody() -> None:
    use = MetricUse("abc", "", "none")
    (table,) = of(record([replace(r, scores={"x": 1.0}) for r in rows()], metrics={"x": use}))
    assert [entry.rank for entry in table.blind] == [None]


def test_a_record_with_an_undefined_score_is_not_ranked() -> None:
    scored = [replace(rows()[0], scores={"psnr": None, "ssim": None}), *rows()[1:]]
    (table,) = of(record(scored), classical("amplify", 22.0))
    assert [(e.record.method, e.rank) for e in table.blind] == [("amplify", 1), ("sid", None)]


def test_a_pair_equal_to_its_reference_keeps_the_rank_and_is_flagged(tmp_path: Path) -> None:
    scored = [replace(rows()[0], scores={"psnr": None, "ssim": 1.0}, identical=True), *rows()[1:]]
    text, data = built(tmp_path, record(scored))
    assert "1 pair equal to the reference" in Page(text).text
    entry = data["tracks"][0]["blind"][0]
    assert (entry["rank"], entry["scores"]["psnr"]["n"]) == (1, 23)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digest": "0" * 64}, "the dataset (digest)"),
        ({"reference_digest": "0" * 64}, "the rendered references (digest)"),
        ({"metrics": {"psnr": MetricUse("other", "dB", "higher"),
                      "ssim": MetricUse("same", "", "higher")}},
         "the definition of the first metric"),
    ],
)  # fmt: skip
def test_records_of_other_data_or_definitions_never_share_a_table(
    change: dict[str, Any], words: str
) -> None:
    tables = of(record(), record(**change))
    assert [len(table.blind) for table in tables] == [1, 1]
    for number, table in enumerate(tables, start=1):
        assert f"({number} of 2)" in table.title
        assert f"differ in {words}. They stand in 2 tables" in table.warnings[0]


def test_records_of_other_pairs_never_share_a_table() -> None:
    tables = of(record(), record(rows()[:-1]))
    assert "differ in the pairs scored." in tables[0].warnings[0]


def test_a_second_metric_under_two_definitions_gets_two_columns(tmp_path: Path) -> None:
    metrics = {**record().metrics, "ssim": MetricUse("otherdef", "", "higher")}
    text, _ = built(tmp_path, record(), record(metrics=metrics, method="lime"))
    assert "ssim (otherdef)" in text
    assert f"ssim ({record().metrics['ssim'].definition})" in text


def test_data_that_a_track_does_not_pin_are_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    track = tracks.Track(
        "canon", "Canon 6D", "c", "test", digest=DIGEST, reference_digest=REFERENCES
    )
    monkeypatch.setattr(tracks, "names", lambda: ["canon"])
    monkeypatch.setattr(tracks, "load", lambda _: track)
    right, wrong = of(record(track="canon"), record(track="canon", digest="f" * 64))
    assert right.title == "Canon 6D (1 of 2)"
    assert not [text for text in right.warnings if "pins" in text]
    assert any("This is not the data that track canon pins" in text for text in wrong.warnings)


def test_the_page_says_simulated_ad_hoc_and_why_there_is_no_interval(tmp_path: Path) -> None:
    text, _ = built(tmp_path, record(rows(groups=4)))
    said = Page(text).text
    assert "simulated captures, 12 distinct sources" in said
    assert "ad hoc track: its data are pinned to nothing" in said
    assert "no intervals: fewer than five groups" in said


def test_training_on_the_pairs_scored_is_flagged(tmp_path: Path) -> None:
    text, _ = built(tmp_path, record(trained_on=("canon6d_iso12600/test",)))
    assert "trained on these pairs" in Page(text).text


def test_the_data_file_holds_what_the_page_shows(tmp_path: Path) -> None:
    text, data = built(tmp_path, record(), SCALED)
    (track,) = data["tracks"]
    (sid,), (scaled,) = track["blind"], track["oracle"]
    assert sid["scores"]["psnr"]["mean"] == pytest.approx(30.36, abs=0.005)
    assert (sid["rank"], scaled["rank"], sid["seconds_per_image"]) == (1, None, 1.0132)
    copy = tmp_path / "site" / sid["record"]
    assert Record.read(copy) == record()
    assert f'href="../{sid["page"]}"' in text
    assert f'href="../{sid["record"]}"' in (tmp_path / "site" / sid["page"]).read_text("utf-8")


def test_the_same_records_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    paths = write(tmp_path / "r", record(), SCALED, classical("amplify", 22.0), record(seed=3))
    shuffled = [*paths, paths[0]]
    random.Random(1).shuffle(shuffled)
    board.build(paths, tmp_path / "a")
    board.build(shuffled, tmp_path / "b")
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    reported = len(list((tmp_path / "a" / "reported").iterdir()))
    # once, of the track, records, badges, methods, papers
    assert len(files) == 4 + 3 + 4 * 3 + 3 + 3 + reported
    assert files == sorted(p.relative_to(tmp_path / "b") for p in (tmp_path / "b").rglob("*.*"))
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_new_build_removes_old_copies_and_nothing_else(tmp_path: Path) -> None:
    site = tmp_path / "site"
    board.build(write(tmp_path / "r", record(), SCALED), site)
    (site / "data" / "notes.json").write_text("{}", encoding="utf-8")
    board.build(write(tmp_path / "r", record()), site)
    assert sorted(p.name.partition(".")[0] for p in (site / "data").glob("*.json")) == [
        "canon6d_iso12600",
        "notes",
    ]
    assert not (site / "methods" / "scaled.html").exists()
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=site).returncode == 0


def test_without_records_the_page_says_how_to_get_some(tmp_path: Path) -> None:
    text, data = built(tmp_path)
    assert "No records yet" in text
    assert data["tracks"] == []


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], Path]:
    def write_edited(folder: Path) -> Path:
        (path,) = write(folder, record())
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write_edited


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["rows"].pop(), "its rows are not the pairs it says it scored"),
        (lambda d: d["rows"].append(d["rows"][0]), "it holds 1 pair twice"),
        (lambda d: d["rows"].clear(), "it holds no metric or no pair"),
        (lambda d: d["rows"][0]["scores"].pop("ssim"), "has other scores than its metrics"),
        (lambda d: d.pop("digest"), "the field digest is missing"),
        (lambda d: d["rows"][0]["scores"].update(psnr=float("nan")), "it holds NaN"),
        (lambda d: d["rows"][0]["scores"].update(psnr=143.5), "is 143.5, but it lies between 0"),
        (lambda d: d["rows"][0]["scores"].update(psnr=-1), "psnr of pair .* is -1, but"),
        (lambda d: d["rows"][0]["scores"].update(ssim=1.1), "is 1.1, but it lies between -1 and 1"),
        (lambda d: d["rows"][0]["scores"].update(ssim=1e308), "is 1e.308, but it lies between"),
        (lambda d: d["rows"][0]["scores"].update(psnr=10**400), "is too large"),
        (lambda d: d["rows"][0].update(ratio=-1), "ratio of pair .* is -1"),
        (lambda d: d["rows"][0].update(seconds=-1), "seconds of pair .* is -1"),
    ],
)
def test_a_record_that_disagrees_with_itself_is_refused_and_the_old_page_stays(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    built(tmp_path, SCALED)
    old = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    with pytest.raises(ScoreError, match=message):
        board.build([edited(change)(tmp_path / "bad")], tmp_path / "site")
    assert (tmp_path / "site" / "index.html").read_text(encoding="utf-8") == old


def test_a_page_is_not_written_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("text", encoding="utf-8")
    with pytest.raises(ScoreError, match=r"--out .*site: .* is a file, but a folder is needed"):
        board.build([tmp_path / "none.json"], tmp_path / "site")


def test_records_are_found_by_their_names_and_copies_and_rows_are_none(tmp_path: Path) -> None:
    own = tmp_path / "pairs"  # a folder of this name above hides nothing
    kept = [record().write(own / name) for name in
            ("t/sid--x/record.json", "t/lime--y.json", "pairs/gamma--z/record.json")]  # fmt: skip
    (own / "t/sid--x/outputs").mkdir()
    for other in ("t/sid--x/pairs/00001/a--b.json", "t/sid--x/pairs/00001/record.json"):
        record().write(own / other)
    board.build(kept, own / "site")
    record().write(own / "site/data/t--sid--old.0123456789abcdef.json")
    (own / "notes.json").write_text("{}", encoding="utf-8")
    found = [path for path in listing.record_paths(own) if path.is_relative_to(own)]
    assert found == sorted(kept)


def test_the_time_of_an_image_is_said_to_include_its_rendering(tmp_path: Path) -> None:
    built(tmp_path, record())
    front = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "the rendering a picture method reads included" in Page(front).text


def test_the_terminal_gets_the_tables_of_the_page(tmp_path: Path) -> None:
    built(tmp_path, SCALED, record())
    ((title, columns, shown),) = tables(tmp_path / "site")
    assert columns[:4] == ("", "method", "psnr", "95 %")
    assert [row[:2] for row in shown] == [("1", "sid"), ("oracle", "scaled")]
    scores = [row.scores["psnr"] or 0.0 for row in rows()]
    assert shown[0][2] == pytest.approx(sum(scores) / len(scores))
    assert title.endswith(", simulated") == record().synthetic


def test_the_terminal_gets_the_first_eight_of_a_long_table(tmp_path: Path) -> None:
    built(tmp_path, *(record(method=f"m{number}") for number in range(9)))
    ((title, columns, shown),) = tables(tmp_path / "site")
    assert title.endswith(": 8 of 9, all are on its page")
    assert (len(shown), columns.count("95 %")) == (8, 1)
