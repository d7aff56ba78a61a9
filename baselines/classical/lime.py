"""LIME: divide the picture by a smoothed map of its illumination.

The map starts as the largest channel of each pixel and is smoothed where the picture has no
structure: by the sped-up solver, one sparse linear system, or by the exact iteration. What the
division lifts in the dark may then be denoised.

Source: Guo, Li, Ling, LIME: Low-light image enhancement via illumination map estimation, IEEE
Transactions on Image Processing 26(2), 2017. The presets differ in what the text (paper) and the
authors' demonstration program (demo) say.
Trained on: nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.classical.histogram_equalization import LUMA
from baselines.inference.denoising import nonlocal_means
from baselines.inference.grids.five_point import Grid
from baselines.inference.grids.smoothing import solve
from baselines.inference.grids.total_variation import smoothed
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import choose, number
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="lime",
    title="LIME",
    domain="srgb",
    source="Guo et al., LIME, IEEE TIP 26(2), 2017",
    licence="MIT",
)
EPSILON = 1e-3  # keeps divisions by gradients and by the map finite
NOISE = 10 / 255  # of the luma that is denoised
Strategy = Literal["I", "II", "III"]
Solver = Literal["sped_up", "exact"]
Denoise = Literal["none", "bm3d", "nlm"]
Denoiser = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # of a luma, (H, W)


@dataclass(frozen=True)
class Preset:
    """The published values that come in several versions."""

    gamma: float
    denoise: Denoise
    alpha: float = 0.15
    alpha_exact: float = 0.08


PRESETS = {
    "paper": Preset(gamma=0.8, denoise="none"),
    "demo": Preset(gamma=0.7, denoise="bm3d"),
}


@dataclass(frozen=True)
class Lime:
    """R = L / (T^gamma + epsilon) with T the smoothed illumination map."""

    alpha: float
    gamma: float
    sigma: float
    strategy: Strategy
    solver: Solver
    denoiser: Denoiser | None
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the enhanced picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name)
        initial = picture.clip(0, 1).max(axis=0).astype(np.float64)
        refined = illumination(initial, self.alpha, self.sigma, self.strategy, self.solver)
        refined = refined.clip(0, 1)
        divisor = (refined**self.gamma + EPSILON).astype(np.float32)
        enhanced = (picture / divisor).clip(0, 1)
        if self.denoiser is None:
            return enhanced
        luma: NDArray[np.float32] = np.tensordot(LUMA, enhanced, axes=1)
        # R T + R_d (1 - T) with the luma alone denoised: R, G and B all move by what it moves
        enhanced += (self.denoiser(luma) - luma) * (1 - refined).astype(np.float32)
        return enhanced.clip(0, 1)


def build(
    preset: Literal["paper", "demo"] = "paper",
    alpha: float | None = None,
    gamma: float | None = None,
    sigma: float = 2.0,
    strategy: Strategy = "III",
    solver: Solver = "sped_up",
    denoise: Denoise | None = None,
) -> Lime:
    """Make the method.

    Parameters
    ----------
    preset : "paper" (gamma 0.8, nothing denoised) or "demo" (gamma 0.7, denoised by bm3d); both
        alpha 0.15, with the exact solver 0.08
    alpha : strength of the smoothing; 0 leaves the initial map
    gamma : exponent of the map; 0 leaves the picture, 1 divides by the map itself
    sigma : pixels, of the Gaussian window of strategy III
    strategy : how gradients are weighted: I equally, II by themselves, III by their local mean
    solver : "sped_up" (one linear system) or "exact" (50 iterations, slower)
    denoise : the result's luma, more where it was dark: "none", "bm3d" (needs the extra bm3d) or
        "nlm", its free substitute; both for noise of 10/255

    Raises
    ------
    MethodError
        If an option has a value it cannot have, or the package bm3d is needed and not installed.
    """
    choose("preset", preset, tuple(PRESETS))
    choose("strategy", strategy, ("I", "II", "III"))
    choose("solver", solver, ("sped_up", "exact"))
    values = PRESETS[preset]
    usual = values.alpha_exact if solver == "exact" else values.alpha
    return Lime(
        number("alpha", usual if alpha is None else alpha, 0, 100),
        number("gamma", values.gamma if gamma is None else gamma, 0, 10),
        number("sigma", sigma, 0.1, 100),
        strategy,
        solver,
        _denoiser(values.denoise if denoise is None else denoise),
    )


def _denoiser(name: Denoise) -> Denoiser | None:
    choose("denoise", name, ("none", "bm3d", "nlm"))
    if name == "none":
        return None
    if name == "nlm":
        return lambda luma: nonlocal_means.denoised(luma[None], NOISE)[0]
    try:
        from baselines.inference.denoising.block_matching import denoised
    except ModuleNotFoundError as error:
        raise MethodError(
            "--set denoise=bm3d", "the package bm3d is not installed",
            "denoising by BM3D, as the preset demo does, needs the extra 'bm3d'",
            "Install it: pip install 'lowlight-toolkit[bm3d]', or use --set denoise=nlm",
        ) from error  # fmt: skip
    return lambda luma: denoised(luma[None], np.array([NOISE]))[0]


def illumination(
    initial: Grid,
    alpha: float,
    sigma: float = 2.0,
    strategy: Strategy = "III",
    solver: Solver = "sped_up",
) -> Grid:
    """Return the smoothed illumination map.

    The exact solver minimises |T0 - T|^2 + alpha sum_d |W_d D_d T|, where D_d are forward
    differences across and down. The sped-up one solves
    (1 + sum_d D_d^T diag(alpha W_d / (|D_d T0| + epsilon)) D_d) T = T0.

    Parameters
    ----------
    initial : (H, W), the initial map T0 in [0, 1]
    alpha, sigma, strategy, solver : as `build` takes them

    Returns
    -------
    T, (H, W) float64; the residual of the system is below 1e-6 of the norm of T0. The exact
    solver stops after 50 iterations.

    Source: Guo et al. 2017, Algorithm 1 and the sped-up solver.
    """
    if alpha == 0:
        return initial.copy()
    across, down = (np.diff(initial, axis=axis) for axis in (1, 0))
    if solver == "exact":
        weights = (alpha * _weight(each, sigma, strategy) for each in (across, down))
        return smoothed(initial, *weights)
    for gradient in (across, down):
        weight = _weight(gradient, sigma, strategy)
        np.abs(gradient, out=gradient)
        gradient += EPSILON
        np.divide(weight, gradient, out=gradient)
        gradient *= alpha
    return solve(initial, across, down)


def _weight(gradient: Grid, sigma: float, strategy: Strategy) -> Grid:
    """Return W_d of a direction, same shape as the gradient.

    The Gaussian of strategy III sums to one, over a window of 3.5 sigma, mirrored at the border.
    """
    if strategy == "I" or not gradient.size:  # a picture of one row or column
        return np.ones_like(gradient)
    if strategy == "III":
        size = 2 * int(3.5 * sigma + 0.5) + 1
        mean = cv2.GaussianBlur(gradient, (size, size), sigma, borderType=cv2.BORDER_REFLECT)
        gradient = np.asarray(mean, np.float64)
    weight: Grid = 1 / (np.abs(gradient) + EPSILON)
    return weight
