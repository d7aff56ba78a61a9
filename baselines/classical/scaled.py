"""Scale the rendered short frame to the mean of the reference: an oracle gain.

Source: the "scaled" pictures of SID's released test script (Chen et al. 2018): the gain acts on
gamma-encoded values and is the ratio of the two means.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.inputs import picture_of, reference_of
from baselines.method import MethodInfo
from lldata.sample import Sample

INFO = MethodInfo(
    name="scaled",
    title="Scaled to the mean of the reference",
    domain="srgb",
    source="Chen et al., Learning to See in the Dark, CVPR 2018 (released test script)",
    licence="MIT",
    reference_use="mean",
)


@dataclass(frozen=True)
class Scaled:
    """One gain for all pixels and channels: mean(reference) / mean(short)."""

    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the scaled rendering, (3, H, W) in [0, 1]; a black frame stays black."""
        picture = picture_of(sample, self.info.name)
        reference = reference_of(sample, self.info.name)
        mean = picture.mean(dtype=np.float64)
        gain = reference.mean(dtype=np.float64) / mean if mean > 0 else 1.0
        return (picture * np.float32(gain)).clip(0, 1)


def build() -> Scaled:
    """Make the method; it has no options."""
    return Scaled()
