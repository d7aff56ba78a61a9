"""The curve between linear light and the values of a reference: BT.709 as LibRaw applies it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

POWER, TOE_SLOPE = 1 / 2.222, 4.5


def encode(linear: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Apply the BT.709 curve: linear light in [0, 1] to the values of a reference in [0, 1].

    Any shape; the floating type is kept. Values below 0 follow the straight toe, values above
    1 the power.

    Source: ITU-R BT.709-6, item 1.2; the power is LibRaw's 1/2.222, for which it finds the knee
    of continuous value and slope.
    """
    knee, offset = knee_and_offset()
    bent = (1 + offset) * np.maximum(linear, knee) ** POWER - offset
    return np.where(linear < knee, linear * TOE_SLOPE, bent).astype(linear.dtype)


def linearise(encoded: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Invert `encode`: values of a reference in [0, 1] to linear light. Any shape."""
    knee, offset = knee_and_offset()
    bent = ((np.maximum(encoded, knee * TOE_SLOPE) + offset) / (1 + offset)) ** (1 / POWER)
    return np.where(encoded < knee * TOE_SLOPE, encoded / TOE_SLOPE, bent).astype(encoded.dtype)


@cache
def knee_and_offset() -> tuple[float, float]:
    """Return where toe and power meet, and the power's offset: about 0.01805 and 0.09926.

    Equal slope there gives offset = slope * knee * (1/power - 1); equal value then gives
    1 + offset = slope / power * knee^(1 - power), solved by iterating (a contraction).
    """
    ratio = TOE_SLOPE * (1 / POWER - 1)
    knee = 0.018
    for _ in range(200):
        knee = ((1 + ratio * knee) * POWER / TOE_SLOPE) ** (1 / (1 - POWER))
    return knee, ratio * knee
