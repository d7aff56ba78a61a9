"""Structural similarity as others define it: over five scales, and with the papers' range of 2."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import metric
from eval.metrics.similarity import GREY, WINDOW, Bytes, grey
from eval.metrics.sums.window import C1, C2, RADIUS, SIGMA
from lldata.errors import ScoreError

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang 2003, table 1, finest scale first
SIDE = 7  # of the uniform window of ssim_l2

Floats = NDArray[np.floating[Any]]


FIVE_SCALES: dict[str, Any] = {
    "weights": list(WEIGHTS),
    "channels": GREY,
    "scales": "2x2 mean, every second pixel",
    **WINDOW,
}


@metric(
    unit="", better="higher", bounds=(-1, 1), combined="weighted mean, weights over their sum",
    **FIVE_SCALES,
)  # fmt: skip
def ms_ssim(output: Bytes, reference: Bytes) -> float:
    """Structural similarity over five scales of the two images turned to 8-bit grey.

    Contrast and structure are compared at each scale, luminance at the coarsest; the score is
    the weighted mean of the five, as the authors' script combines them on request (wtd_sum). Of
    its readings only this one gives the published calibration scores to their last digit; it is
    never below `ms_ssim_product`, and above it where the scales differ.

    Source: Wang, Simoncelli, Bovik 2003, with their weights and the window of `ssim`.
    """
    scores = _five_scales(output, reference, "ms_ssim")
    mean = float(np.average(scores, weights=WEIGHTS))
    return min(1.0, mean)  # rounding may leave it above


@metric(
    unit="", better="higher", bounds=(0, 1), combined="product of powers", negative="zero",
    **FIVE_SCALES,
)  # fmt: skip
def ms_ssim_product(output: Bytes, reference: Bytes) -> float:
    """Structural similarity over five scales, multiplied: what most papers call MS-SSIM.

    The five of `ms_ssim`, each to the power of its weight; below zero they count as zero.

    Source: Wang, Simoncelli, Bovik 2003, eq. 7.
    """
    scores = np.asarray(_five_scales(output, reference, "ms_ssim_product"))
    return min(1.0, float(np.prod(scores.clip(0) ** WEIGHTS)))


def _five_scales(output: Bytes, reference: Bytes, name: str) -> list[float]:
    """Return contrast and structure of the four finer scales, all of similarity of the coarsest."""
    pair: list[Floats] = [grey(image)[..., 0].astype(np.float64) for image in (output, reference)]
    shortest = (2 * RADIUS + 1) << (len(WEIGHTS) - 1)
    if min(pair[0].shape) < shortest:
        height, width = pair[0].shape
        raise ScoreError(
            name,
            f"the images are {width}x{height}",
            f"its five scales need at least {shortest}x{shortest} pixels",
            "Score larger images",
        )
    scores = []
    for _ in WEIGHTS[:-1]:
        scores.append(_means(*pair)[1])
        pair = [_halved(image) for image in pair]
    return [*scores, _means(*pair)[0]]


def _means(output: Floats, reference: Floats) -> tuple[float, float]:
    """Return the means of similarity, and of its contrast and structure, where the window fits."""
    x, y = _windowed(output), _windowed(reference)
    covariance = 2 * (_windowed(output * reference) - x * y) + C2
    variances = _windowed(output**2) - x**2 + _windowed(reference**2) - y**2 + C2
    contrast = covariance / variances
    luminance = (2 * x * y + C1) / (x**2 + y**2 + C1)
    return float((luminance * contrast).mean()), float(contrast.mean())


def _windowed(image: Floats) -> Floats:
    side = 2 * RADIUS + 1
    mean: Floats = np.asarray(cv2.GaussianBlur(image, (side, side), SIGMA))
    return mean[RADIUS:-RADIUS, RADIUS:-RADIUS]


def _halved(image: Floats) -> Floats:
    means: Floats = np.asarray(
        cv2.blur(image, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_REFLECT)
    )
    return means[::2, ::2]


@metric(
    unit="", better="higher", bounds=(-1, 1), pixels="float", window="uniform 7x7",
    covariance="sample", k1=0.01, k2=0.03, range=2, region="valid", channels="mean over RGB",
)  # fmt: skip
def ssim_l2(output: Floats, reference: Floats) -> float:
    """Structural similarity of unrounded floats with a data range of 2, as some papers print it.

    The range comes from an old library's default for floats, -1 to 1; it makes scores higher
    than `ssim` on the same pictures, so the two are never compared.

    Source: Wang 2004, eq. 13, uniform 7x7 window, sample covariance, L = 2 (Maharjan 2019's
    published script). Equals scikit-image's structural_similarity with data_range=2.
    """
    height, width = output.shape[:2]
    if min(height, width) < SIDE:
        raise ScoreError(
            "ssim_l2",
            f"the images are {width}x{height}",
            f"its window needs at least {SIDE}x{SIDE} pixels",
            "Score larger images",
        )
    channels = (
        _uniform(output[..., c].astype(np.float64), reference[..., c].astype(np.float64))
        for c in range(3)
    )
    return float(np.mean(list(channels)))


def _uniform(output: Floats, reference: Floats) -> float:
    def windowed(image: Floats) -> Floats:
        edge = SIDE // 2
        mean: Floats = np.asarray(cv2.blur(image, (SIDE, SIDE)))
        return mean[edge:-edge, edge:-edge]

    unbiased = SIDE**2 / (SIDE**2 - 1)
    x, y = windowed(output), windowed(reference)
    covariance = unbiased * (windowed(output * reference) - x * y)
    variances = unbiased * (windowed(output**2) - x**2 + windowed(reference**2) - y**2)
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    map_ = (2 * x * y + c1) * (2 * covariance + c2) / ((x**2 + y**2 + c1) * (variances + c2))
    return float(map_.mean())
