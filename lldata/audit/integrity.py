"""Whether a mosaic holds the pixels the sensor gave: decoders fill what is missing in silence."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from lldata.audit import Finding
from lldata.audit.evidence import Pair
from lldata.frame import Frame

BLOCK_PX = 32  # photosites a side
_LIT = 0.9  # of the frame's brightest value: from here rows and blocks may be saturated alike


def empty_rows(frame: Frame) -> int:
    """Return how many rows hold one value, or repeat the same CFA row before, unless saturated.

    A decoder that runs out of data leaves zeros or repeats what it has; noise never does.
    """
    mosaic: NDArray[np.uint16] = frame.mosaic
    dark = mosaic.min(axis=1) < _LIT * mosaic.max()
    constant = (mosaic.min(axis=1) == mosaic.max(axis=1)) & dark
    period = 2 if len(frame.cfa) == 4 else 6
    repeated = np.zeros_like(constant)
    if len(mosaic) > period:
        same = (mosaic[period:] == mosaic[:-period]).all(axis=1)
        repeated[period:] = same & dark[period:]
    return int(np.count_nonzero(constant | repeated))


def empty_blocks(frame: Frame) -> int:
    """Return how many square blocks hold one value or equal another block.

    Saturated blocks do not count, nor blocks of exactly the black level, where sensors that cut
    off below it leave unlit places; a decoder fills with zeros.
    """
    mosaic = frame.mosaic
    rows, columns = (side // BLOCK_PX for side in mosaic.shape)
    tiles = mosaic[: rows * BLOCK_PX, : columns * BLOCK_PX]
    tiles = tiles.reshape(rows, BLOCK_PX, columns, BLOCK_PX).swapaxes(1, 2)
    tiles = tiles.reshape(rows * columns, BLOCK_PX * BLOCK_PX)
    dark = tiles[tiles.min(axis=1) < _LIT * mosaic.max()]
    low, high = dark.min(axis=1, initial=2**16 - 1), dark.max(axis=1, initial=0)
    constant = np.count_nonzero((low == high) & (low != int(min(frame.black_level))))
    seen = Counter(tile.tobytes() for tile in dark[low < high])
    return int(constant) + sum(count for count in seen.values() if count > 1)


def audit(pair: Pair) -> Finding:
    """Judge the mosaics of one pair."""
    said, worst = [], 0
    for name, (rows, blocks) in pair_counts(pair).items():
        for count, what in ((rows, "rows"), (blocks, "blocks")):
            worst = max(worst, count)
            if count:
                said.append(f"{count} {what} of {name} hold no picture")
    if said:
        message = f"{', '.join(said)}: the file is damaged. Copy it from the card again"
        return pair.finding("integrity", "quarantine", float(worst), 0.0, message)
    twice = ", decoded twice alike" if pair.scene.decoded_twice else ""
    return pair.finding(
        "integrity", "pass", 0.0, 0.0, f"every row and block holds a picture{twice}"
    )


def pair_counts(pair: Pair) -> dict[str, tuple[int, int]]:
    """Return file name -> its rows and blocks that hold no picture, of the short and the long."""
    scene = pair.scene
    frames = {pair.path.name: pair.short}
    if scene.long is not None:
        frames[scene.files.long.name] = scene.long
    return {name: (empty_rows(frame), empty_blocks(frame)) for name, frame in frames.items()}
