"""A real bracket of eight exposures, found unaided; its two longest frames saturate softly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lldata import ingest as work
from lldata import store
from lldata.engine import Local

LONGEST = {"00001-0.25s", "00001-0.375s"}


@pytest.fixture(scope="module")
def outcomes(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[work.Outcome], Path]:
    engine = Local(workers=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLDATA_HOME", str(tmp_path_factory.mktemp("bracket")))
        (dataset,) = work.prepare(shared_data / "bracket_mt9m001", None, None, engine)
        return list(work.ingest(dataset, engine, deep=False)), dataset.path


def test_every_pair_of_a_longer_and_a_shorter_frame_is_stored(
    outcomes: tuple[list[work.Outcome], Path],
):
    opened = store.open_store(outcomes[1])
    assert (opened.name, len(opened.scenes), len(opened.pairs)) == ("exposure_bracket", 7, 28)
    assert opened.pairs["ratio"].min() == pytest.approx(1.5)
    assert opened.pairs["ratio"].max() == pytest.approx(96)
    assert set(opened.scenes["group"]) == {"00001"}
    assert opened.pairs["split"].nunique() == 1


def test_the_two_longest_are_not_linear_and_all_others_are(
    outcomes: tuple[list[work.Outcome], Path],
):
    said = [f for o in outcomes[0] for f in o.findings if f.check == "exposure"]
    assert len(said) == 28
    assert {f.scene for f in said if f.status == "warn"} == LONGEST
    assert {f.status for f in said if f.scene not in LONGEST} == {"pass"}
    for finding in said:
        if finding.scene in LONGEST:
            assert finding.measured == pytest.approx(0.44, abs=0.06)  # of the picture
            level = re.search(r"it follows up to (\d+) DN", finding.message)
            assert level is not None
            assert 120 < int(level[1]) < 180  # of 255
            assert "0.0% of the long is clipped" in finding.message


def test_nothing_moves_in_a_bracket_that_saturates_softly_in_eight_bits(
    outcomes: tuple[list[work.Outcome], Path],
):
    said = [f for o in outcomes[0] for f in o.findings if f.check == "alignment"]
    assert not [f for f in said if f.status == "quarantine"]
    assert [f.pair for f in said if f.status == "warn"] == []


def test_the_quiet_reference_of_a_bracket_is_told_by_its_shorts(
    outcomes: tuple[list[work.Outcome], Path],
):
    said = [f for o in outcomes[0] for f in o.findings if f.check == "noise"]
    assert len(said) == 28
    assert {f.status for f in said} <= {"pass", "unknown"}
