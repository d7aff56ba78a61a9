"""The whole-pixel shift of the best correlation, over every shift that a search may find."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from lldata.measures.resample import Pose
from lldata.measures.whitening import Level, Planes

_EVENED = 2.0  # pixels: what evens the short's noise is the short itself, smoothed


def search(level: Level, light: Planes, radius: int) -> Pose:
    """Return the shift, up to `radius` pixels either way, at which short and long agree best.

    Parameters
    ----------
    level : both frames at one scale
    light : (h, w), the short at that scale, unfiltered; its smoothed light tells its noise
    """
    even = level.weight(np.asarray(cv2.GaussianBlur(light, (0, 0), _EVENED), np.float32))
    correlation = _correlation(level.short * even, level.long * level.weight(level.light), radius)
    row, column = (int(v) for v in np.unravel_index(correlation.argmax(), correlation.shape))
    return Pose(
        row - radius + _vertex(correlation[:, column], row),
        column - radius + _vertex(correlation[row], column),
    )


def _correlation(short: Planes, long: Planes, radius: int) -> NDArray[np.float64]:
    """Return the normalised correlation of two planes of zero mean over their overlap.

    Entry (radius + y, radius + x) belongs to the shift that moves `long` back by (y, x).
    Source: Padfield 2012, "Masked object registration in the Fourier domain"; the masks are
    rectangles, so that sums over the overlap come from integral images.
    """
    size = tuple(fft.next_fast_len(side + radius, real=True) for side in short.shape)
    spectrum = np.conj(fft.rfft2(short, size)) * fft.rfft2(long, size)
    full = np.roll(fft.irfft2(spectrum, size), (radius, radius), (0, 1))
    shifts = np.arange(-radius, radius + 1)
    energy = _overlap_energy(short, -shifts) * _overlap_energy(long, shifts)
    floor = 1e-6 * max(float(energy.max()), 1e-30)
    side = 2 * radius + 1
    normalised: NDArray[np.float64] = full[:side, :side] / np.sqrt(np.maximum(energy, floor))
    return normalised


def _overlap_energy(plane: Planes, shifts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the energy of the part of a plane that is left after cutting off each shift."""
    height, width = plane.shape
    total = cv2.integral(plane * plane, sdepth=cv2.CV_64F)
    top, bottom = np.maximum(shifts, 0), height + np.minimum(shifts, 0)
    left, right = np.maximum(shifts, 0), width + np.minimum(shifts, 0)
    energy: NDArray[np.float64] = (
        total[np.ix_(bottom, right)] - total[np.ix_(top, right)]
        - total[np.ix_(bottom, left)] + total[np.ix_(top, left)]
    )  # fmt: skip
    return energy


def _vertex(line: NDArray[np.float64], at: int) -> float:
    """Return how far from `at` the parabola through three entries has its highest point."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = line[at - 1 : at + 2]
    curvature = before - 2 * here + after
    return float(0.5 * (before - after) / curvature) if curvature < 0 else 0.0
