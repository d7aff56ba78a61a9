"""A frame worked on in tiles that are blended where they overlap.

For what gives each tile another brightness or texture, as a network fitted to it does; networks
that give a pixel the same value in every tile are applied by `tiling`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]  # (3, H, W)

OVERLAP = 8  # neighbouring tiles share at least 1/8 of a tile


class Tile(NamedTuple):
    """One tile along one side of a frame."""

    first: int
    last: int  # exclusive
    weights: NDArray[np.float32]  # of its pixels; over each pixel of the side they sum to 1


def blended(work: Callable[[Planes], Planes], frame: Planes, side: int) -> Planes:
    """Work on a frame in tiles of at most `side` px, blended linearly where they overlap."""
    result = np.zeros_like(frame)
    for down in tiles(frame.shape[1], side):
        for across in tiles(frame.shape[2], side):
            inside = (slice(None), slice(down.first, down.last), slice(across.first, across.last))
            result[inside] += work(frame[inside]) * (down.weights[:, None] * across.weights)
    return result


def tiles(length: int, side: int) -> list[Tile]:
    """Return the tiles along one side of a frame, evenly spread."""
    side = min(side, length)
    overlap = side // OVERLAP
    count = -(-(length - overlap) // (side - overlap))
    firsts = np.linspace(0, length - side, count).round().astype(int).tolist()
    rising = np.arange(1, side + 1)
    ramp = np.minimum(np.minimum(rising, rising[::-1]), max(overlap, 1)).astype(np.float32)
    total = np.zeros(length, np.float32)
    for first in firsts:
        total[first : first + side] += ramp
    return [Tile(f, f + side, ramp / total[f : f + side]) for f in firsts]
