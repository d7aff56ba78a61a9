from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from eval.kept_weights import finished
from lldata.store import home


def trained(method: str, dataset: str, seed: int = 0, date: int = 0, **changes: Any) -> Path:
    folder = home() / ".weights" / method / dataset / f"quick-seed{seed}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "log.csv").write_text("step,val_psnr\n1,20.5\n2,\n3,21.25\n")
    config = {
        "method": method, "trained_on": dataset, "preset": "quick", "seed": seed, "steps": 600,
        "sha256": "ab" * 32, "recipe": {}, **changes,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    os.utime(folder / "config.json", (date, date))
    return folder


def test_weights_are_listed_by_method_and_dataset_the_newest_first():
    trained("sid", "night", 1, 5)
    trained("sid", "night", 0, 9)
    last = trained("llnet", "night")
    assert [(w.method, w.seed) for w in finished()] == [("llnet", 0), ("sid", 0), ("sid", 1)]
    first = finished()[0]
    assert (first.dataset, first.steps, first.validation_psnr) == ("night", 600, 21.25)
    assert (first.date, first.path) == ("1970-01-01T00:00:00+00:00", last)


def test_weights_without_validation_pairs_have_no_score():
    (trained("sid", "night") / "log.csv").write_text("step,loss\n1,0.5\n")
    assert finished()[0].validation_psnr is None


def test_what_cannot_be_listed_is_said_and_the_rest_listed():
    trained("sid", "night")
    trained("sid", "torn", steps="many")
    (trained("sid", "gone") / "model.safetensors").unlink()
    (trained("sid", "bad") / "config.json").write_text("{")
    said: list[str] = []
    assert [w.dataset for w in finished(said.append)] == ["night"]
    assert len(said) == 3
    assert 'steps: it is "many", but its type is int' in said[2]
