"""Whether two takes show one still picture: else their difference is no noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_UNLIKE, _DOUBT = 2.0, 7.0  # scatter of n blocks over their noise: 2 + 3 standard errors (7/sqrt n)
_SCALES, _CELLS = (1, 4), 100  # blocks a side in which pictures are compared, and fewest of them
_MEDIAN = 0.4549  # of chi^2 with one degree of freedom


def unlike(told: NDArray[np.float32], usable: NDArray[np.bool_]) -> float:
    """Return how far the means of a difference's blocks scatter, over the most that noise does.

    Neighbouring blocks are compared, so that light that changes slowly over the picture does not
    count, nor light that grew by one factor, nor, by medians, what moved in a part of it.

    Parameters
    ----------
    told : (3, sites, blocks) mean of the difference, variance of that mean, level
    usable : (down, across) blocks

    Returns
    -------
    Infinity where too few blocks are usable to tell.
    """
    planes = np.where(usable, told.reshape(*told.shape[:2], *usable.shape), np.nan)
    found = []
    for side in _SCALES:
        down, across = (length // side for length in usable.shape)
        whole = planes[..., : down * side, : across * side]
        cells = whole.reshape(*told.shape[:2], down, side, across, side).mean(axis=(3, 5))
        step, _, light = np.diff(cells, axis=3)
        noise = (cells[1, ..., 1:] + cells[1, ..., :-1]) / side**2
        known = np.isfinite(step)
        if np.count_nonzero(known) < _CELLS:
            continue
        step, light, noise = step[known], light[known], np.maximum(noise[known], 1e-9)
        strong = np.abs(light) > np.median(np.abs(light))
        factor = np.median(step[strong] / light[strong]) if strong.any() else 0.0
        scatter = float(np.median((step - factor * light) ** 2 / noise)) / _MEDIAN
        found.append(scatter / (_UNLIKE + _DOUBT / math.sqrt(len(step))))
    return max(found, default=math.inf)
