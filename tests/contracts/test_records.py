"""Every shipped track and record, found by a glob."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from baselines import method
from eval import tracks
from eval.metrics import find_metric
from eval.record import Record
from tests.benchmarks.classical_records import cases

ROOT = Path(__file__).parents[2] / "leaderboard" / "records"
RECORDS = sorted(ROOT.rglob("*.json"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_record_is_of_its_track_method_and_definitions(path: Path):
    record = Record.read(path)
    track = tracks.load(path.parent.name)
    assert record.track == track.name
    assert re.fullmatch(re.escape(record.file_name) + r"(\.\d+)?", path.stem)  # .2: a correction
    assert (record.digest, record.reference_digest) == (track.digest, track.reference_digest)
    assert (record.split, record.partial) == (track.split, False)
    if record.outside is None:
        assert record.reference_use == method.info(record.method).reference_use
    for name, use in record.metrics.items():
        assert use.definition == find_metric(name).definition


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sid_sony_tiles", "raw"), ("canon6d_simulated", "raw"), ("lol_256", "pictures")],
)
def test_every_classical_method_has_its_rows(name: str, kind: str):
    kept = {path.name for path in (ROOT / name).iterdir()}
    assert {case.file_name for case in cases(kind)} - kept == set()


@pytest.mark.parametrize("name", tracks.names())
def test_a_track_reads_and_pins_its_data(name: str):
    assert tracks.load(name).pinned
