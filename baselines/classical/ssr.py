"""Single-scale Retinex: how much lighter each value is than its surround, in logarithms.

R = log(I + o) - log(G * I + o), then stretched. With offset 0 the exposure does not matter (below
1e-5); with the usual 1 of 255, half of it changes a night photograph by 0.025 in the mean.

Large areas of one colour turn grey, black skies turn to noise, and dark halos as wide as the
surround lie around what is bright.

Source: Jobson, Rahman, Woodell, Properties and performance of a center/surround retinex, IEEE TIP
6(3), 1997; sigma 80 and the stretch as commonly used.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.inference.illumination import Retinex, retinex
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import number
from lldata.sample import Sample

INFO = MethodInfo(
    name="ssr",
    title="Single-scale Retinex",
    domain="srgb",
    source="Jobson et al., Properties of a center/surround retinex, IEEE TIP 6(3), 1997",
    licence="MIT",
)


@dataclass(frozen=True)
class Ssr:
    """The Retinex of one scale, displayed."""

    retinex: Retinex
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the displayed Retinex, (3, H, W) in [0, 1]."""
        return self.retinex(picture_of(sample, self.info.name).clip(0, 1))


def build(
    sigma: float = 80,
    offset: float = 1,
    percent: float = 1,
    scale_with_size: bool = False,
    per_channel: bool = True,
) -> Ssr:
    """Make the method.

    Parameters
    ----------
    sigma : pixels, of the Gaussian surround
    offset : added to values of 0 to 255 before the logarithm; with 0 the exposure does not matter
    percent : so many of each channel's values are shown black, and as many white
    scale_with_size : enlarge sigma by the longer side over 512 pixels
    per_channel : R, G and B apart, which balances colours to grey; else the intensity alone, and
        the colours follow

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    number("sigma", sigma, 0.1, 1e5)
    return Ssr(retinex(sigma, offset, percent,
                       scale_with_size=scale_with_size, per_channel=per_channel))  # fmt: skip
