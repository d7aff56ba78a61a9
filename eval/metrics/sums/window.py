"""The window and the constants of structural similarity, and how its parts are summed.

Source: Wang, Bovik, Sheikh, Simoncelli 2004, eq. 13 and section III-C.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from lldata.errors import ScoreError

RADIUS = 5  # 11x11 window
SIGMA = 1.5
WEIGHTS = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
WEIGHTS /= WEIGHTS.sum()
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def inner_size(height: int, width: int) -> tuple[int, int]:
    """Return the size of the region where the window fits, px.

    Raises
    ------
    ScoreError
        If it fits nowhere.
    """
    inner = (height - 2 * RADIUS, width - 2 * RADIUS)
    if min(inner) < 1:
        raise ScoreError(
            "ssim",
            f"the images are {width}x{height}",
            "its window needs at least 11x11 pixels",
            "Score larger images",
        )
    return inner


def sum_of(part: Callable[[Any], float], places: Sequence[Any]) -> float:
    """Sum in the order of the places: the same bits for any number of threads."""
    with ThreadPoolExecutor(min(len(places), _threads())) as pool:
        return float(sum(pool.map(part, places)))


def _threads() -> int:
    """Return the threads to use; a worker among others is told by its environment to use one."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(told) if told.isdigit() and int(told) else os.cpu_count() or 1, 8)
