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

from baselines.inference.illumination import Displayed, retinex
from baselines.method import MethodInfo
from baselines.options import number

INFO = MethodInfo(
    name="ssr",
    title="Single-scale Retinex",
    domain="srgb",
    source="Jobson et al., Properties of a center/surround retinex, IEEE TIP 6(3), 1997",
    licence="MIT",
)


def build(
    sigma: float = 80,
    offset: float = 1,
    percent: float = 1,
    scale_with_size: bool = False,
    per_channel: bool = True,
) -> Displayed:
    """Make the method.

    Parameters
    ----------
    sigma : pixels, of the Gaussian surround
    offset : added to values of 0 to 255 before the logarithm; with 0 the exposure does not matter
    percent : so many of each channel's values are shown black, and as many white
    scale_with_size : scale sigma, up or down, by the longer side over 512 pixels
    per_channel : R, G and B apart, which balances colours to grey; else the intensity alone, and
        the colours follow

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    number("sigma", sigma, 0.1, 1e5)
    return Displayed(retinex(sigma, offset, percent,
                       scale_with_size=scale_with_size, per_channel=per_channel), INFO)  # fmt: skip
