"""How near two pictures are, whatever gain and offset each channel has."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LIKE = 50.0  # dB: rounding to 8 bits alone leaves 59, the best methods are below 45
_FLATTEST = 2.0  # standard deviation of a channel that tells pictures apart, in 1/255

Bytes = NDArray[np.uint8]


def nearness(one: Bytes, other: Bytes) -> float:
    """Return the PSNR of two pictures of one size, dB; infinite if they are equal."""
    return _decibels(float(np.mean((one.astype(np.float32) - other) ** 2, dtype=np.float64)))


def fitted_nearness(output: Bytes, reference: Bytes) -> float | None:
    """Return the PSNR of a picture after the gain and offset of each channel that fit best.

    Parameters
    ----------
    output, reference : (H, W, 3) uint8

    Returns
    -------
    dB; None for a reference too flat to tell pictures apart
    """
    errors = []
    for channel in range(3):
        x, y = (picture[..., channel].astype(np.float64).ravel() for picture in (output, reference))
        x -= x.mean()
        y -= y.mean()
        power, own = float(y @ y), float(x @ x)
        if math.sqrt(power / len(y)) < _FLATTEST:
            continue
        explained = float(x @ y) ** 2 / own if own > 0 else 0.0
        errors.append(max(power - explained, 0.0) / len(y))
    return _decibels(sum(errors) / len(errors)) if errors else None


def _decibels(mean_square: float) -> float:
    return math.inf if mean_square < 1e-9 else 10 * math.log10(255**2 / mean_square)
