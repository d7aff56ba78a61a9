"""Pixel by pixel: how far the output is from its reference."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import LARGEST, metric

# Of two different 8-bit images of 10^9 pixels that differ by 1 in one value.
LARGEST_DB = 10 * math.log10(255**2 * 3e9)
ROWS = 256  # summed at a time, so that float64 never holds the whole image

Bytes = NDArray[np.uint8]
Unit = NDArray[np.floating]


@metric(
    unit="dB", better="higher", bounds=(0, LARGEST_DB), peak=255,
    error="mean square over pixels and RGB, float64",
)  # fmt: skip
def psnr(output: Bytes, reference: Bytes) -> float:
    """Peak signal-to-noise ratio of two 8-bit images over all pixels and channels.

    Identical images score +inf, not a capped number.

    Source: 10 log10(peak^2 / MSE), peak 255, as MATLAB's psnr on PNG files gives it.
    """
    # OpenCV sums the squares of 8-bit differences as integers: exact and in one pass.
    return _decibel(cv2.norm(output, reference, cv2.NORM_L2SQR) / output.size, 255)


@metric(
    unit="dB", better="higher", pixels="float", bounds=(0, LARGEST), peak=1,
    error="mean square over pixels and RGB",
)  # fmt: skip
def psnr_float(output: Unit, reference: Unit) -> float:
    """Peak signal-to-noise ratio of the clipped, unrounded images.

    Source: 10 log10(1 / MSE); what tensors in [0, 1] give before anything is saved.
    """
    total = 0.0
    for row in range(0, len(output), ROWS):
        error = np.subtract(output[row : row + ROWS], reference[row : row + ROWS], dtype=np.float64)
        total += float(np.vdot(error, error))
    return _decibel(total / output.size, 1)


@metric(unit="1/255", better="lower", bounds=(0, 255), error="mean absolute over pixels and RGB")
def mae(output: Bytes, reference: Bytes) -> float:
    """Mean absolute difference of two 8-bit images over all pixels and channels."""
    return float(cv2.norm(output, reference, cv2.NORM_L1) / output.size)


def _decibel(mse: float, peak: float) -> float:
    return 10 * math.log10(peak**2 / mse) if mse > 0 else math.inf
