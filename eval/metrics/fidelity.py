"""Pixel by pixel: how far the output is from its reference."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import LARGEST, metric

# Of two different 8-bit images of 10^9 pixels that differ by 1 in one value.
LARGEST_DB = 10 * math.log10(255**2 * 3e9)
# Limited-range Y of 8-bit RGB is 16 and these whole multiples of a step: differences that cancel
# out then do so exactly.
LUMA = np.array([299.0, 587.0, 114.0])
LUMA_STEP = 0.219 / 255
# Of two images of 10^9 pixels whose luma differs by one step in one pixel.
LARGEST_LUMA_DB = 10 * math.log10((255 / LUMA_STEP) ** 2 * 1e9)
GREY = np.array([0.299, 0.587, 0.114])
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


@metric(
    unit="dB", better="higher", bounds=(0, LARGEST_LUMA_DB), peak=255,
    channels="Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, unrounded",
)  # fmt: skip
def psnr_y(output: Bytes, reference: Bytes) -> float:
    """Peak signal-to-noise ratio of the luma of two 8-bit images, limited range, peak 255.

    Source: ITU-R BT.601; what super-resolution papers print as PSNR. Colour errors count little.
    """
    total = 0.0
    for row in range(0, len(output), ROWS):
        error = output[row : row + ROWS].astype(np.float64) - reference[row : row + ROWS]
        luma = error @ LUMA
        total += float(np.vdot(luma, luma))
    return _decibel(total / (output.shape[0] * output.shape[1]), 255 / LUMA_STEP)


@metric(
    unit="dB", better="higher", bounds=(0, LARGEST_DB), peak=255, oracle=True,
    gain="mean grey 0.299/0.587/0.114 of the reference over that of the output, then 8 bits",
)  # fmt: skip
def psnr_gtmean(output: Bytes, reference: Bytes) -> float:
    """Peak signal-to-noise ratio after the output was given the reference's mean: an oracle.

    No photographer has that mean; the score is kept because papers print it, and it flatters
    methods that miss the brightness. A black output stays black.

    Source: the evaluation scripts of KinD (2019) and LLFlow (2022).
    """
    means = [float((image.mean(axis=(0, 1), dtype=np.float64) * GREY).sum())
             for image in (output, reference)]  # fmt: skip
    if means[0] == 0:
        return psnr(output, reference)
    scaled = np.rint(np.arange(256) * (means[1] / means[0])).clip(0, 255).astype(np.uint8)
    return psnr(np.asarray(cv2.LUT(output, scaled), np.uint8), reference)


@metric(
    unit="dB", better="higher", reads=("raw_output", "raw_reference"), pixels="raw",
    bounds=(-LARGEST, LARGEST), peak="white level - black level",
    error="mean square over packed planes, not clipped",
)  # fmt: skip
def psnr_raw(output: Unit, reference: Unit) -> float:
    """Peak signal-to-noise ratio of packed linear planes (C, h, w) against the long mosaic's.

    Only methods that give raw planes have it, on datasets that keep long mosaics.

    Source: 10 log10(peak^2 / MSE) before any rendering, with the signal's full scale as peak.
    """
    total = 0.0
    for plane, wanted in zip(output, reference, strict=True):
        error = np.subtract(plane, wanted, dtype=np.float64)
        total += float(np.vdot(error, error))
    return _decibel(total / output.size, 1)


def _decibel(mse: float, peak: float) -> float:
    return 10 * math.log10(peak**2 / mse) if mse > 0 else math.inf
