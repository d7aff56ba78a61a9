"""The study of depths, with tiny networks: what it keeps, what it prints, and that it goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lldata.store import home
from tests.benchmarks import study_depth, trained_runs
from tests.stores import night

TINY = {"steps": 2, "width": 1, "crop": 16, "batch": 1}
RUN = {"method": "sid", "recipe": {"batch": 2, "crop": 128, "learning_rate": 3e-4, "width": 32,
                                  "precision": "32-true"},
       "steps": 10, "trained_on": "night", "parameters": 7_760_268}  # fmt: skip


def row(method: str, seed: int, training_s: float, *scores: float) -> dict[str, object]:
    pairs = [[f"{n}/a", str(n), score, 0.5] for n, score in enumerate(scores)]
    return RUN | {"method": method, "seed": seed, "training_s": training_s, "pairs": pairs}


def test_means_are_over_pairs_and_seeds_and_differences_pair_by_pair():
    rows = [row("sid", 0, 4, 20, 30), row("sid", 1, 6, 22, 30), row("sid_minus1", 0, 2, 20, 28)]
    page = study_depth.page({"runs": rows})
    found = {line.split(" | ")[0][2:]: line.split(" | ") for line in page.splitlines()
             if line.startswith("| sid")}  # fmt: skip
    assert found["sid"][3:8] == [
        "25.50 (25.00 to 26.00)",
        "0.5000 (0.5000 to 0.5000)",
        "0",
        "5",
        "2",
    ]
    assert found["sid_minus1"][5] == "-1.50"  # too few places for an interval
    assert found["sid_plus1"][2] == "not run"
    assert found["sid_plus1"][-1] == "12.4 |"


def test_five_places_give_an_interval():
    a = [row("sid", 0, 1, 1, 2, 3, 4, 5)]
    b = [row("sid", 0, 1, 0, 0, 3, 4, 3)]
    assert trained_runs.difference(a, b) == "+1.00 (-0.24 to +2.24)"


def test_a_stopped_study_goes_on_and_all_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    night(home() / "night", "train test", shape=(64, 64))
    arguments = ["study", "--dataset", "night", "--seeds", "1", "--device", "cpu",
                 "--set", json.dumps(TINY), "--figures", str(tmp_path / "depth.json"),
                 "--page", str(tmp_path / "depth.md")]  # fmt: skip
    monkeypatch.setattr(sys, "argv", arguments)
    real = trained_runs.train_method

    def stops(name: str, *others: object, **options: object) -> Path:
        if name == "sid":
            raise KeyboardInterrupt
        return real(name, *others, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trained_runs, "train_method", stops)
    with pytest.raises(KeyboardInterrupt):
        study_depth.main()
    kept = json.loads((tmp_path / "depth.json").read_text())["runs"]
    assert [run["method"] for run in kept] == ["sid_minus2", "sid_minus1"]
    monkeypatch.setattr(trained_runs, "train_method", real)
    study_depth.main()
    runs = json.loads((tmp_path / "depth.json").read_text())["runs"]
    assert runs[:2] == kept
    assert [run["method"] for run in runs] == list(study_depth.LEVELS)
    assert [run["steps"] for run in runs] == [2] * 4
    assert [pair[0] for pair in runs[0]["pairs"]] == ["00002/00002_00_0.1s"]
    assert (tmp_path / "depth.md").read_text() == study_depth.page({"runs": runs})
