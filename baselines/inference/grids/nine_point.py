"""The matrix of a graph that joins each pixel of a grid to its eight neighbours."""

from __future__ import annotations

from typing import Self

import numpy as np

from baselines.inference.grids.five_point import FivePoint, Grid


class NinePoint(FivePoint):
    """A symmetric positive definite system that couples each pixel to its eight neighbours.

    Parameters
    ----------
    diagonal, across, down : as `FivePoint` takes them
    falling : (H - 1, W - 1), weights of the edges to the neighbour below on the right
    rising : (H - 1, W - 1), of the edges between each pixel's right and lower neighbours
    """

    def __init__(
        self, diagonal: Grid, across: Grid, down: Grid, falling: Grid, rising: Grid
    ) -> None:
        super().__init__(diagonal, across, down)
        self.falling, self.rising = falling, rising

    @classmethod
    def of_mass(cls, mass: Grid, across: Grid, down: Grid, *aslant: Grid) -> Self:
        """Return the system whose rows sum to `mass`, (H, W).

        Parameters
        ----------
        mass, across, down : as `FivePoint.of_mass` takes them
        aslant : falling and rising
        """
        diagonal = FivePoint.of_mass(mass, across, down).diagonal
        falling, rising = aslant
        diagonal[:-1, :-1] += falling
        diagonal[1:, 1:] += falling
        diagonal[:-1, 1:] += rising
        diagonal[1:, :-1] += rising
        return cls(diagonal, across, down, falling, rising)

    @property
    def parts(self) -> tuple[Grid, ...]:
        """The arguments that make this system."""
        return *super().parts, self.falling, self.rising

    def times(self, grid: Grid) -> Grid:
        """Return the matrix times a grid, (H, W)."""
        return self._with_flow_aslant(super().times(grid), grid, np.subtract)

    def inflow_across(self, grid: Grid, onto: Grid) -> Grid:
        """Add what flows into each pixel's equation from outside its column; return `onto`."""
        return self._with_flow_aslant(super().inflow_across(grid, onto), grid, np.add)

    def inflow_down(self, grid: Grid, onto: Grid) -> Grid:
        """Add what flows into each pixel's equation from outside its row; return `onto`."""
        return self._with_flow_aslant(super().inflow_down(grid, onto), grid, np.add)

    def _with_flow_aslant(self, onto: Grid, grid: Grid, put: np.ufunc) -> Grid:
        """Return a grid that what flows in aslant has been added to, or subtracted from."""
        for rows in self._strips():
            self._flow_aslant(grid, rows, onto, put)
        return onto

    def _flow_aslant(self, grid: Grid, rows: slice, onto: Grid, put: np.ufunc) -> None:
        """Add to some rows, or subtract, what flows in from the rows above and below, aslant."""
        first, last = rows.start, min(rows.stop, self.shape[0] - 1)
        falling, rising = self.falling[first:last], self.rising[first:last]
        here, below = onto[first:last], grid[first + 1 : last + 1]
        put(here[:, :-1], falling * below[:, 1:], out=here[:, :-1])
        put(here[:, 1:], rising * below[:, :-1], out=here[:, 1:])
        first, last = max(rows.start, 1), rows.stop
        falling, rising = self.falling[first - 1 : last - 1], self.rising[first - 1 : last - 1]
        here, above = onto[first:last], grid[first - 1 : last - 1]
        put(here[:, 1:], falling * above[:, :-1], out=here[:, 1:])
        put(here[:, :-1], rising * above[:, 1:], out=here[:, :-1])
