"""Crops that are worked on as mosaics, not as packed planes: whole CFA periods are read for them.

Such are crops whose short is made of the long frame, and crops laid another way that keep the
phase of the CFA.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lldata import augmentation, cfa
from lldata.augmentation import Augmentation, Planes, cells
from lldata.sample import Mosaic, read_crop, read_mosaic
from lldata.store import Store
from lldata.synthesis.shorts import NoisyShorts


def surplus(planes: int, size: int, turning: Augmentation, *, synthetic: bool) -> int:
    """Return how many packed pixels more than a crop's a frame must have on a side.

    Parameters
    ----------
    planes : of packed frames, 4 or 9
    size : of the crop, packed pixels
    turning : how crops are turned
    synthetic : whether shorts are made of long frames
    """
    kept = turning == "cfa"
    if not kept and not synthetic:
        return 0
    period = cells(cfa.BAYER if planes == 4 else cfa.XTRANS)
    return -(-(size + period - 1) // period) * period + kept * period - size


def corner(shape: tuple[int, int, int], side: int, random: np.random.Generator) -> tuple[int, int]:
    """Draw top and left of a square in packed planes (C, h, w)."""
    return int(random.integers(shape[1] - side + 1)), int(random.integers(shape[2] - side + 1))


def read_turned(
    store: Store, row: Any, known: Mosaic, size: int, random: np.random.Generator
) -> tuple[Planes, Planes]:
    """Read a random crop, laid one of eight ways that keep the phase of its CFA.

    Parameters
    ----------
    row : of the pair table
    known : `read_mosaic` of the row
    size : packed pixels on a side

    Returns
    -------
    packed (C, size, size) and reference (3, scale * size, scale * size), as `read_crop`.
    """
    packed, reference, inner = _in_periods(store, row, known, size, random, "cfa")
    return _cut(*_laid(packed, reference, known, random), inner, size)


def read_synthetic(
    store: Store,
    row: Any,
    shorts: NoisyShorts,
    size: int,
    random: np.random.Generator,
    turning: Augmentation,
) -> tuple[Planes, Planes, float]:
    """Read a random crop of a long frame and make a short of it.

    Parameters
    ----------
    row : of the pair table; its pair must have a long mosaic
    shorts : how
    size : packed pixels on a side
    turning : "cfa" lays it one of eight ways as well; "published" is left to the caller

    Returns
    -------
    packed and reference as `read_turned`, and the ratio.
    """
    known = read_mosaic(store, row, "long")
    packed, reference, inner = _in_periods(store, row, known, size, random, turning, "long")
    packed, ratio = shorts.take(packed, known, random)
    if turning == "cfa":
        packed, reference = _laid(packed, reference, known, random)
    return *_cut(packed, reference, inner, size), ratio


def _in_periods(
    store: Store,
    row: Any,
    known: Mosaic,
    size: int,
    random: np.random.Generator,
    turning: Augmentation,
    kind: Literal["short", "long"] = "short",
) -> tuple[Planes, Planes, tuple[int, int]]:
    """Read whole periods around a random crop; the last is where in them the crop begins."""
    side = size + surplus(known.packed_shape[0], size, turning, synthetic=True)
    y, x = corner(known.packed_shape, side, random)
    inner = y % cells(known.cfa), x % cells(known.cfa)
    return *read_crop(store, row, y - inner[0], x - inner[1], side, known, kind), inner


def _laid(
    packed: Planes, reference: Planes, known: Mosaic, random: np.random.Generator
) -> tuple[Planes, Planes]:
    return augmentation.turned(packed, reference, augmentation.draw(random), known.cfa)


def _cut(
    packed: Planes, reference: Planes, inner: tuple[int, int], size: int
) -> tuple[Planes, Planes]:
    scale = reference.shape[1] // packed.shape[1]
    parts: list[NDArray[np.float32]] = []
    for planes, unit in ((packed, 1), (reference, scale)):
        rows, columns = (slice(i * unit, (i + size) * unit) for i in inner)
        parts.append(np.ascontiguousarray(planes[:, rows, columns]))
    return parts[0], parts[1]
