"""The matrix of a graph that joins each pixel of a grid to its eight neighbours."""

from __future__ import annotations

import numpy as np

from baselines.inference.five_point import FivePoint, Grid


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

    @property
    def parts(self) -> tuple[Grid, ...]:
        """The arguments that make this system."""
        return *super().parts, self.falling, self.rising

    def times(self, grid: Grid) -> Grid:
        """Return the matrix times a grid, (H, W)."""
        product = super().times(grid)
        product -= self._inflow_aslant(grid)
        return product

    def sideways(self) -> tuple[Grid, Grid]:
        """Return what joins pixels to the column on their left, and on their right, (H, W - 1)."""
        left, right = self.across.copy(), self.across.copy()
        left[1:] += self.falling
        left[:-1] += self.rising
        right[:-1] += self.falling
        right[1:] += self.rising
        return left, right

    def upright(self) -> tuple[Grid, Grid]:
        """Return what joins pixels to the row above them, and to the row below, (H - 1, W)."""
        above, below = self.down.copy(), self.down.copy()
        above[:, 1:] += self.falling
        above[:, :-1] += self.rising
        below[:, :-1] += self.falling
        below[:, 1:] += self.rising
        return above, below

    def inflow_across(self, grid: Grid) -> Grid:
        """Return what neighbours outside its column add to each pixel's equation, (H, W)."""
        flow = super().inflow_across(grid)
        flow += self._inflow_aslant(grid)
        return flow

    def inflow_down(self, grid: Grid) -> Grid:
        """Return what neighbours outside its row add to each pixel's equation, (H, W)."""
        flow = super().inflow_down(grid)
        flow += self._inflow_aslant(grid)
        return flow

    def _inflow_aslant(self, grid: Grid) -> Grid:
        flow = np.zeros_like(grid)
        flow[:-1, :-1] += self.falling * grid[1:, 1:]
        flow[1:, 1:] += self.falling * grid[:-1, :-1]
        flow[:-1, 1:] += self.rising * grid[1:, :-1]
        flow[1:, :-1] += self.rising * grid[:-1, 1:]
        return flow
