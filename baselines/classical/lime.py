"""LIME: divide the picture by a smoothed map of its illumination.

The map starts as the largest channel of each pixel and is smoothed where the picture has no
structure, by the sped-up solver: one sparse linear system instead of the exact iteration.

Source: Guo, Li, Ling, LIME: Low-light image enhancement via illumination map estimation, IEEE
Transactions on Image Processing 26(2), 2017: the sped-up solver and the weighting strategies I,
II and III, without the denoising that may follow.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.inference.five_point import Grid
from baselines.inference.smoothing import solve
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import choose, number
from lldata.sample import Sample

INFO = MethodInfo(
    name="lime",
    title="LIME",
    domain="srgb",
    source="Guo et al., LIME, IEEE TIP 26(2), 2017",
    licence="MIT",
)
EPSILON = 1e-3  # keeps divisions by gradients and by the map finite
Strategy = Literal["I", "II", "III"]


@dataclass(frozen=True)
class Preset:
    """The published values that come in several versions."""

    gamma: float
    alpha: float = 0.15


PRESETS = {
    "paper": Preset(gamma=0.8),  # the text
    "demo": Preset(gamma=0.7),  # the authors' demonstration program
}


@dataclass(frozen=True)
class Lime:
    """R = L / (T^gamma + epsilon) with T the smoothed illumination map."""

    alpha: float
    gamma: float
    sigma: float
    strategy: Strategy
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the enhanced picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name)
        initial = picture.clip(0, 1).max(axis=0).astype(np.float64)
        smoothed = illumination(initial, self.alpha, self.sigma, self.strategy)
        divisor = smoothed.clip(0, 1) ** self.gamma + EPSILON
        return (picture / divisor.astype(np.float32)).clip(0, 1)


def build(
    preset: Literal["paper", "demo"] = "paper",
    alpha: float | None = None,
    gamma: float | None = None,
    sigma: float = 2.0,
    strategy: Strategy = "III",
) -> Lime:
    """Make the method.

    Parameters
    ----------
    preset : "paper" (gamma 0.8) or "demo" (gamma 0.7); both alpha 0.15
    alpha : strength of the smoothing; 0 leaves the initial map
    gamma : exponent of the map; 0 leaves the picture, 1 divides by the map itself
    sigma : pixels, of the Gaussian window of strategy III
    strategy : how gradients are weighted: I equally, II by themselves, III by their local mean

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    choose("preset", preset, tuple(PRESETS))
    choose("strategy", strategy, ("I", "II", "III"))
    values = PRESETS[preset]
    return Lime(
        number("alpha", values.alpha if alpha is None else alpha, 0, 100),
        number("gamma", values.gamma if gamma is None else gamma, 0, 10),
        number("sigma", sigma, 0.1, 100),
        strategy,
    )


def illumination(
    initial: Grid, alpha: float, sigma: float = 2.0, strategy: Strategy = "III"
) -> Grid:
    """Return the smoothed illumination map.

    Solves (1 + sum_d D_d^T diag(alpha W_d / (|D_d T0| + epsilon)) D_d) T = T0, where D_d are
    forward differences across and down.

    Parameters
    ----------
    initial : (H, W), the initial map T0 in [0, 1]
    alpha, sigma, strategy : as `build` takes them

    Returns
    -------
    T, (H, W) float64; the residual of the system is below 1e-6 of the norm of T0.

    Source: Guo et al. 2017, the sped-up solver.
    """
    if alpha == 0:
        return initial.copy()
    across, down = (
        alpha * _weight(np.diff(initial, axis=axis), sigma, strategy) for axis in (1, 0)
    )
    return solve(initial, across, down)


def _weight(gradient: Grid, sigma: float, strategy: Strategy) -> Grid:
    """Return W_d / (|gradient| + epsilon) of a direction, same shape as the gradient.

    The Gaussian of strategy III sums to one, over a window of 3.5 sigma, mirrored at the border.
    """
    steepness = np.abs(gradient) + EPSILON
    if strategy == "I":
        return 1 / steepness
    if strategy == "II":
        return 1 / steepness**2
    if not gradient.size:  # a picture of one row or column
        return steepness
    size = 2 * int(3.5 * sigma + 0.5) + 1
    mean = cv2.GaussianBlur(gradient, (size, size), sigma, borderType=cv2.BORDER_REFLECT)
    weight: Grid = 1 / ((np.abs(mean) + EPSILON) * steepness)
    return weight
