"""Brighten with a power law: a fixed exponent, or the one that brings the mean to one half.

Source: Gonzalez & Woods, Digital Image Processing, power-law transformation s = r^(1/gamma);
the automatic exponent solves mean^(1/gamma) = 0.5.
Trained on: nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import number
from lldata.sample import Sample

INFO = MethodInfo(
    name="gamma",
    title="Gamma curve",
    domain="srgb",
    source="Gonzalez & Woods, Digital Image Processing, power-law transformation",
    licence="MIT",
)


@dataclass(frozen=True)
class Gamma:
    """The power law s = r^(1/gamma) on every channel."""

    gamma: float | Literal["auto"]
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the brightened picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        return picture ** np.float32(self.exponent(float(picture.mean(dtype=np.float64))))

    def exponent(self, mean: float) -> float:
        """Return the exponent for a picture of this mean; 1 where no exponent can change it."""
        if self.gamma != "auto":
            return 1 / self.gamma
        return math.log(0.5) / math.log(mean) if 0 < mean < 1 else 1.0


def build(gamma: float | Literal["auto"] = 2.2) -> Gamma:
    """Make the method.

    Parameters
    ----------
    gamma : the picture is raised to 1 / gamma; "auto" brings its mean to one half

    Raises
    ------
    MethodError
        If `gamma` is neither "auto" nor a number from 0.01 to 100.
    """
    return Gamma("auto" if gamma == "auto" else number("gamma", gamma, 0.01, 100))
