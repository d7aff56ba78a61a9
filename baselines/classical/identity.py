"""Do nothing: what every other method must beat.

Source: none. As `identity@amplified` it is the short frame amplified by the exposure ratio and
rendered, the same picture as the method amplify gives.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.inputs import picture_of
from baselines.method import MethodInfo
from lldata.sample import Sample

INFO = MethodInfo(
    name="identity",
    title="The picture as it is",
    domain="srgb",
    source="none",
    licence="MIT",
)


@dataclass(frozen=True)
class Identity:
    """The rendered picture, clipped to [0, 1]."""

    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the picture, (3, H, W) in [0, 1]."""
        return picture_of(sample, self.info.name).clip(0, 1)


def build() -> Identity:
    """Make the method; it has no options."""
    return Identity()
