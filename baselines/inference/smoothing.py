"""Solve t + L t = b, where L is the Laplacian of a graph that joins neighbouring pixels.

The method is conjugate gradients, preconditioned by one multigrid V-cycle in float32.

Source: Hestenes & Stiefel, Methods of conjugate gradients for solving linear systems, 1952.
"""

from __future__ import annotations

import math

import numpy as np

from baselines.inference.five_point import FivePoint, Grid
from baselines.inference.multigrid import Level


def solve(
    right: Grid, across: Grid, down: Grid, *, tolerance: float = 1e-6, most_iterations: int = 5000
) -> Grid:
    """Solve t + L t = right.

    Parameters
    ----------
    right : (H, W)
    across, down : edge weights, as `FivePoint` takes them; float64
    tolerance : of the residual's norm over that of `right`
    most_iterations : give up then

    Returns
    -------
    t, (H, W) float64.

    Raises
    ------
    ArithmeticError
        If the tolerance is not reached.
    """
    system = FivePoint.of_mass(np.ones(right.shape), across, down)
    level = Level(system)
    rest = right.astype(np.float64)
    goal = tolerance * _norm(rest)
    result, direction = np.zeros_like(rest), np.zeros_like(rest)
    energy = 1.0
    for _ in range(most_iterations):
        if _norm(rest) <= goal:
            return result
        step = level.cycle(rest)
        before, energy = energy, _dot(rest, step)
        direction *= energy / before
        direction += step
        image = system.times(direction)
        length = energy / _dot(direction, image)
        image *= length
        rest -= image
        result += np.multiply(direction, length, out=image)
    raise ArithmeticError(
        f"residual {_norm(rest):.2e}, not {goal:.2e}, after {most_iterations} iterations"
    )


def _dot(a: Grid, b: Grid) -> float:
    """Return the scalar product; unlike BLAS, the same for any number of threads."""
    return float(np.einsum("ij,ij->", a, b))


def _norm(grid: Grid) -> float:
    return math.sqrt(_dot(grid, grid))
