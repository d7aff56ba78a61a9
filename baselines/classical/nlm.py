"""Non-local means: every pixel becomes the mean of those with similar surroundings.

The free substitute for BM3D. The noise level is estimated, given, or taken from the calibration
of the camera.

Source: Buades, Coll, Morel, A non-local algorithm for image denoising, CVPR 2005.
Trained on: nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.inference.denoising.noise_level import Level, calibrations, level, noise_sigma
from baselines.inference.denoising.nonlocal_means import denoised
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import number, whole
from lldata.sample import Sample

INFO = MethodInfo(
    name="nlm",
    title="Non-local means",
    domain="srgb",
    source="Buades et al., A non-local algorithm for image denoising, CVPR 2005",
    licence="MIT",
    input="amplified",
    needs_ratio=True,
)


@dataclass(frozen=True)
class Nlm:
    """Non-local means of the colour picture; patches are compared in all three channels."""

    sigma: Level
    strength: float
    patch: int
    reach: int
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the denoised picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        each = noise_sigma(sample, picture, self.sigma)
        sigma = math.sqrt(float(np.mean(each**2)))
        clean = denoised(
            picture, sigma, strength=self.strength, patch=self.patch, reach=self.reach
        )  # fmt: skip
        return clean.clip(0, 1)

    def files(self, cameras: Iterable[str]) -> dict[str, Path]:
        """Return the files it reads for frames of these cameras, by name."""
        return calibrations(self.sigma, cameras)


def build(sigma: Level = "auto", strength: float = 0.8, patch: int = 5, reach: int = 6) -> Nlm:
    """Make the method.

    Parameters
    ----------
    sigma : noise of the picture in 1/255, or auto (estimated from it), or calibration (of its
        camera, as lldata calibrate keeps it)
    strength : of the filter: its h is this times sigma
    patch : pixels, side of the patches that are compared; an even one is made odd
    reach : pixels, how far away places are looked for along each axis

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    return Nlm(
        level("sigma", sigma), number("strength", strength, 0.01, 100),
        2 * (whole("patch", patch, 1, 99) // 2) + 1, whole("reach", reach, 1, 999),
    )  # fmt: skip
