"""A multigrid V-cycle for systems on a grid whose weights span many orders of magnitude.

The weights of edge-preserving smoothing change a millionfold from one pixel to the next, which
ruins pointwise smoothers and fixed interpolation. So each level is smoothed by exact solves along
all rows and all columns, and the next one is what the weights themselves make of it: the
iterations hardly grow with the size.

Source: Dendy, Black box multigrid, Journal of Computational Physics 48(3), 1982.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike
from scipy.sparse.linalg import splu

from baselines.inference.grids.five_point import FivePoint, Grid
from baselines.inference.grids.transfer import Transfer
from baselines.inference.grids.tridiagonal import Columns

_DIRECT = 4096  # unknowns of the coarsest level, factorised
_DAMPING = 0.8  # of what is solved along lines: undamped, what alternates between them stays
_LEFT = np.float32(1 - _DAMPING)  # of the equations of a line, once it is solved so


class Level:
    """A system on one grid, padded to odd sizes so that coarse points lie on its border too."""

    def __init__(self, system: FivePoint) -> None:
        self.shape = system.shape[0] | 1, system.shape[1] | 1
        system = _enlarged(system, self.shape)
        self.direct = None
        if system.diagonal.size <= _DIRECT or min(self.shape) < 5:
            self.direct = splu(_sparse(system))
            return
        self.columns = Columns(system.diagonal, system.down, _DAMPING)
        # rows are solved as columns of the turned grid, many at once
        diagonal, across = (np.ascontiguousarray(p.T) for p in (system.diagonal, system.across))
        self.rows = Columns(diagonal, across, _DAMPING)
        self.transfer = Transfer(system)
        self.coarse = Level(self.transfer.coarsened(system))
        self.system = type(system)(*(part.astype(np.float32) for part in system.parts))

    def cycle(self, rest: Grid, below: Callable[[Level, Grid], Grid] | None = None) -> Grid:
        """Return roughly the solution for this right side: one symmetric V-cycle.

        Parameters
        ----------
        rest : (H, W)
        below : solves the next level's equations; a V-cycle of it by default
        """
        shape = rest.shape
        if self.direct is not None:
            solved: Grid = self.direct.solve(_padded(rest, self.shape, np.float64).ravel())
            return solved.reshape(self.shape)[: shape[0], : shape[1]]
        rest = _padded(rest, self.shape, np.float32)
        result = self._along_rows(rest)
        change, left = self._along_columns(self.system.inflow_down(result, rest * _LEFT))
        result += change
        gathered = self.transfer.restricted(left)
        coarse = self.coarse.cycle(gathered) if below is None else below(self.coarse, gathered)
        result += self.transfer.interpolated(coarse.astype(np.float32, copy=False))
        left = self.system.times(result)
        np.subtract(rest, left, out=left)
        change, left = self._along_columns(left)
        result += change
        result += self._along_rows(left)
        return result[: shape[0], : shape[1]]

    def _along_columns(self, rest: Grid) -> tuple[Grid, Grid]:
        """Solve along each column as if the others were fixed; return that and what is left.

        Of a column's own equations an exact solution would leave nothing, a damped one its share;
        then other columns flow in. So this costs no product with the whole system.
        """
        left = rest * _LEFT
        change = self.columns.solve(rest)
        return change, self.system.inflow_across(change, left)

    def _along_rows(self, rest: Grid) -> Grid:
        """Solve along each row as if the others were fixed."""
        turned = np.asarray(cv2.transpose(rest), np.float32)
        return np.asarray(cv2.transpose(self.rows.solve(turned)), np.float32)


def _enlarged(system: FivePoint, shape: tuple[int, int]) -> FivePoint:
    """Return the system with pixels added below and on the right that are joined to none."""
    more = [(0, wanted - there) for wanted, there in zip(shape, system.shape, strict=True)]
    diagonal, *edges = system.parts
    return type(system)(
        np.pad(diagonal, more, constant_values=1.0), *(np.pad(part, more) for part in edges)
    )


def _padded(grid: Grid, shape: tuple[int, int], dtype: DTypeLike) -> Grid:
    """Return a grid of another type with zeros below and on the right, itself where it is so."""
    if grid.shape == shape:
        return grid.astype(dtype, copy=False)
    padded = np.zeros(shape, dtype)
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
