"""Mirrored and transposed crops of a mosaic whose every site keeps its colour.

A mirrored mosaic has another CFA phase. The crop is moved by the few sites that bring the
canonical phase back, mosaic and reference alike, so that what a plane shows lies where the
reference shows it. Row noise becomes column noise under a transposition, as in any such scheme.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lldata import cfa
from lldata.patches import Geometry

Augmentation = Literal["published", "cfa"]
Planes = NDArray[np.float32]


def cells(pattern: str) -> int:
    """Return the packed pixels on a side of a CFA period: 1 for Bayer, 2 for X-Trans."""
    plan = cfa.layout(pattern)
    return plan.period // plan.scale


def draw(random: np.random.Generator) -> Geometry:
    """Draw one of the eight ways to lay a square, each as likely."""
    return Geometry(*(bool(turn) for turn in random.random(3) < 0.5))


def turned(
    packed: Planes, reference: Planes, geometry: Geometry, pattern: str
) -> tuple[Planes, Planes]:
    """Lay a crop another way, in raw space, and pack it again.

    Parameters
    ----------
    packed : (C, h, w) of whole CFA periods, in the order of `cfa.pack`
    reference : (3, scale * h, scale * w)
    geometry : how both are laid
    pattern : CFA of the frame; its phase does not matter, packed planes are canonical

    Returns
    -------
    both, a period smaller on each axis: (C, h', w') is `cfa.pack` of the mosaic laid so, cut at
    its first canonical site.
    """
    pattern, period = canonical(pattern), cfa.layout(pattern).period
    size = (packed.shape[1] * cfa.scale(pattern), packed.shape[2] * cfa.scale(pattern))
    mosaic = geometry(cfa.unpack(packed, pattern, size))
    top, left = moved(geometry, pattern)
    rows = slice(top, top + mosaic.shape[0] - period)
    columns = slice(left, left + mosaic.shape[1] - period)
    return cfa.pack(mosaic[rows, columns], pattern), geometry(reference)[:, rows, columns]


def canonical(pattern: str) -> str:
    """Return the phase of a CFA that packed planes have."""
    return cfa.BAYER if cfa.scale(pattern) == 2 else cfa.XTRANS


@lru_cache(maxsize=16)
def moved(geometry: Geometry, pattern: str) -> tuple[int, int]:
    """Return the rows and columns to leave out of a mosaic laid so, to get its phase back."""
    colours = np.array(["RGB".index(letter) for letter in pattern], np.float32)
    side = cfa.layout(pattern).period
    laid = geometry(colours.reshape(side, side))
    return next(
        (top, left)
        for top in range(side)
        for left in range(side)
        if np.array_equal(np.roll(laid, (-top, -left), (0, 1)).ravel(), colours)
    )
