"""Rows and blocks of a mosaic that hold no picture: decoders fill what is missing in silence."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lldata.frame import Frame

BLOCK_PX = 32  # photosites a side
_LIT = 0.9  # of the frame's brightest value: from here rows and blocks may be saturated alike


class Empty(NamedTuple):
    """How much of a mosaic holds no picture."""

    rows: int
    blocks: int


def measure(frame: Frame) -> Empty:
    """Return the rows and the blocks of a frame that hold no picture."""
    return Empty(empty_rows(frame), empty_blocks(frame))


def empty_rows(frame: Frame) -> int:
    """Return how many rows hold one value, or repeat the same CFA row before, unless saturated.

    A decoder that runs out of data leaves zeros or repeats what it has; noise never does.
    """
    mosaic: NDArray[np.uint16] = frame.mosaic
    low, high = mosaic.min(axis=1), mosaic.max(axis=1)
    dark = low < _LIT * high.max(initial=0)
    constant = (low == high) & dark
    period = 2 if len(frame.cfa) == 4 else 6
    repeated = np.zeros_like(constant)
    alike = (low[period:] == low[:-period]) & (high[period:] == high[:-period]) & dark[period:]
    for row in np.flatnonzero(alike) + period:
        repeated[row] = np.array_equal(mosaic[row], mosaic[row - period])
    return int(np.count_nonzero(constant | repeated))


def empty_blocks(frame: Frame) -> int:
    """Return how many square blocks hold one value or equal another block.

    Saturated blocks do not count, nor blocks of exactly the black level, where sensors that cut
    off below it leave unlit places; a decoder fills with zeros.
    """
    mosaic = frame.mosaic
    rows, columns = (side // BLOCK_PX for side in mosaic.shape)
    tiles = mosaic[: rows * BLOCK_PX, : columns * BLOCK_PX]
    tiles = tiles.reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    low = tiles.min(axis=1).min(axis=2).ravel()
    high = tiles.max(axis=1).max(axis=2).ravel()
    lit = low >= _LIT * mosaic.max(initial=0)
    constant = np.count_nonzero((low == high) & ~lit & (low != int(min(frame.black_level))))
    corners = tiles[:, 0, :, :4].reshape(rows * columns, 4)  # equal blocks have equal corners
    varied = np.flatnonzero((low < high) & ~lit)
    keys = [corners[at].tobytes() for at in varied]
    shared = {key for key, count in Counter(keys).items() if count > 1}
    seen = Counter(
        tiles[at // columns, :, at % columns].tobytes()
        for at, key in zip(varied, keys, strict=True)
        if key in shared
    )
    return int(constant) + sum(count for count in seen.values() if count > 1)
