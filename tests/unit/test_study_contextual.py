"""The study of regions, with tiny networks: what it keeps, what it prints, and that it goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lldata.store import home
from tests.benchmarks import study_contextual

TINY = {"steps": 1, "decay_epoch": 0, "width": 2, "blocks": 1, "discriminator_width": 2,
        "perceptual_width": 1, "crop": 32, "region": 64, "batch": 1}  # fmt: skip
TRAINED = {"recipe": {"batch": 1, "crop": 64, "region": 192, "width": 16, "blocks": 3,
                      "perceptual": "random"}, "steps": 10, "parameters": 1000}  # fmt: skip


def row(seed: int, low: float, without: float, within: float) -> dict[str, object]:
    psnr = {"input": low, "histogram_matching": 15.0, "without": without, "with": within,
            "smoothed": within + 1}  # fmt: skip
    return {"seed": seed, "trainings": {"with": TRAINED},
            "psnr": {kind: [value - 1, value + 1] for kind, value in psnr.items()}}  # fmt: skip


def test_means_are_over_frames_and_seeds_and_each_claim_is_counted_by_clip():
    page = study_contextual.page({"runs": [row(0, 8, 14, 16), row(1, 10, 14, 12)]})
    assert "| 0 | 8.00 | 15.00 | 14.00 | 16.00 | 17.00 | +8.00 | +2.00 |" in page
    assert "| mean | 9.00 | 15.00 | 14.00 | 14.00 | 15.00 | +5.00 | +0.00 |" in page
    assert "In 1 of 2 clips the method is at least 3 dB above its input, in 1 of 2 above" in page


def test_a_stopped_study_takes_up_what_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(study_contextual, "SIZE", (96, 128))
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    given = ["--seeds", "1", "--device", "cpu", "--set", json.dumps(TINY),
             "--figures", str(figures), "--page", str(page)]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["study", *given])
    study_contextual.main()
    first = figures.read_bytes()
    kept = home() / ".runs" / ".contextual" / "with-seed10" / "model.safetensors"
    written = kept.stat().st_mtime_ns
    study_contextual.main()
    assert figures.read_bytes() == first
    assert kept.stat().st_mtime_ns == written
    (found,) = json.loads(first)["runs"]
    assert {kind: len(values) for kind, values in found["psnr"].items()} == dict.fromkeys(
        study_contextual.COLUMNS, 13
    )
    assert 5 < found["psnr"]["input"][0] < 15
    assert found["trainings"]["without"]["recipe"]["context"] is False
    assert page.read_text().startswith("# Contextual CycleGAN on clips whose truth is known")
