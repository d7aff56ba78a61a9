"""A multigrid V-cycle for five-point systems whose weights span many orders of magnitude.

The weights of edge-preserving smoothing change a millionfold from one pixel to the next, which
ruins pointwise smoothers and fixed interpolation. So each level is smoothed by exact solves along
all rows and all columns, values are interpolated by the weights themselves, and an edge of the
coarse grid conducts what its two fine edges conduct in series: an edge in the picture stays an
insulator on every level, and the iterations hardly grow with the size.

Source: Alcouffe, Brandt, Dendy & Painter, The multi-grid method for the diffusion equation with
strongly discontinuous coefficients, SIAM J. Sci. Stat. Comput. 2(4), 1981 (the interpolation).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from scipy.linalg.lapack import dpttrf, spttrs
from scipy.sparse.linalg import splu

from baselines.inference.five_point import FivePoint, Grid

_DIRECT = 4096  # unknowns of the coarsest level, factorised


class Level:
    """A system on one grid, padded to odd sizes so that coarse points lie on its border too."""

    def __init__(self, system: FivePoint) -> None:
        height, width = self.shape = system.shape[0] | 1, system.shape[1] | 1
        mass = _padded(system.mass, self.shape, 1.0)  # a pixel joined to none
        across = _padded(system.across, (height, width - 1))
        down = _padded(system.down, (height - 1, width))
        system = FivePoint(mass, across, down)
        self.direct = None
        if mass.size <= _DIRECT or min(self.shape) < 5:
            self.direct = splu(_sparse(system))
            return
        self._factorise_rows(system)
        self._factorise_columns(system)
        self._interpolation(system)
        coarse = FivePoint(self._restricted(mass), _in_series(across), _in_series(down.T).T)
        self.system = FivePoint(*(part.astype(np.float32) for part in (mass, across, down)))
        self.coarse = Level(coarse)

    def cycle(self, rest: Grid) -> Grid:
        """Return roughly the solution for this right side: one symmetric V-cycle.

        After an exact solve along the rows nothing is left of their equations but what flows in
        from above and below, so each residual costs two products instead of five.
        """
        shape = rest.shape
        rest = _padded(rest, self.shape)
        if self.direct is not None:
            solved: Grid = self.direct.solve(rest.ravel().astype(np.float64)).reshape(self.shape)
            return solved[: shape[0], : shape[1]]
        result = self._rows(rest.astype(np.float32))
        change = self._columns(self.system.inflow_down(result))
        result += change
        change = self._interpolated(
            self.coarse.cycle(self._restricted(self.system.inflow_across(change)))
        )
        result += change
        left = np.subtract(rest, self.system.times(result), dtype=np.float32)
        change = self._columns(left)
        result += change
        result += self._rows(self.system.inflow_across(change))
        return result[: shape[0], : shape[1]]

    def _factorise_rows(self, system: FivePoint) -> None:
        """Chain all rows, each uncoupled from the next, into one tridiagonal matrix for LAPACK."""
        coupling = np.zeros(self.shape)
        np.negative(system.across, out=coupling[:, :-1])
        diagonal = system.diagonal.ravel().copy()
        factor = dpttrf(diagonal, coupling.ravel()[:-1], overwrite_d=1, overwrite_e=1)[:2]
        self.row_factor = [part.astype(np.float32) for part in factor]

    def _rows(self, rest: Grid) -> Grid:
        """Solve along each row as if the columns were fixed, in place."""
        solved: Grid = spttrs(*self.row_factor, rest.reshape(-1), overwrite_b=1)[0]
        return solved.reshape(self.shape)

    def _factorise_columns(self, system: FivePoint) -> None:
        """Eliminate row by row, all columns at once (Thomas 1949)."""
        pivots = system.diagonal.copy()  # becomes the reciprocal of the eliminated diagonal
        shares = system.down.copy()  # becomes what a pixel hands down to its lower neighbour
        np.reciprocal(pivots[0], out=pivots[0])
        for above, pivot, share in zip(pivots[:-1], pivots[1:], shares, strict=True):
            coupling = share.copy()
            share *= above
            pivot -= share * coupling
            np.reciprocal(pivot, out=pivot)
        self.pivots, self.shares = pivots.astype(np.float32), shares.astype(np.float32)

    def _columns(self, rest: Grid) -> Grid:
        """Solve along each column as if the rows were fixed, in place."""
        product = np.empty(self.shape[1], np.float32)
        for above, here, share in zip(rest[:-1], rest[1:], self.shares, strict=True):
            np.multiply(share, above, out=product)
            here += product
        rest[-1] *= self.pivots[-1]
        lines = zip(rest[-2::-1], rest[:0:-1], self.pivots[-2::-1], self.shares[::-1], strict=True)
        for here, below, pivot, share in lines:
            here *= pivot
            np.multiply(share, below, out=product)
            here += product
        return rest

    def _interpolation(self, system: FivePoint) -> None:
        """Keep the shares by which pixels between coarse ones follow their neighbours."""
        odd, even = slice(1, None, 2), slice(0, None, 2)
        left, right = system.across[:, ::2], system.across[:, 1::2]  # edges of the odd columns
        above, below = system.down[::2], system.down[1::2]  # edges of the odd rows
        total: Grid = system.mass[even, odd] + left[even] + right[even]
        self.ends = [(edges[even] / total).astype(np.float32) for edges in (left, right)]
        total = system.mass[odd, even] + above[:, even] + below[:, even]
        self.sides = [(edges[:, even] / total).astype(np.float32) for edges in (above, below)]
        total = system.diagonal[odd, odd]
        edges = (left[odd], right[odd], above[:, odd], below[:, odd])
        self.middles = [(edge / total).astype(np.float32) for edge in edges]

    def _interpolated(self, coarse: Grid) -> Grid:
        """Return a coarse grid's values on this one."""
        fine = np.empty(self.shape, np.float32)
        fine[::2, ::2] = coarse
        left, right = self.ends
        fine[::2, 1::2] = left * coarse[:, :-1] + right * coarse[:, 1:]
        above, below = self.sides
        fine[1::2, ::2] = above * coarse[:-1] + below * coarse[1:]
        left, right, above, below = self.middles
        middle = left * fine[1::2, :-1:2]
        middle += right * fine[1::2, 2::2]
        middle += above * fine[:-1:2, 1::2]
        middle += below * fine[2::2, 1::2]
        fine[1::2, 1::2] = middle
        return fine

    def _restricted(self, fine: Grid) -> Grid:
        """Gather this grid's values on the coarse one: the transpose of the interpolation."""
        left, right, above, below = self.middles
        middle = fine[1::2, 1::2]
        sides, ends = fine[1::2, ::2].copy(), fine[::2, 1::2].copy()
        sides[:, :-1] += left * middle
        sides[:, 1:] += right * middle
        ends[:-1] += above * middle
        ends[1:] += below * middle
        coarse = fine[::2, ::2].copy()
        left, right = self.ends
        coarse[:, :-1] += left * ends
        coarse[:, 1:] += right * ends
        above, below = self.sides
        coarse[:-1] += above * sides
        coarse[1:] += below * sides
        return coarse


def _in_series(across: Grid) -> Grid:
    """Return the weights of a coarse grid's edges along the rows.

    Two edges in series conduct w1 w2 / (w1 + w2); a row between two coarse rows is shared.
    """
    first, second = across[:, ::2], across[:, 1::2]
    series = first * second / np.maximum(first + second, np.finfo(np.float64).tiny)
    coarse = series[::2].copy()
    shared = series[1::2] / 2
    coarse[:-1] += shared
    coarse[1:] += shared
    return coarse


def _padded(grid: Grid, shape: tuple[int, int], value: float = 0.0) -> Grid:
    if grid.shape == shape:
        return grid
    padded = np.full(shape, value, grid.dtype)
    padded[: grid.shape[0], : grid.shape[1]] = grid
    return padded


def _sparse(system: FivePoint) -> scipy.sparse.csc_matrix:
    across, down = np.zeros(system.shape), np.zeros(system.shape)
    across[:, :-1], down[:-1] = -system.across, -system.down
    size, width = system.mass.size, system.shape[1]
    parts = [scipy.sparse.diags(system.diagonal.ravel())]
    for edges, apart in ((across.ravel(), 1), (down.ravel(), width)):
        parts += [
            scipy.sparse.diags(edges[: size - apart], offset, (size, size))
            for offset in (apart, -apart)
        ]
    return sum(parts[1:], parts[0]).tocsc()
