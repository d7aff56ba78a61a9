"""Whether a mosaic holds the pixels the sensor gave: decoders fill what is missing in silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lldata.audit import Finding
from lldata.frame import Frame

MOST_ROWS = 0  # rows of no information a sound frame may have


def empty_rows(frame: Frame) -> int:
    """Return how many rows hold one value, or repeat the row two above, without being saturated.

    A decoder that runs out of data leaves zeros or repeats what it has; noise never does. Frames
    of a sensor with a black level below which values are cut may have rows at that level only
    where nothing at all was lit.
    """
    mosaic: NDArray[np.uint16] = frame.mosaic
    lit = mosaic.min(axis=1) < frame.white_level
    constant = (mosaic.min(axis=1) == mosaic.max(axis=1)) & lit
    period = 2 if len(frame.cfa) == 4 else 6
    repeated = np.zeros_like(constant)
    if len(mosaic) > period:
        same = (mosaic[period:] == mosaic[:-period]).all(axis=1)
        repeated[period:] = same & lit[period:]
    return int(np.count_nonzero(constant | repeated))


def audit(scene: str, pair: str, frames: dict[str, Frame], *, decoded_twice: bool) -> Finding:
    """Judge the mosaics of one pair."""
    rows = {name: empty_rows(frame) for name, frame in frames.items()}
    worst = max(rows.values(), default=0)
    if worst > MOST_ROWS:
        said = ", ".join(f"{n} rows of {name} hold no picture" for name, n in rows.items() if n)
        return Finding(
            scene,
            pair,
            "integrity",
            "quarantine",
            float(worst),
            float(MOST_ROWS),
            f"{said}: the file is damaged. Copy it from the card again",
        )
    twice = ", decoded twice alike" if decoded_twice else ""
    return Finding(
        scene,
        pair,
        "integrity",
        "pass",
        float(worst),
        float(MOST_ROWS),
        f"every row holds a picture{twice}",
    )
