"""The study of networks, with tiny ones: what is measured, kept and printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from eval.record import Record
from lldata.store import home
from tests.benchmarks import study_networks
from tests.benchmarks.classical_records import RECORDS
from tests.benchmarks.study_networks import Place
from tests.stores import night

ARGUMENTS = ["study", "--datasets", "sid_sony_tiles", "--device", "cpu"]
TINY = {"steps": 2, "width": 1, "crop": 16, "batch": 1}


def row(method: str, seed: int, parameters: int | None, *scores: float) -> dict[str, object]:
    pairs = [[f"{n}/a", str(n), score, 0.5] for n, score in enumerate(scores)]
    return {"method": method, "seed": seed, "scored_on": "dusk", "parameters": parameters,
            "steps": 10 if parameters else None, "training_s": 4.0 if parameters else None,
            "recipe": {"precision": "32-true"}, "pairs": pairs}  # fmt: skip


def test_networks_are_compared_with_what_needs_no_training_pair_by_pair():
    rows = [row("identity", 0, None, 10, 20), row("llnet", 0, 1000, 12, 22),
            row("llnet", 1, 1000, 14, 20)]  # fmt: skip
    page = study_networks.page({"runs": rows})
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    spreads = "17.00 (17.00 to 17.00) | 0.5000 (0.5000 to 0.5000)"
    assert lines == [
        "| `identity` | none |  |  |  | 15.00 | 0.5000 | 0 |",
        f"| `llnet` | 1,000 | 10 | 4 | 2 | {spreads} | +2.00 |",
    ]
    assert "`lleval train --model M --dataset D --set precision=32-true`" in page
    assert "`dusk`, 2 test pairs of 2 groups" in page


def test_what_is_measured_is_published_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    night(home() / "sid_sony_tiles", "train test", shape=(64, 64))
    place = Place("Tiles", ("lldata ingest TILES",), ("amplify",), ("sid_minus2",))
    monkeypatch.setitem(study_networks.PLACES, "sid_sony_tiles", place)
    files = {name: tmp_path / name for name in ("records", "figures", "page")}
    flags = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    monkeypatch.setattr(sys, "argv", [*ARGUMENTS, "--set", json.dumps(TINY), *flags])
    study_networks.main()
    first = files["figures"].read_bytes()
    runs = json.loads(first)["runs"]
    assert [run["method"] for run in runs] == ["amplify", "sid_minus2"]
    assert [run["steps"] for run in runs] == [None, 2]
    assert runs[0]["pairs"][0][0] == "00002/00002_00_0.1s"
    assert files["page"].read_text() == study_networks.page({"runs": runs})
    assert not files["records"].exists()  # no track pins these data
    study_networks.main()
    assert files["figures"].read_bytes() == first


def test_records_that_are_kept_are_rows_of_the_page():
    for place, of in study_networks.PLACES.items():
        for name in of.kept:
            record = Record.read(RECORDS / place / f"{name}.json")
            assert (record.dataset, record.file_name) == (place, name)
