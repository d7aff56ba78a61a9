"""Small pictures for tests, dark and normally lit, as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lldata import synthesise, upkeep
from lldata.engine import Local
from lldata.sets.job import SceneJob
from lldata.store import Store, open_store
from lldata.synthesis import pairs
from tests.captures import light


def picture(seed: int, shape: tuple[int, int] = (64, 96)) -> np.ndarray:
    """Return a coloured 8-bit picture (H, W, 3) with structure at all scales."""
    planes = np.stack([light(seed, shape), light(seed, shape) ** 1.3, light(seed, shape) ** 0.8])
    return np.rint(planes.transpose(1, 2, 0) * 255).astype(np.uint8)


def dark(normal: np.ndarray, times: float = 8, seed: int = 0) -> np.ndarray:
    """Return a picture `times` as dark, with a little noise, of the same type."""
    noise = np.random.default_rng(seed).normal(0, 0.004, normal.shape)
    white = np.iinfo(normal.dtype).max
    return np.clip(np.rint((normal / white / times + noise) * white), 0, white).astype(normal.dtype)


def write(path: Path, rgb: np.ndarray) -> Path:
    """Write a picture in the format of its file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1])
    return path


def write_pairs(folder: Path, names: str = "a b c") -> Path:
    """Write a pair for each name into folder/low and folder/high."""
    for seed, name in enumerate(names.split()):
        normal = picture(seed)
        write(folder / "high" / f"{name}.png", normal)
        write(folder / "low" / f"{name}.png", dark(normal))
    return folder


def darkened(folder: Path) -> Store:
    """Return the dataset `dusk` of four photographs darkened by the formula, with noise."""
    for seed in range(4):
        write(folder / "photographs" / f"p{seed}.png", picture(20 + seed))
    made = synthesise.prepare(
        folder / "photographs", "dusk", "raise_retinex", 0, Local(workers=1)
    )  # fmt: skip
    for scene in made.plan.scenes:
        pairs.run_scene(SceneJob(scene, made.plan.protocol, made.path, ""))
    upkeep.build_index(made.path, "2026-01-01T00:00:00+00:00")
    return open_store(made.path)
