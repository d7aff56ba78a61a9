"""What was drawn for a synthesised set stands in its index; older ones are read scene by scene."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lldata import store, upkeep
from lldata.errors import StoreError
from lldata.scene import Pixels
from lldata.synthesis.drawn import ranges
from tests.unit.test_export import ready
from tests.unit.test_strangers import altered, text

DRAWN = {"alpha": [0.5, 1.5], "gamma": [1.25, 1.25], "noise_sigma": [0.0, 0.01]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path, low = tmp_path / "dusk", np.full((8, 8, 3), 9, np.uint8)
    for index, name in enumerate("ab"):
        facts = {f"low/{name}": {key: values[index] for key, values in DRAWN.items()}}
        pixels = Pixels(low={name: low}, normal={name: low * 8}, facts=facts)
        scene = ready(path, "pictures")
        names = dict.fromkeys(("scene", "group", "short", "reference"), name)
        row = scene.pairs[0] | names | {"pair": f"{name}/{name}"}
        scene = replace(
            scene, scene=name, group=name, pairs=(row,), facts=facts,
            protocol_text="[degradation]\ngenerator = 'retinex'",
        )  # fmt: skip
        upkeep.publish_scene(path, scene, pixels)
    upkeep.build_index(path, "now")
    return path


def test_the_index_knows_and_no_scene_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store.Store, "picture", None)
    assert ranges(store.Store(folder)) == DRAWN


def test_an_older_index_is_asked_scene_by_scene(folder: Path):
    altered(folder / "dataset.h5", lambda file: file.pop("drawn"))
    assert ranges(store.Store(folder)) == DRAWN


@pytest.mark.parametrize("said", [3, {"alpha": 1}, {"alpha": [1]}, {"alpha": ["a", "b"]}])
def test_what_is_no_range_is_refused(folder: Path, said: object):
    altered(folder / "dataset.h5", lambda file: text(file, "drawn", said))
    with pytest.raises(StoreError, match="what it says was drawn"):
        ranges(store.Store(folder))
