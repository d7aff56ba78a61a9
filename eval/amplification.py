"""Ready pictures amplified as light, and the ratio that a dark one asks for."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lldata.curve import encode, linearise

GREY = 0.18  # mean linear signal that --ratio auto aims at: a grey card
RATIO_RANGE = (1.0, 300.0)


def automatic_ratio(linear: NDArray[np.float32]) -> float:
    """Return the amplification that brings the mean linear signal to a grey card's 0.18.

    Parameters
    ----------
    linear : (C, h, w) linear planes of a frame

    Returns
    -------
    the ratio, from 1 to 300
    """
    mean = float(linear.clip(0, 1).mean(dtype=np.float64))
    low, high = RATIO_RANGE
    return high if mean <= GREY / high else max(low, GREY / mean)


def amplified(
    srgb: NDArray[np.float32], ratio: float | Literal["auto"]
) -> tuple[NDArray[np.float32], float]:
    """Return a ready picture (3, H, W) in [0, 1] with its light amplified, and by how much."""
    linear = linearise(srgb)
    gain = automatic_ratio(linear) if ratio == "auto" else ratio
    return encode((linear * np.float32(gain)).clip(0, 1)).astype(np.float32), gain
