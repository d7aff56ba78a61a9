"""How a grid's values and equations pass to one of half its size, and back.

Values are interpolated by the weights themselves, and the coarse system is the fine one seen
through that interpolation, P^T A P. So an edge in the picture stays an insulator on every level,
even where noise makes it wind from pixel to pixel.

Source: Dendy, Black box multigrid, Journal of Computational Physics 48(3), 1982; but negative
weights, which coarse systems may have, are not followed.
"""

from __future__ import annotations

import numpy as np

from baselines.inference.five_point import FivePoint, Grid
from baselines.inference.nine_point import NinePoint

_ODD, _EVEN = slice(1, None, 2), slice(0, None, 2)  # coarse pixels: the even ones of even rows
_BEFORE, _AFTER = slice(0, -1, 2), slice(2, None, 2)  # the even neighbours of odd ones


class Transfer:
    """Interpolation from the coarse grid of a system, whose sides are odd.

    First the pixels between two coarse ones follow those on either side, as strongly as they are
    joined to the whole row or column there; then the others follow all their neighbours.
    """

    def __init__(self, system: FivePoint) -> None:
        self.shape = system.shape
        bond = 1 - (system.times(np.ones(system.shape)) / system.diagonal).clip(0, 1)
        left, right = system.sideways()
        self.ends = _shares([left[_EVEN, ::2], right[_EVEN, 1::2]], bond[_EVEN, _ODD])
        above, below = system.upright()
        self.sides = _shares([above[::2, _EVEN], below[1::2, _EVEN]], bond[_ODD, _EVEN])
        places = [(_ODD, _BEFORE), (_ODD, _AFTER), (_BEFORE, _ODD), (_AFTER, _ODD)]
        edges = [system.across[_ODD, ::2], system.across[_ODD, 1::2],
                 system.down[::2, _ODD], system.down[1::2, _ODD]]  # fmt: skip
        if isinstance(system, NinePoint):
            places += [(_BEFORE, _BEFORE), (_AFTER, _AFTER), (_BEFORE, _AFTER), (_AFTER, _BEFORE)]
            edges += [system.falling[::2, ::2], system.falling[1::2, 1::2],
                      system.rising[::2, 1::2], system.rising[1::2, ::2]]  # fmt: skip
        self.middles = list(zip(places, _shares(edges, bond[_ODD, _ODD]), strict=True))

    def interpolated(self, coarse: Grid) -> Grid:
        """Return a coarse grid's values on the fine one."""
        fine = np.empty(self.shape, coarse.dtype)
        fine[_EVEN, _EVEN] = coarse
        left, right = self.ends
        fine[_EVEN, _ODD] = left * coarse[:, :-1] + right * coarse[:, 1:]
        above, below = self.sides
        fine[_ODD, _EVEN] = above * coarse[:-1] + below * coarse[1:]
        fine[_ODD, _ODD] = sum(share * fine[place] for place, share in self.middles)
        return fine

    def restricted(self, fine: Grid) -> Grid:
        """Gather the fine grid's values on the coarse one: the transpose of the interpolation."""
        fine = fine.copy()
        for place, share in self.middles:
            fine[place] += share * fine[_ODD, _ODD]
        coarse = fine[_EVEN, _EVEN].copy()
        left, right = self.ends
        coarse[:, :-1] += left * fine[_EVEN, _ODD]
        coarse[:, 1:] += right * fine[_EVEN, _ODD]
        above, below = self.sides
        coarse[:-1] += above * fine[_ODD, _EVEN]
        coarse[1:] += below * fine[_ODD, _EVEN]
        return coarse

    def coarsened(self, system: FivePoint) -> NinePoint:
        """Return P^T A P of the system, read off what it makes of nine grids of single pixels.

        Pixels three apart have no neighbour in common, so each grid tells a ninth of all weights.
        """
        height, width = (side // 2 + 1 for side in self.shape)
        shapes = [(height, width), (height, width - 1), (height - 1, width)]
        shapes += [(height - 1, width - 1)] * 2
        coarse = NinePoint(*(np.empty(shape) for shape in shapes))
        for y, x in np.ndindex(3, 3):
            rows, columns = slice(y, None, 3), slice(x, None, 3)
            above, before = slice((y - 1) % 3, None, 3), slice((x - 1) % 3, None, 3)
            single = np.zeros((height, width))
            single[rows, columns] = 1
            seen = self.restricted(system.times(self.interpolated(single)))
            coarse.diagonal[rows, columns] = seen[rows, columns]
            coarse.across[rows, before] = -seen[:, :-1][rows, before]
            coarse.down[above, columns] = -seen[:-1][above, columns]
            coarse.falling[above, before] = -seen[:-1, :-1][above, before]
            coarse.rising[above, columns] = -seen[:-1, 1:][above, columns]
        return coarse


def _shares(edges: list[Grid], bond: Grid) -> list[Grid]:
    """Return how much pixels follow each neighbour, together `bond`, at most 1.

    Negative weights count as none: with them the shares may exceed any bound.
    """
    edges = [edge.clip(0) for edge in edges]
    total = np.maximum(sum(edges), np.finfo(np.float64).tiny)
    return [(edge / total * bond).astype(np.float32) for edge in edges]
