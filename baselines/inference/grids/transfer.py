"""How a grid's values and equations pass to one of half its size, and back.

Values are interpolated by the weights themselves, and the coarse system is the fine one seen
through that interpolation, P^T A P. So an edge in the picture stays an insulator on every level,
even where noise makes it wind from pixel to pixel.

Source: Dendy, Black box multigrid, Journal of Computational Physics 48(3), 1982; but what lies
beside is eliminated, where he takes it for equal, and negative weights, which coarse systems may
have, are not followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from baselines.inference.grids.five_point import FivePoint, Grid
from baselines.inference.grids.nine_point import NinePoint
from baselines.inference.grids.paths import ends_across, ends_down

_ODD, _EVEN = slice(1, None, 2), slice(0, None, 2)  # coarse pixels: the even ones of even rows
_BAND = 1 << 14  # coarse values worked on at a time: they stay in the processor's cache
_PAIRS = tuple(combinations(range(4), 2))

Parts = dict[int, Grid]  # how much a fine pixel follows corners of its cell: 0 1 over 2 3


class Transfer:
    """Interpolation from the coarse grid of a system, whose sides are odd.

    First the pixels between two coarse ones follow those on either side, as strongly as they are
    joined to them, also by way of what lies beside; then the others, in the middles of cells of
    four coarse ones, follow all their neighbours.
    """

    def __init__(self, system: FivePoint) -> None:
        self.shape = system.shape
        self.mass = system.times(np.ones(system.shape))
        bond = 1 - (self.mass / system.diagonal).clip(0, 1)
        self.ends = _shared(ends_across(system), bond[_EVEN, _ODD])
        self.sides = _shared(ends_down(system), bond[_ODD, _EVEN])
        edges = [system.down[::2, _ODD], system.down[1::2, _ODD],
                 system.across[_ODD, ::2], system.across[_ODD, 1::2]]  # fmt: skip
        if isinstance(system, NinePoint):
            edges += [system.falling[::2, ::2], system.rising[::2, 1::2],
                      system.rising[1::2, ::2], system.falling[1::2, 1::2]]  # fmt: skip
        shares = _shares(edges, bond[_ODD, _ODD])
        corners: list[Parts] = [{corner: np.ones(1, np.float32)} for corner in range(4)]
        self.middles = [np.zeros_like(shares[0]) for _ in corners]
        for share, parts in zip(shares, [*self._around(slice(None)), *corners], strict=False):
            for corner, part in parts.items():
                self.middles[corner] += share * part

    def interpolated(self, coarse: Grid) -> Grid:
        """Return a coarse grid's values on the fine one."""
        fine = np.empty(self.shape, coarse.dtype)
        (left, right), (above, below) = self.ends, self.sides
        for cells, under, even, odd in self._bands():
            upper, lower = coarse[cells], coarse[under]
            fine[even, ::2] = upper
            fine[even, 1::2] = left[cells] * upper[:, :-1] + right[cells] * upper[:, 1:]
            fine[odd, ::2] = above[cells] * upper + below[cells] * lower
            ends = upper[:, :-1], upper[:, 1:], lower[:, :-1], lower[:, 1:]
            middle = self.middles[0][cells] * ends[0]
            for share, end in zip(self.middles[1:], ends[1:], strict=True):
                middle += share[cells] * end
            fine[odd, 1::2] = middle
        fine[-1, ::2] = coarse[-1]
        fine[-1, 1::2] = left[-1] * coarse[-1, :-1] + right[-1] * coarse[-1, 1:]
        return fine

    def restricted(self, fine: Grid) -> Grid:
        """Gather the fine grid's values on the coarse one: the transpose of the interpolation."""
        coarse = fine[::2, ::2].copy()
        (left, right), (above, below) = self.ends, self.sides
        for cells, under, even, odd in self._bands():
            upper, lower = coarse[cells], coarse[under]
            end, side, middle = (fine[even, 1::2].copy(), fine[odd, ::2].copy(),
                                 fine[odd, 1::2].copy())  # fmt: skip
            upper[:, :-1] += left[cells] * end
            upper[:, 1:] += right[cells] * end
            upper += above[cells] * side
            lower += below[cells] * side
            corners = upper[:, :-1], upper[:, 1:], lower[:, :-1], lower[:, 1:]
            for corner, share in zip(corners, self.middles, strict=True):
                corner += share[cells] * middle
        coarse[-1, :-1] += left[-1] * fine[-1, 1::2]
        coarse[-1, 1:] += right[-1] * fine[-1, 1::2]
        return coarse

    def coarsened(self, system: FivePoint) -> NinePoint:
        """Return P^T A P of the system.

        An edge of weight w between pixels that follow the corners of their cell by p and q joins
        corners a and b by -w (p_a - q_a) (p_b - q_b); so it is summed cell by cell.
        """
        across = _along(*self.ends, system.across[::2], self.mass[::2, 1::2], axis=1)
        down = _along(*self.sides, system.down[:, ::2], self.mass[1::2, ::2], axis=0)
        falling, rising = np.empty((2, len(down), across.shape[1]))
        for cells, under, even, odd in self._bands():
            top, bottom, left, right, falling[cells], rising[cells] = self._cell(
                system, cells, even, odd
            )
            across[cells] += top
            across[under] += bottom
            down[cells, :-1] += left
            down[cells, 1:] += right
        ones = np.ones((len(across), down.shape[1]))
        mass = self.restricted(system.times(self.interpolated(ones)))
        return NinePoint.of_mass(mass, across, down, falling, rising)

    def _cell(
        self, system: FivePoint, cells: slice, even: slice, odd: slice
    ) -> tuple[Grid, Grid, Grid, Grid, Grid, Grid]:
        """Return what joins the corners of cells: above, below, left, right, falling, rising."""
        middle = {corner: share[cells] for corner, share in enumerate(self.middles)}
        top, bottom, left, right = self._around(cells)
        joined = [
            (system.down[even, 1::2], middle, top), (system.down[odd, 1::2], middle, bottom),
            (system.across[odd, ::2], middle, left), (system.across[odd, 1::2], middle, right),
            (self.mass[odd, 1::2], middle, {}),
        ]  # fmt: skip
        if isinstance(system, NinePoint):
            one = np.ones(1, np.float32)
            joined += [
                (system.falling[even, ::2], middle, {0: one}),
                (system.rising[even, 1::2], middle, {1: one}),
                (system.rising[odd, ::2], middle, {2: one}),
                (system.falling[odd, 1::2], middle, {3: one}),
                (system.falling[even, 1::2], top, right), (system.rising[even, ::2], top, left),
                (system.falling[odd, ::2], left, bottom), (system.rising[odd, 1::2], right, bottom),
            ]  # fmt: skip
        sums: dict[tuple[int, int], Grid] = {pair: np.zeros(middle[0].shape) for pair in _PAIRS}
        for weight, first, second in joined:
            _join(sums, weight, first, second)
        return sums[0, 1], sums[2, 3], sums[0, 2], sums[1, 3], sums[0, 3], sums[1, 2]

    def _around(self, cells: slice) -> tuple[Parts, Parts, Parts, Parts]:
        """Return what the pixels above, below, left and right of middles follow."""
        (left, right), (above, below) = self.ends, self.sides
        stop = None if cells.stop is None else cells.stop + 1
        left, right, above, below = (
            left[cells.start : stop], right[cells.start : stop], above[cells], below[cells]
        )  # fmt: skip
        return (
            {0: left[:-1], 1: right[:-1]}, {2: left[1:], 3: right[1:]},
            {0: above[:, :-1], 2: below[:, :-1]}, {1: above[:, 1:], 3: below[:, 1:]},
        )  # fmt: skip

    def _bands(self) -> Iterator[tuple[slice, slice, slice, slice]]:
        """Yield rows of cells: their upper and lower coarse rows, their even and odd fine ones."""
        count = self.shape[0] // 2
        step = max(1, _BAND // (self.shape[1] // 2))
        for first in range(0, count, step):
            last = min(first + step, count)
            even, odd = slice(2 * first, 2 * last, 2), slice(2 * first + 1, 2 * last + 1, 2)
            yield slice(first, last), slice(first + 1, last + 1), even, odd


def _along(before: Grid, after: Grid, edges: Grid, mass: Grid, *, axis: int) -> Grid:
    """Return what joins coarse pixels by the fine ones between them, in the same row or column."""
    first, second = (edges[::2], edges[1::2]) if axis == 0 else (edges[:, ::2], edges[:, 1::2])
    weight: Grid = first * (1 - before) * after + second * before * (1 - after)
    weight -= mass * before * after
    return weight


def _join(sums: dict[tuple[int, int], Grid], weight: Grid, first: Parts, second: Parts) -> None:
    """Add to the edges between corners what an edge between two fine pixels joins of them."""
    apart = {
        corner: first.get(corner, np.zeros(1, np.float32)) - second.get(corner, np.float32(0))
        for corner in first.keys() | second.keys()
    }
    for one in sorted(apart):
        pulled = weight * apart[one]
        for other in (other for other in sorted(apart) if other > one):
            sums[one, other] -= pulled * apart[other]


def _shared(edges: tuple[Grid, Grid], bond: Grid) -> tuple[Grid, Grid]:
    first, second = _shares(list(edges), bond)
    return first, second


def _shares(edges: list[Grid], bond: Grid) -> list[Grid]:
    """Return how much pixels follow each neighbour, together `bond`, at most 1.

    Negative weights count as none: with them the shares may exceed any bound.
    """
    edges = [edge.clip(0) for edge in edges]
    total = np.maximum(sum(edges), np.finfo(np.float64).tiny)
    return [(edge / total * bond).astype(np.float32) for edge in edges]
