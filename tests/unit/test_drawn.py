"""What was drawn for a synthesised set stands in its index; older ones are read scene by scene."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lldata import store, upkeep
from lldata.errors import StoreError
from lldata.scene import Pixels, drawn_ranges
from lldata.synthesis.drawn import ranges
from tests.unit.test_export import ready
from tests.unit.test_strangers import altered, text

DRAWN = {"alpha": [0.5, 1.5], "gamma": [1.25, 1.25], "noise_sigma": [0.0, 0.01]}


NO_NUMBERS = ["x", None, True, [1.0], float("nan"), float("inf"), 10**400]


def publish(path: Path, name: str, told: dict[str, Any]) -> None:
    low, facts = np.full((8, 8, 3), 9, np.uint8), {f"low/{name}": told}
    scene = ready(path, "pictures")
    names = dict.fromkeys(("scene", "group", "short", "reference"), name)
    row = scene.pairs[0] | names | {"pair": f"{name}/{name}"}
    scene = replace(
        scene, scene=name, group=name, pairs=(row,), facts=facts,
        protocol_text="[degradation]\ngenerator = 'retinex'",
    )  # fmt: skip
    pixels = Pixels(low={name: low}, normal={name: low * 8}, facts=facts)
    upkeep.publish_scene(path, scene, pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "dusk"
    for index, name in enumerate("ab"):
        publish(path, name, {key: values[index] for key, values in DRAWN.items()})
    upkeep.build_index(path, "now")
    return path


def test_the_index_knows_and_no_scene_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store.Store, "picture", None)
    assert ranges(store.Store(folder)) == DRAWN


def test_an_older_index_is_asked_scene_by_scene(folder: Path):
    altered(folder / "dataset.h5", lambda file: file.pop("drawn"))
    assert ranges(store.Store(folder)) == DRAWN


@pytest.mark.parametrize("bad", NO_NUMBERS)
def test_what_is_no_finite_number_was_not_drawn(bad: object):
    told = {key: values[0] for key, values in DRAWN.items()}
    assert drawn_ranges([told, told | {"gamma": bad}]) == {k: [v, v] for k, v in told.items()}
    assert drawn_ranges([told | {"alpha": bad}, {"alpha": 1.0}]) == {}


def test_a_scene_that_says_no_number_was_drawn_does_not_stop_the_index(folder: Path):
    publish(folder, "c", {"alpha": "x", "gamma": 9.0, "noise_sigma": 9.0})
    upkeep.build_index(folder, "now")
    assert ranges(store.Store(folder)) == DRAWN
    altered(folder / "dataset.h5", lambda file: file.pop("drawn"))
    assert ranges(store.Store(folder)) == DRAWN


def test_only_what_is_drawn_is_taken_from_the_index(folder: Path):
    altered(folder / "dataset.h5", lambda file: text(file, "drawn", DRAWN | {"x": [1, 2]}))
    assert ranges(store.Store(folder)) == DRAWN


@pytest.mark.parametrize(
    "said",
    [
        3,
        {"alpha": 1},
        {"alpha": [1]},
        {"alpha": ["a", "b"]},
        *({"alpha": [0, v]} for v in NO_NUMBERS),
    ],
)
def test_what_is_no_range_is_refused(folder: Path, said: object):
    altered(folder / "dataset.h5", lambda file: text(file, "drawn", said))
    with pytest.raises(StoreError, match="what it says was drawn"):
        ranges(store.Store(folder))
