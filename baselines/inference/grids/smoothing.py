"""Solve t + L t = b, where L is the Laplacian of a graph that joins neighbouring pixels.

The method is conjugate gradients, preconditioned by one multigrid V-cycle in float32.

Source: Hestenes & Stiefel, Methods of conjugate gradients for solving linear systems, 1952.
"""

from __future__ import annotations

import math

import numpy as np

from baselines.inference.grids.five_point import FivePoint, Grid
from baselines.inference.grids.multigrid import Level

_NESTED = 4  # iterations on the second level before the first: more save none there


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
    right = right.astype(np.float64)
    goal = tolerance * _norm(right)
    # the residual of a single cycle is larger than without one: its coarse part is solved well
    result = level.cycle(right, _nested).astype(np.float64)
    left = _reduced(system, level, right, result, goal, most_iterations)
    if left > goal:
        raise ArithmeticError(
            f"residual {left:.2e}, not {goal:.2e}, after {most_iterations} iterations"
        )
    return result


def _nested(level: Level, right: Grid) -> Grid:
    """Solve a coarse level's equations roughly, by a few iterations of their own."""
    if level.direct is not None:
        return level.cycle(right)
    padded = np.zeros(level.shape, np.float32)
    padded[: right.shape[0], : right.shape[1]] = right
    result = np.zeros_like(padded)
    _reduced(level.system, level, padded, result, 0.0, _NESTED)
    return result[: right.shape[0], : right.shape[1]]


def _reduced(
    system: FivePoint, level: Level, right: Grid, result: Grid, goal: float, most: int
) -> float:
    """Improve a result in place until its residual is the goal, and return the residual's norm."""
    rest = right - system.times(result)
    direction = np.zeros_like(rest)
    energy = 1.0
    for _ in range(most):
        if _norm(rest) <= goal:
            break
        step = level.cycle(rest)
        before, energy = energy, _dot(rest, step)
        direction *= energy / before
        direction += step
        image = system.times(direction)
        length = energy / _dot(direction, image)
        image *= length
        rest -= image
        result += np.multiply(direction, length, out=image)
    return _norm(rest)


def _dot(a: Grid, b: Grid) -> float:
    """Return the scalar product; unlike BLAS, the same for any number of threads."""
    return float(np.einsum("ij,ij->", a, b))


def _norm(grid: Grid) -> float:
    return math.sqrt(_dot(grid, grid))
