"""How exact the shift of a simulated pair can be known at all: the Cramér-Rao bound.

The long is taken as noise-free, so that the short's greens are known but for its shift and its
exposure. Sites that the long saturates tell nothing and are left out. Noise counts by its
variance, as it does in the audit: bound is what no weighting of the pixels can undercut.

Source: Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, chapter 3,
for Gaussian noise of known variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from lldata.synthesis.noise import Noise
from lldata.synthesis.sensor import Sensor

Light = NDArray[np.floating]

_DRAWS = 2000


def bound(
    light: Callable[[int, int], Light], body: Sensor, noise: Noise, step: int,
    short_s: float, long_s: float,
) -> tuple[float, float]:  # fmt: skip
    """Return the least standard errors of the shift along its two axes, packed px, larger first.

    Parameters
    ----------
    light : rows and columns of the drawn scene by which the short is moved -> (H, W) electrons per
        second that the short sees
    step : rows of the drawn scene per packed pixel
    """
    seen = light(0, 0)
    down = (light(1, 0) - light(-1, 0)) * step / 2
    across = (light(0, 1) - light(0, -1)) * step / 2
    dark = body.dark_rate((seen.shape[0], seen.shape[1]))
    variance = (seen + dark) * short_s + (noise.read_sigma / noise.gain) ** 2
    white_e = body.range_dn() / noise.gain
    told = _greens(body.cfa, seen.shape) & ~maximum_filter(seen * long_s > white_e, 3)
    slopes = np.stack([plane[told] * short_s for plane in (down, across, seen)])
    information = (slopes / variance[told]) @ slopes.T
    shift = np.linalg.inv(information)[:2, :2]
    smaller, larger = np.sqrt(np.linalg.eigvalsh(shift))
    return float(larger), float(smaller)


def attained(errors: Sequence[tuple[float, float]], percentile: float) -> tuple[float, ...]:
    """Return a percentile of the error if every shift were known as exactly as it can be.

    Parameters
    ----------
    errors : of each pair, as `bound` gives them

    Returns
    -------
    Of a study of so many pairs: the median, and the bounds of 95 % of such studies.
    """
    drawn = np.random.default_rng(0).standard_normal((_DRAWS, len(errors), 2))
    lengths = np.hypot(*np.moveaxis(drawn * np.array(errors), 2, 0))
    found = np.percentile(np.percentile(lengths, percentile, axis=1), [50, 2.5, 97.5])
    return tuple(float(value) for value in found)


def _greens(pattern: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    side = math.isqrt(len(pattern))
    green = np.array([letter == "G" for letter in pattern]).reshape(side, side)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    sites: NDArray[np.bool_] = green[rows % side, columns % side]
    return sites
