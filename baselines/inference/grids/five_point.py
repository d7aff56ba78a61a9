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

    def turned(self) -> Self:
        """Return the same system with rows as columns."""
        diagonal, across, down, *aslant = (part.T for part in self.parts)
        return type(self)(diagonal, down, across, *aslant)

    def inflow_across(self, grid: Grid, onto: Grid) -> Grid:
        """Add what flows into each pixel's equation from outside its column; return `onto`."""
        for rows in self._strips():
            onto[rows, :-1] += self.across[rows] * grid[rows, 1:]
            onto[rows, 1:] += self.across[rows] * grid[rows, :-1]
        return onto

    def inflow_down(self, grid: Grid, onto: Grid) -> Grid:
        """Add what flows into each pixel's equation from outside its row; return `onto`."""
        for rows in self._strips():
            first, last = rows.start, min(rows.stop, self.shape[0] - 1)
            onto[first:last] += self.down[first:last] * grid[first + 1 : last + 1]
            first, last = max(rows.start, 1), rows.stop
            onto[first:last] += self.down[first - 1 : last - 1] * grid[first - 1 : last - 1]
        return onto

    def _strips(self) -> Iterator[slice]:
        height, width = self.shape
        rows = max(1, _STRIP // width)
        return (slice(first, min(first + rows, height)) for first in range(0, height, rows))
