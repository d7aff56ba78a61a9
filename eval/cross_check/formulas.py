"""The formulas of the papers written a second time, plainly, sharing nothing with the metrics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from eval.cross_check.pictures import Case
from eval.metrics.definition import Image

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
YIQ = ((1, 0.956, 0.621), (1, -0.272, -0.647), (1, -1.106, 1.703))  # to RGB, by rows

Floats = NDArray[np.floating[Any]]
Levels = NDArray[np.integer[Any]]


def eight_bit(image: Image) -> NDArray[np.uint8]:
    """Return a picture clipped to [0, 1] and rounded to 8 bits."""
    if image.dtype == np.uint8:
        return image
    return np.asarray(np.round(np.minimum(np.maximum(image, 0), 1) * 255), np.uint8)


def unit(image: Image) -> Floats:
    """Return a picture as float64 clipped to [0, 1]."""
    values = image.astype(np.float64)
    return values / 255 if image.dtype == np.uint8 else np.minimum(np.maximum(values, 0), 1)


def grey_levels(image: Image) -> Levels:
    """Return 0.299 R + 0.587 G + 0.114 B rounded; summed in another order, ties fall otherwise."""
    red, green, blue = np.moveaxis(image.astype(np.float64), 2, 0)
    return np.asarray(np.round(0.299 * red + 0.587 * green + 0.114 * blue), np.uint8)


def yiq_levels(image: Image) -> Levels:
    """Return Y of YIQ, of the inverted matrix, rounded half up."""
    weights = np.linalg.inv(np.array(YIQ))[0]
    luma = sum(weight * image[..., channel] for channel, weight in enumerate(weights))
    return np.floor(np.asarray(luma) + 0.5).astype(np.uint8)


def psnr_gtmean(case: Case) -> float:
    """PSNR once the mean grey is the reference's."""
    output, reference = eight_bit(case.output), eight_bit(case.reference)
    means = [np.average(image.mean(axis=(0, 1)), weights=(299, 587, 114))
             for image in (output, reference)]  # fmt: skip
    brighter = np.round(np.minimum(output * (means[1] / means[0]), 255))
    square = np.square(brighter - reference).mean()
    return math.inf if square == 0 else 20 * math.log10(255 / math.sqrt(float(square)))


def ms_ssim(case: Case) -> float:
    """Weighted mean of five scales."""
    total = math.fsum(w * s for w, s in zip(SCALE_WEIGHTS, _scales(case), strict=True))
    return total / math.fsum(SCALE_WEIGHTS)


def ms_ssim_product(case: Case) -> float:
    """Product of five scales to their weights."""
    powers = (max(s, 0) ** w for w, s in zip(SCALE_WEIGHTS, _scales(case), strict=True))
    return float(math.prod(powers))


def _scales(case: Case) -> list[float]:
    one, other = (grey_levels(eight_bit(i)).astype(float) for i in (case.output, case.reference))
    found = []
    for scale in range(5):
        found.append(_structure(one, other, luminance=scale == 4))
        one, other = (_half(image) for image in (one, other))
    return found


def _structure(one: Floats, other: Floats, *, luminance: bool) -> float:
    c1, c2 = 0.0001 * 255**2, 0.0009 * 255**2

    def seen(image: Floats) -> Floats:
        mean: Floats = gaussian_filter(image, 1.5, truncate=3.5)[5:-5, 5:-5]
        return mean

    m, n = seen(one), seen(other)
    both, spread = seen(one * other) - m * n, seen(one**2 + other**2) - m**2 - n**2
    similar = (2 * both + c2) / (spread + c2)
    if luminance:
        similar = similar * (2 * m * n + c1) / (m**2 + n**2 + c1)
    return float(similar.mean())


def _half(image: Floats) -> Floats:
    """Return the means of 2x2 pixels; a last odd row or column is its own neighbour."""
    even = np.pad(image, [(0, side % 2) for side in image.shape], "edge")
    quarters = [even[row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return np.asarray(np.mean(quarters, axis=0))


def colourfulness(case: Case) -> float:
    """Spread and distance from grey of the opponent colours."""
    red, green, blue = np.moveaxis(eight_bit(case.output).astype(float), 2, 0)
    first, second = red - green, 0.5 * (red + green) - blue
    return math.hypot(np.std(first), np.std(second)) + 0.3 * math.hypot(first.mean(), second.mean())


def loe(case: Case) -> float:
    """Order of lightness, pixel after pixel."""
    after, before = (_lightness(eight_bit(image)) for image in (case.output, case.given))
    turned = [
        np.count_nonzero((after[pixel] >= after) != (before[pixel] >= before))
        for pixel in range(len(after))
    ]
    return float(np.mean(turned))


def _lightness(image: Image) -> Levels:
    """Return the lightness of each pixel, or the exact sums of 50 cells on the shorter side."""
    lightness = image.max(axis=2).astype(np.int64)
    shorter = min(lightness.shape)
    if shorter <= 50:
        return np.asarray(lightness.ravel())
    rows, columns = (_cells(side, round(side * 50 / shorter)) for side in lightness.shape)
    sums = [
        lightness[down][:, across] * part_down[:, None] * part_across
        for down, part_down in rows
        for across, part_across in columns
    ]
    return np.array([cell.sum() for cell in sums])


def _cells(length: int, count: int) -> list[tuple[slice, Levels]]:
    """Return the pixels under each of `count` cells, and how many `count`ths of each."""
    found = []
    for cell in range(count):
        start, end = cell * length, (cell + 1) * length
        first, last = start // count, -(-end // count)
        parts = [min(end, (p + 1) * count) - max(start, p * count) for p in range(first, last)]
        found.append((slice(first, last), np.array(parts)))
    return found
