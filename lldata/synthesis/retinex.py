"""Darken photographs by a formula: the generator of Ri et al. and the plain power law.

With I a photograph's values in [0, 1], as they are stored:

    retinex   I' = I - alpha (1 - I^gamma) I     (Eq. 5), negatives become 0
    gamma     I' = alpha I^gamma                 (Eq. 2), what the paper compares with

White stays white under the first. Then Gaussian noise is added and the sum clipped to [0, 1].

Source: Ri, Choe, O, Kim, "Restoration of Low-Light Image based on Deep Residual Networks",
Eqs. 2-7. In its Eqs. 5 and 6 the power I^gamma is misprinted as I'; Eq. 4 has it right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lldata.protocol import Degradation

Floats = NDArray[np.floating[Any]]  # any shape, in [0, 1]

TABLE = 4096  # cells in which an inverse is bracketed
_STEPS = 60
_EXACT = 1e-13


@dataclass(frozen=True)
class Drawn:
    """How one photograph is darkened."""

    generator: Literal["retinex", "gamma"]
    alpha: float
    gamma: float
    noise_sigma: float  # of values in [0, 1]


def draw(degradation: Degradation, random: np.random.Generator) -> Drawn:
    """Draw alpha, gamma and noise, each uniformly from its range."""
    ranges = (degradation.alpha, degradation.gamma, degradation.noise_sigma)
    alpha, gamma, sigma = (float(random.uniform(low, high)) for low, high in ranges)
    return Drawn(degradation.generator, alpha, gamma, sigma)


def darken(picture: Floats, drawn: Drawn, random: np.random.Generator) -> Floats:
    """Return a picture as drawn: darkened, noisy, clipped to [0, 1]; its floating type is kept."""
    curve = degrade if drawn.generator == "retinex" else power_law
    dark = curve(picture, drawn.alpha, drawn.gamma)
    if drawn.noise_sigma > 0:
        dark += drawn.noise_sigma * random.standard_normal(dark.shape, np.float32)
    return np.clip(dark, 0, 1, out=dark)


def degrade(picture: Floats, alpha: float, gamma: float) -> Floats:
    """Return I' = I - alpha (1 - I^gamma) I, negatives 0.

    Strictly increasing wherever it is above 0; everywhere for alpha <= 1.
    Source: Eqs. 4 and 5.
    """
    illumination = (1 - alpha) + alpha * picture**gamma  # Eq. 4; precise near 0, unlike Eq. 5
    return np.maximum(illumination * picture, 0)


def power_law(picture: Floats, alpha: float, gamma: float) -> Floats:
    """Return I' = alpha I^gamma. Source: Eq. 2."""
    return alpha * picture**gamma


def difference_map(picture: Floats, gamma: float) -> Floats:
    """Return (1 - I^gamma) I, which a network of the paper estimates: I = I' + alpha times it.

    That sum holds where `degrade` cut off no negative. Source: Eqs. 6 and 7.
    """
    return (1 - picture**gamma) * picture


def dead_threshold(alpha: float, gamma: float) -> float:
    """Return the value below which `degrade` leaves nothing: (1 - 1/alpha)^(1/gamma), or 0."""
    return float((1 - 1 / alpha) ** (1 / gamma)) if alpha > 1 else 0.0


def invert(dark: Floats, alpha: float, gamma: float) -> Floats:
    """Return the picture that `degrade` makes `dark` of; exact for alpha <= 1.

    Parameters
    ----------
    dark : without noise, in [0, 1]; any shape
    alpha, gamma : above 0

    Returns
    -------
    the same shape and floating type. For alpha > 1 zeros stay 0: what was there is lost.
    """
    values, back = np.unique(dark, return_inverse=True)
    goal = values.astype(np.float64).clip(0, 1)
    if alpha == 1:
        found = goal ** (1 / (gamma + 1))
    else:
        found = np.where(goal > 0, _root(goal, alpha, gamma), 0.0)
    return found[back].reshape(dark.shape).astype(dark.dtype)


def _root(goal: NDArray[np.float64], alpha: float, gamma: float) -> NDArray[np.float64]:
    """Solve (1 - alpha) x + alpha x^(gamma + 1) = goal by Newton's method, kept in a bracket.

    The left side is convex and rises from 0 at the dead threshold to 1 at 1.
    """
    grid = np.linspace(dead_threshold(alpha, gamma), 1, TABLE + 1)
    heights = (1 - alpha) * grid + alpha * grid ** (gamma + 1)
    cell = np.clip(np.searchsorted(heights, goal, side="right") - 1, 0, TABLE - 1)
    low, high = grid[cell], grid[cell + 1]
    found = high.copy()  # from the right, a convex function's steps never pass the root
    for _ in range(_STEPS):
        value = (1 - alpha) * found + alpha * found ** (gamma + 1) - goal
        slope = (1 - alpha) + alpha * (gamma + 1) * found**gamma
        step = value / slope
        found = np.clip(found - step, low, high)
        if np.abs(step).max(initial=0) < _EXACT:
            break
    return found
