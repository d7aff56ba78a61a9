"""How strongly a pixel between two coarse ones is joined to each, also by way of its neighbours.

An edge in a picture winds from pixel to pixel, and what conducts along it does so aslant: by its
own two edges alone such a pixel may seem joined to neither, and the coarse grid would lose the
way. So the pixels above and below, which are no coarse ones, are eliminated, as if nothing else
were joined to them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from baselines.inference.grids.five_point import FivePoint, Grid
from baselines.inference.grids.nine_point import NinePoint

_NONE = np.zeros((1, 1))
_LEAST = np.finfo(np.float64).tiny


class _Beside(NamedTuple):
    """Edges between six pixels: left, end and right, and beside them first, middle and second.

    Left and right are coarse; the three beside lie in the row above, or below.
    """

    first_middle: Grid
    middle_second: Grid
    first_left: Grid
    middle_end: Grid
    second_right: Grid
    first_end: Grid
    middle_left: Grid
    middle_right: Grid
    second_end: Grid

    def joined(self) -> tuple[Grid, Grid]:
        """Return what joins the end to left and right once the row beside is eliminated."""
        first = self._sum(self.first_middle, self.first_left, self.first_end)
        second = self._sum(self.middle_second, self.second_right, self.second_end)
        up, down = self.first_middle / first, self.middle_second / second
        end = self.middle_end + up * self.first_end + down * self.second_end
        left = self.middle_left + up * self.first_left
        right = self.middle_right + down * self.second_right
        passed = end / self._sum(left, right, end)
        return (
            self.first_left * self.first_end / first + left * passed,
            self.second_right * self.second_end / second + right * passed,
        )

    @staticmethod
    def _sum(*edges: Grid) -> Grid:
        total: Grid = np.maximum(sum(edges), _LEAST)
        return total


def ends_across(system: FivePoint) -> tuple[Grid, Grid]:
    """Return what joins the odd pixels of even rows to the coarse ones on their left and right.

    Negative edges count as none.

    Returns
    -------
    two grids, (H // 2 + 1, W // 2), of a system of odd sides (H, W)
    """
    across, down = system.across, system.down
    falling = rising = None
    if isinstance(system, NinePoint):
        falling, rising = system.falling, system.rising
    left, right = across[::2, ::2].clip(0), across[::2, 1::2].clip(0)
    for start, rows, slopes in ((1, slice(1, None), (falling, rising)),
                                (0, slice(None, -1), (rising, falling))):  # fmt: skip
        edges = across[1::2, ::2], across[1::2, 1::2], *_three(down[start::2])
        near, far = (_two(slope, start) for slope in slopes)
        aslant = near[0], far[0], near[1], far[1]
        first, second = _Beside(*(edge.clip(0) for edge in (*edges, *aslant))).joined()
        left[rows] += first
        right[rows] += second
    return left, right


def ends_down(system: FivePoint) -> tuple[Grid, Grid]:
    """Return what joins the even pixels of odd rows to the coarse ones above and below them."""
    above, below = ends_across(system.turned())
    return above.T, below.T


def _three(edges: Grid) -> tuple[Grid, Grid, Grid]:
    """Return edges up or down at the coarse pixel before each end, at the end, and after it."""
    return edges[:, :-1:2], edges[:, 1::2], edges[:, 2::2]


def _two(edges: Grid | None, start: int) -> tuple[Grid, Grid]:
    """Return slanting edges in the cells before each end and after it, none of five points."""
    if edges is None:
        return _NONE, _NONE
    return edges[start::2, ::2], edges[start::2, 1::2]
