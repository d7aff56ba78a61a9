"""Smooth a map by weighted total variation: alternating directions, with an FFT for the map.

Minimises |T0 - T|^2 + sum w |D T| by splitting G = D T. The differences are periodic so that a
Fourier transform solves for T; those across the border carry no weight, hence join nothing.

Source: Guo, Li, Ling, LIME, IEEE TIP 26(2), 2017, Algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import fft

from baselines.inference.grids.five_point import Grid

_AXES = (1, 0)  # across, down


def smoothed(
    initial: Grid,
    across: Grid,
    down: Grid,
    *,
    penalty: float = 1.0,
    growth: float = 1.2,
    tolerance: float = 1e-5,
    most_iterations: int = 50,
) -> Grid:
    """Return the map T, (H, W) float64.

    Parameters
    ----------
    initial : (H, W), T0
    across, down : (H, W - 1) and (H - 1, W), weights w of the differences to the right neighbour
        and to the one below
    penalty, growth : mu at first, and its factor after each iteration, above 1
    tolerance : done when |D T - G| is no larger, over |T0|
    most_iterations : done then in any case
    """
    start = initial.astype(np.float64)
    weights = [_around(w, axis) for w, axis in zip((across, down), _AXES, strict=True)]
    split = [difference(start, axis) for axis in _AXES]  # so that no weight leaves T0 as it is
    multiplier = [np.zeros_like(start) for _ in _AXES]
    goal = tolerance * np.linalg.norm(start)
    result: Grid = start
    for _ in range(most_iterations):
        flow = [g - z / penalty for g, z in zip(split, multiplier, strict=True)]
        result = quadratic(2 * start + penalty * divergence(flow), penalty)
        gap = 0.0
        for axis, w, g, z in zip(_AXES, weights, split, multiplier, strict=True):
            step = difference(result, axis)
            shifted = step + z / penalty
            g[...] = np.sign(shifted) * np.maximum(np.abs(shifted) - w / penalty, 0)
            step -= g
            z += penalty * step
            gap += float(np.vdot(step, step))
        if math.sqrt(gap) <= goal:
            break
        penalty *= growth
    return result


def quadratic(right: Grid, penalty: float) -> Grid:
    """Solve (2 + penalty D^T D) T = right with periodic differences D, (H, W)."""
    height, width = right.shape
    spectrum = fft.rfft2(right)
    waves = [4 * np.sin(np.pi * k) ** 2 for k in (fft.rfftfreq(width), fft.fftfreq(height))]
    spectrum /= 2 + penalty * (waves[1][:, None] + waves[0])
    result: Grid = fft.irfft2(spectrum, right.shape, overwrite_x=True)
    return result


def difference(grid: Grid, axis: int) -> Grid:
    """Return the forward difference along an axis, the last one to the first pixel, (H, W)."""
    return np.roll(grid, -1, axis) - grid


def divergence(flow: Sequence[Grid]) -> Grid:
    """Return D^T of a flow across and a flow down, (H, W)."""
    across, down = (np.roll(f, 1, axis) - f for f, axis in zip(flow, _AXES, strict=True))
    total: Grid = across + down
    return total


def _around(weight: Grid, axis: int) -> Grid:
    """Add the differences across the border, which have no weight."""
    return np.pad(weight, [(0, 1) if axis == along else (0, 0) for along in (0, 1)])
