"""The study from simulated to real captures, with a tiny network and two kinds of captures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lldata.store import home, open_store
from tests.benchmarks import study_simulated
from tests.pictures import picture, write
from tests.stores import night

TINY = {"steps": 2, "width": 1, "crop": 16, "batch": 1}


@pytest.mark.timeout(300)
def test_all_kinds_are_simulated_once_trained_on_and_scored_on_the_real_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    night(home() / "real", "train train test", shape=(64, 64))
    write(tmp_path / "photos" / "a.png", picture(1))
    monkeypatch.setattr(study_simulated, "SIZE", (96, 96))
    small = study_simulated.Kind("small", photographs="night")
    monkeypatch.setitem(study_simulated.KINDS, "exposure", small)
    arguments = ["study", "--real", "real", "--night", str(tmp_path / "photos"), "--seeds", "1",
                 "--kinds", "exposure", "--scenes", "4", "--device", "cpu", "--workers", "1",
                 "--set", json.dumps(TINY), "--figures", str(tmp_path / "f.json"),
                 "--page", str(tmp_path / "p.md")]  # fmt: skip
    monkeypatch.setattr(sys, "argv", arguments)
    study_simulated.main()
    report = json.loads((tmp_path / "f.json").read_text())
    facts, runs = report["runs"][:2], report["runs"][2:]
    assert [row["likeness"]["captures"] for row in facts] == ["real", "exposure"]
    assert [run["trained_on"] for run in runs] == ["real", "simulated_exposure"]
    assert {run["scored_on"] for run in runs} == {"real"}
    assert runs[0]["pairs"][0][0] == runs[1]["pairs"][0][0] == "00003/00003_00_0.1s"
    made = open_store("simulated_exposure")
    assert set(made.pairs["iso"]) <= {200, 250, 320, 500}
    assert made.pairs["ratio"].round().tolist() == [100] * 4
    page = (tmp_path / "p.md").read_text()
    assert page == study_simulated.page(report)
    assert "| simulated: small | " in page
    monkeypatch.setattr(study_simulated, "simulate", None)  # nothing is simulated again
    study_simulated.main()
    assert json.loads((tmp_path / "f.json").read_text()) == report
