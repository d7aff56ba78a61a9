"""Regions are those of the scene and the clip that are looked at, in training and validation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines import method
from baselines.training import validation
from baselines.training.plan import make_plan
from lldata import dataset as data
from lldata.dataset import ClipPatches
from lldata.sample import Sample
from lldata.store import Store
from tests.unit.test_cyclegan_training import options, trainable

SIDES = {("Horse", "low"): 36, ("Horse", "target"): 30, ("Val", "low"): 28}


@pytest.fixture
def horse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return one scene, whose clips have regions of 36 and 30 px."""
    for module in (data, validation):
        monkeypatch.setattr(module, "region_of", lambda _, s, clip="low": SIDES[s, clip])
    return trainable(tmp_path / "src", tmp_path / "d", "Horse")


def test_each_clip_has_its_own_region(horse: Store):
    own, wide, narrow = (
        ClipPatches(horse, horse.pairs, 24, 0, epoch=9, region=side)[0] for side in (None, 36, 30)
    )
    assert torch.equal(own.low_region, wide.low_region)
    assert torch.equal(own.target_region, narrow.target_region)


def test_a_validation_scene_is_seen_with_its_own_region(
    horse: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = options("contextual_cyclegan", region=0)
    plan = make_plan("contextual_cyclegan", horse, "quick", 1, 0, given, tmp_path / "w")
    rows = horse.usable("train").assign(scene="Val", pair="Val/low")
    monkeypatch.setattr(Store, "usable", lambda *_: rows)
    watched = validation.Validation(plan, torch.device("cpu"), None)
    watched.method = Spy()
    watched._output(Sample("Val/low", math.nan))
    assert watched.method.seen == [28]


class Spy:
    """Says which region it was told of."""

    info = method.info("contextual_cyclegan")
    region = 0

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, sample: Sample) -> Any:
        self.seen.append(self.region)
        return iter([None])
