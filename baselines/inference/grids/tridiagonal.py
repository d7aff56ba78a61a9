"""Systems along each column of a grid, all columns at once.

Source: Thomas, Elliptic problems in linear difference equations over a network, 1949.
"""

from __future__ import annotations

import numpy as np

from baselines.inference.grids.five_point import Grid


class Columns:
    """Tridiagonal symmetric positive definite systems along the columns of a grid, eliminated.

    Parameters
    ----------
    diagonal : (H, W) float64
    coupling : (H - 1, W), what joins each pixel to the one below it; the matrix holds its negative
    damping : factor of every solution
    """

    def __init__(self, diagonal: Grid, coupling: Grid, damping: float = 1.0) -> None:
        pivots = diagonal.copy()  # becomes the reciprocal of the eliminated diagonal
        shares = coupling.copy()  # becomes what a pixel hands down to its lower neighbour
        np.reciprocal(pivots[0], out=pivots[0])
        for above, pivot, share, join in zip(
            pivots[:-1], pivots[1:], shares, coupling, strict=True
        ):
            share *= above
            pivot -= share * join
            np.reciprocal(pivot, out=pivot)
        pivots *= damping  # the last step alone needs it: what follows is linear
        self.pivots, self.shares = pivots.astype(np.float32), shares.astype(np.float32)

    def solve(self, right: Grid) -> Grid:
        """Solve for a right side, (H, W) float32, in its place, and damp the solution."""
        product = np.empty(right.shape[1], np.float32)
        for above, here, share in zip(right[:-1], right[1:], self.shares, strict=True):
            np.multiply(share, above, out=product)
            here += product
        right *= self.pivots
        lines = zip(right[-2::-1], right[:0:-1], self.shares[::-1], strict=True)
        for here, below, share in lines:
            np.multiply(share, below, out=product)
            here += product
        return right
