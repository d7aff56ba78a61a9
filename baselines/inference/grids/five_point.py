"""The matrix of a graph that joins each pixel of a grid to its four neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.floating[Any]]  # (H, W)

_STRIP = 1 << 15  # values worked on at a time: they stay in the processor's cache


class FivePoint:
    """A symmetric positive definite system that couples each pixel to its four neighbours.

    Parameters
    ----------
    diagonal : (H, W)
    across : (H, W - 1), weights of the edges from each pixel to its right neighbour
    down : (H - 1, W), weights of the edges to the neighbour below
    """

    def __init__(self, diagonal: Grid, across: Grid, down: Grid) -> None:
        self.shape: tuple[int, int] = diagonal.shape
        self.diagonal, self.across, self.down = diagonal, across, down

    @property
    def parts(self) -> tuple[Grid, ...]:
        """The arguments that make this system."""
        return self.diagonal, self.across, self.down

    @classmethod
    def of_mass(cls, mass: Grid, across: Grid, down: Grid) -> Self:
        """Return the system whose rows sum to `mass`, (H, W), positive; edge weights >= 0."""
        diagonal = mass.copy()
        diagonal[:, :-1] += across
        diagonal[:, 1:] += across
        diagonal[:-1] += down
        diagonal[1:] += down
        return cls(diagonal, across, down)

    def times(self, grid: Grid) -> Grid:
        """Return the matrix times a grid, (H, W)."""
        product = np.empty_like(grid)
        for rows in self._strips():
            np.multiply(self.diagonal[rows], grid[rows], out=product[rows])
            product[rows, :-1] -= self.across[rows] * grid[rows, 1:]
            product[rows, 1:] -= self.across[rows] * grid[rows, :-1]
            first, last = rows.start, min(rows.stop, self.shape[0] - 1)
            product[first:last] -= self.down[first:last] * grid[first + 1 : last + 1]
            first, last = max(rows.start, 1), rows.stop
            product[first:last] -= self.down[first - 1 : last - 1] * grid[first - 1 : last - 1]
        return product

    def sideways(self) -> tuple[Grid, Grid]:
        """Return what joins pixels to the column on their left, and on their right, (H, W - 1)."""
        return self.across, self.across

    def upright(self) -> tuple[Grid, Grid]:
        """Return what joins pixels to the row above them, and to the row below, (H - 1, W)."""
        return self.down, self.down

    def inflow_across(self, grid: Grid) -> Grid:
        """Return what neighbours outside its column add to each pixel's equation, (H, W)."""
        flow = np.empty_like(grid)
        for rows in self._strips():
            flow[rows, -1] = 0
            np.multiply(self.across[rows], grid[rows, 1:], out=flow[rows, :-1])
            flow[rows, 1:] += self.across[rows] * grid[rows, :-1]
        return flow

    def inflow_down(self, grid: Grid) -> Grid:
        """Return what neighbours outside its row add to each pixel's equation, (H, W)."""
        flow = np.empty_like(grid)
        flow[-1] = 0
        for rows in self._strips():
            first, last = rows.start, min(rows.stop, self.shape[0] - 1)
            np.multiply(self.down[first:last], grid[first + 1 : last + 1], out=flow[first:last])
            first, last = max(rows.start, 1), rows.stop
            flow[first:last] += self.down[first - 1 : last - 1] * grid[first - 1 : last - 1]
        return flow

    def _strips(self) -> Iterator[slice]:
        height, width = self.shape
        rows = max(1, _STRIP // width)
        return (slice(first, min(first + rows, height)) for first in range(0, height, rows))
