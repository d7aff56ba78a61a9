"""Multiscale Retinex: the mean of three single-scale ones, for detail and for tone.

R = mean over k of log(I + o) - log(G_k * I + o), then stretched. With offset 0 the exposure does
not matter (below 1e-5). With the usual 1 of 255 it does: eight night photographs at half the
exposure give pictures that differ by 0.027 in the mean and 0.15 at most, at a tenth 0.09 and 0.45.

Large areas of one colour turn grey, black skies turn to noise, lamps get dark halos.

Source: Jobson, Rahman, Woodell, A multiscale retinex for bridging the gap between color images and
the human observation of scenes, IEEE TIP 6(7), 1997; the stretch, and the Retinex of the intensity
alone, as in Petro, Sbert, Morel, Multiscale Retinex, Image Processing On Line 4, 2014.
Trained on: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from baselines.inference.illumination import Displayed, retinex
from baselines.method import MethodInfo

INFO = MethodInfo(
    name="msr",
    title="Multiscale Retinex",
    domain="srgb",
    source="Jobson et al., A multiscale retinex, IEEE TIP 6(7), 1997",
    licence="MIT",
)


def build(
    sigmas: str | float | Sequence[float] = (15, 80, 250),
    offset: float = 1,
    percent: float = 1,
    scale_with_size: bool = False,
    per_channel: bool = True,
) -> Displayed:
    """Make the method.

    Parameters
    ----------
    sigmas : pixels, of the Gaussian surrounds, weighted equally: 15,80,250
    offset : added to values of 0 to 255 before the logarithm; with 0 the exposure does not matter
    percent : so many of each channel's values are shown black, and as many white
    scale_with_size : scale the sigmas, up or down, by the longer side over 512 pixels
    per_channel : R, G and B apart, which balances colours to grey; else the intensity alone, and
        the colours follow

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    return Displayed(retinex(sigmas, offset, percent,
                       scale_with_size=scale_with_size, per_channel=per_channel), INFO)  # fmt: skip
