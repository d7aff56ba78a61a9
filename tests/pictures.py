"""Small pictures for tests, dark and normally lit, as files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

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
