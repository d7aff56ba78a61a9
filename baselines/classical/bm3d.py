"""BM3D: similar blocks are stacked and filtered together.

The package bm3d does it (extra `bm3d`); its licence allows non-commercial use only. `nlm` is the
free substitute.

Source: Dabov, Foi, Katkovnik, Egiazarian, Image denoising by sparse 3-D transform-domain
collaborative filtering, IEEE TIP 16(8), 2007.
Trained on: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from baselines.inference.denoising.block_matching import PROFILES, denoised_picture
from baselines.inference.denoising.noise_level import Level, calibrations, level, noise_sigma
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import choose
from lldata.sample import Sample

INFO = MethodInfo(
    name="bm3d",
    title="BM3D",
    domain="srgb",
    source="Dabov et al., Image denoising by sparse 3-D filtering, IEEE TIP 16(8), 2007",
    licence="MIT; the package bm3d: non-commercial use only, Tampere University",
    input="amplified",
    needs_ratio=True,
)


@dataclass(frozen=True)
class Bm3d:
    """BM3D of the colour picture in its opponent space."""

    sigma: Level
    profile: str
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the denoised picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        sigma = noise_sigma(sample, picture, self.sigma)
        return denoised_picture(picture, sigma, self.profile).clip(0, 1)

    def files(self, cameras: Iterable[str]) -> dict[str, Path]:
        """Return the files it reads for frames of these cameras, by name."""
        return calibrations(self.sigma, cameras)


def build(sigma: Level = "auto", profile: Literal["normal", "fast"] = "normal") -> Bm3d:
    """Make the method.

    Parameters
    ----------
    sigma : noise of the picture in 1/255, or auto (estimated from it), or calibration (of its
        camera, as lldata calibrate keeps it)
    profile : "normal" (the published settings) or "fast" (the package's low-complexity ones)

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    choose("profile", profile, tuple(PROFILES))
    return Bm3d(level("sigma", sigma), profile)
