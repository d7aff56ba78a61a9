"""Datasets of many small scenes for the benchmarks: one scene's file under many names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lldata import publish, store
from lldata.audit import Finding
from lldata.scene import SceneFile
from tests.stores import night

SHAPE = (64, 96)  # photosites
CHECKS = ("alignment", "exposure", "focus", "integrity", "metadata", "noise")
SAID = "a sentence as long as audits write them, with two numbers in it: 0.12 and 3.45"


def dataset(
    folder: Path, scenes: int, pairs: int = 1, shape: tuple[int, int] = SHAPE
) -> store.Store:
    """Write a dataset of that many scenes with that many pairs each, and its index."""
    night(folder / "one", "train", shape=shape, takes=pairs)
    first = store.scene_path(folder / "one", "00001")
    data, scene = first.read_bytes(), store.read_scene(first)
    path = folder / "many"
    (path / "scenes").mkdir(parents=True)
    for number in range(scenes):
        store.scene_path(path, f"{number:06}").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    entries = [(each, len(data), sha256) for each in _named(scene, scenes)]
    index = store.index_bytes(path, "2026-01-01T00:00:00+00:00", entries, [])
    publish.write_replacing(path / "dataset.h5", bytes(index) + hashlib.sha256(index).digest())
    return store.open_store(path)


def _named(scene: SceneFile, scenes: int) -> Iterator[SceneFile]:
    for number in range(scenes):
        name = f"{number:06}"
        rows = tuple(
            {**row, "scene": name, "group": name, "pair": f"{name}/{row['short']}"}
            for row in scene.pairs
        )
        findings = tuple(
            Finding(name, row["pair"], check, "pass", 0.12, 3.45, SAID)
            for row in rows for check in CHECKS
        )  # fmt: skip
        yield replace(scene, scene=name, group=name, pairs=rows, findings=findings)
