"""Amplify the short frame by the exposure ratio, render and clip: what every method must beat.

Source: the "traditional" pipeline of Chen et al. 2018 (SID), without its denoiser.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.inputs import picture_of, planes_of
from baselines.method import MethodInfo
from lldata.sample import Sample

INFO = MethodInfo(
    name="amplify",
    title="Amplified by the exposure ratio",
    domain="srgb",
    source="Chen et al., Learning to See in the Dark, CVPR 2018",
    licence="MIT",
    input="amplified",
    needs_ratio=True,
)


@dataclass(frozen=True)
class Amplify:
    """The amplified rendering as it is: the amplification happens on the mosaic, before it."""

    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the rendering of mosaic times ratio, (3, H, W) in [0, 1]."""
        return picture_of(sample, self.info.name).clip(0, 1)

    def raw(self, sample: Sample) -> NDArray[np.float32]:
        """Return the packed planes times ratio, (C, h, w) linear, not clipped."""
        return planes_of(sample, self.info.name) * np.float32(sample.ratio)


def build() -> Amplify:
    """Make the method; it has no options."""
    return Amplify()
