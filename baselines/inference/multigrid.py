"""A multigrid V-cycle for systems on a grid whose weights span many orders of magnitude.

The weights of edge-preserving smoothing change a millionfold from one pixel to the next, which
ruins pointwise smoothers and fixed interpolation. So each level is smoothed by exact solves along
all rows and all columns, and the next one is what the weights themselves make of it: the
iterations hardly grow with the size.

Source: Dendy, Black box multigrid, Journal of Computational Physics 48(3), 1982.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from scipy.linalg.lapack import dpttrf, spttrs
from scipy.sparse.linalg import splu

from baselines.inference.five_point import FivePoint, Grid
from baselines.inference.transfer import Transfer

_DIRECT = 4096  # unknowns of the coarsest level, factorised


class Level:
    """A system on one grid, padded to odd sizes so that coarse points lie on its border too."""

    def __init__(self, system: FivePoint) -> None:
        self.shape = system.shape[0] | 1, system.shape[1] | 1
        system = _enlarged(system, self.shape)
        self.direct = None
        if system.diagonal.size <= _DIRECT or min(self.shape) < 5:
            self.direct = splu(_sparse(system))
            return
        self._factorise_rows(system)
        self._factorise_columns(system)
        self.transfer = Transfer(system)
        self.coarse = Level(self.transfer.coarsened(system))
        self.system = type(system)(*(part.astype(np.float32) for part in system.parts))

    def cycle(self, rest: Grid) -> Grid:
        """Return roughly the solution for this right side: one symmetric V-cycle.

        After an exact solve along the rows nothing is left of their equations but what flows in
        from other rows, so these residuals cost no product with the whole system.
        """
        shape = rest.shape
        rest = _padded(rest, self.shape)
        if self.direct is not None:
            solved: Grid = self.direct.solve(rest.ravel().astype(np.float64)).reshape(self.shape)
            return solved[: shape[0], : shape[1]]
        result = self._rows(rest.astype(np.float32))
        change = self._columns(self.system.inflow_down(result))
        result += change
        coarse = self.coarse.cycle(self.transfer.restricted(self.system.inflow_across(change)))
        result += self.transfer.interpolated(coarse.astype(np.float32, copy=False))
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


def _enlarged(system: FivePoint, shape: tuple[int, int]) -> FivePoint:
    """Return the system with pixels added below and on the right that are joined to none."""
    more = [(0, wanted - there) for wanted, there in zip(shape, system.shape, strict=True)]
    diagonal, *edges = system.parts
    return type(system)(
        np.pad(diagonal, more, constant_values=1.0), *(np.pad(part, more) for part in edges)
    )


def _padded(grid: Grid, shape: tuple[int, int]) -> Grid:
    if grid.shape == shape:
        return grid
    padded = np.zeros(shape, grid.dtype)
    padded[: grid.shape[0], : grid.shape[1]] = grid
    return padded


def _sparse(system: FivePoint) -> scipy.sparse.csc_matrix:
    index = np.arange(system.diagonal.size).reshape(system.shape)
    ends = [
        (index[:, :-1], index[:, 1:]),
        (index[:-1], index[1:]),
        (index[:-1, :-1], index[1:, 1:]),
        (index[:-1, 1:], index[1:, :-1]),
    ]
    matrix = scipy.sparse.diags(system.diagonal.ravel(), format="csc")
    for edges, (here, there) in zip(system.parts[1:], ends, strict=False):
        places = (here.ravel(), there.ravel())
        half = scipy.sparse.coo_matrix((-edges.ravel(), places), matrix.shape)
        matrix = matrix + half + half.T
    return matrix.tocsc()
