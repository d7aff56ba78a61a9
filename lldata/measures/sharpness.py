"""How sharp the sharpest edges of a frame are, as the blur that they have been through.

An edge blurred by a Gaussian of sigma b and looked at through one of sigma s has, summed across
it, the gradient energy 1 / (2 sqrt(pi) sqrt(b^2 + s^2)) times its squared height. The ratio of the
energies at two scales is free of the height and gives b. The energy is the product of the gradients
of two interleaved halves of the green, whose noise is independent: noise has no share in it.

Source: the ratio of gradients at two scales, Zhuo & Sim 2011, "Defocus map estimation from a
single image", section 3, here in the mean over blocks and free of noise.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]

BLOCK_PX = 64  # packed pixels a side, of small frames a quarter of theirs
MOST_BLOCKS = 48  # blocks looked at, those with the strongest edges
SHARPEST = 0.1  # share of the blocks that speak for the frame
SCALES = (0.6, 1.2)  # sigma, packed pixels
LEAST_BLOCKS = 3
_SIGNIFICANT = 8.0  # standard errors
_MEDIAN = 0.6745  # of the size of a normal deviate
_MARGIN = 8  # packed pixels a side that a block's filters reach beyond it
_SMALLEST = 4  # a quarter of the side of the smallest blocks
_NEAR_WHITE = 0.9
LARGEST_BLUR = 12.0  # packed pixels; what is blurred more is given as this


def edge_blur(halves: Planes) -> float | None:
    """Return the blur (sigma, packed pixels) of the sharpest edges of a green.

    Parameters
    ----------
    halves : (2, h, w) the two interleaved halves of the green, linear, 1 is white

    Returns
    -------
    0 for edges as sharp as the photosites, None where fewer than three blocks show edges above
    the noise.
    """
    found = sorted(blur for window in _windows(halves) if (blur := _blur(window)) is not None)
    if len(found) < LEAST_BLOCKS:
        return None
    return float(np.quantile(found, SHARPEST))


def _windows(halves: Planes) -> list[Planes]:
    """Return the blocks with the strongest edges, each (2, side, side) with its margin."""
    side = min(BLOCK_PX, min(halves.shape[1:]) // 4) // 4  # of the green at a quarter of its size
    if side < _SMALLEST:
        return []
    green = cv2.resize(halves.mean(0), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    across, down = (cv2.Sobel(green, cv2.CV_32F, x, 1 - x, ksize=3) for x in (1, 0))
    strength = cv2.boxFilter(across * across + down * down, -1, (side, side))
    brightest = cv2.dilate(green, np.ones((side, side), np.uint8))
    rows, columns = (length // side for length in green.shape)
    centres = [(side * i + side // 2, side * j + side // 2)
               for i in range(rows) for j in range(columns)]  # fmt: skip
    centres = [c for c in centres if brightest[c] < _NEAR_WHITE]
    centres.sort(key=lambda c: -strength[c])
    reach = 2 * side + _MARGIN
    windows = []
    for y, x in centres[:MOST_BLOCKS]:
        top, left = max(0, 4 * y - reach), max(0, 4 * x - reach)
        windows.append(halves[:, top : 4 * y + reach, left : 4 * x + reach])
    return windows


def _blur(window: Planes) -> float | None:
    """Return the blur of one block, None where noise hides its edges."""
    energies = [_energy(window, sigma) for sigma in SCALES]
    if any(energy is None for energy in energies):
        return None
    fine, coarse = (float(e) for e in energies if e is not None)
    ratio = (fine / coarse) ** 2
    first, second = (sigma**2 for sigma in SCALES)
    # ratio = (b^2 + second) / (b^2 + first)
    if ratio <= 1 + (second - first) / (LARGEST_BLUR**2 + first):
        return LARGEST_BLUR
    return float(np.sqrt(max(0.0, (second - ratio * first) / (ratio - 1))))


def _energy(window: Planes, sigma: float) -> float | None:
    """Return the mean gradient energy that both halves share, None where noise hides it."""
    smooth = [cv2.GaussianBlur(half, (0, 0), sigma)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
              for half in window]  # fmt: skip
    slopes = [_slopes(half) for half in smooth]
    energy = float((slopes[0] * slopes[1]).mean())
    # the median is blind to edges, which both halves see half a pixel apart
    noise = float(np.median(np.abs(slopes[0] - slopes[1]))) ** 2 / (2 * _MEDIAN**2)
    samples = slopes[0].size / (4 * np.pi * sigma**2)
    return energy if energy > _SIGNIFICANT * noise / np.sqrt(max(samples, 1)) else None


def _slopes(plane: Planes) -> Planes:
    """Return the differences of a plane down and across, (2, h - 2, w - 2)."""
    down = plane[2:, 1:-1] - plane[:-2, 1:-1]
    across = plane[1:-1, 2:] - plane[1:-1, :-2]
    return np.stack([down, across])
