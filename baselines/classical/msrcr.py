"""Multiscale Retinex with colour restoration: each channel weighted by its share of the pixel.

R_c = beta log(alpha (I_c + o) / sum_c (I_c + o)) times the multiscale Retinex, then stretched per
channel, or put on the display by a fixed gain and offset. The stretch undoes any beta, gain and
offset, so those only matter without it. The values printed with the original, beta 46, gain 192 and
bias -30, can be set, but on this scale they leave hardly more than black and white.

The stretch greys large areas of one colour all the same, and the fixed display casts a blue over
yellow light; halos and noise are those of msr.

Source: Jobson, Rahman, Woodell, A multiscale retinex for bridging the gap between color images and
the human observation of scenes, IEEE TIP 6(7), 1997; fixed gain and offset on the scale 0 to 255 as
in Petro, Sbert, Morel, Multiscale Retinex, Image Processing On Line 4, 2014, natural logarithms.
Trained on: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from baselines.inference.illumination import Plane, Retinex, lifted, retinex, stretched
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import choose, number
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="msrcr",
    title="Multiscale Retinex with colour restoration",
    domain="srgb",
    source="Jobson et al., A multiscale retinex, IEEE TIP 6(7), 1997",
    licence="MIT",
)


@dataclass(frozen=True)
class Fixed:
    """The display v = gain (beta R - bias) on the scale 0 to 255, natural logarithms."""

    beta: float = 1.0
    gain: float = 30.0
    bias: float = -6.0

    def __call__(self, values: Plane) -> NDArray[np.float32]:
        """Return the displayed values, in [0, 1]."""
        return (self.gain / 255 * (self.beta * values - self.bias)).clip(0, 1).astype(np.float32)


@dataclass(frozen=True)
class Msrcr:
    """The colour-restored Retinex of several scales, displayed."""

    retinex: Retinex
    alpha: float
    fixed: Fixed | None  # None: stretched
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the displayed Retinex, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        values = [lifted(channel, self.retinex.offset) for channel in picture]
        total = np.log(sum(values) / self.alpha)
        shown = []
        for channel, value in zip(picture, values, strict=True):
            restored = (np.log(value) - total) * self.retinex.of(channel)
            if self.fixed is not None:
                shown.append(self.fixed(restored))
            else:
                shown.append(stretched(restored, channel, self.retinex.percent))
        return np.stack(shown)


def build(
    sigmas: str | float | Sequence[float] = (15, 80, 250),
    alpha: float = 125,
    offset: float = 1,
    display: Literal["stretch", "fixed"] = "stretch",
    percent: float | None = None,
    beta: float | None = None,
    gain: float | None = None,
    bias: float | None = None,
    scale_with_size: bool = False,
) -> Msrcr:
    """Make the method.

    Parameters
    ----------
    sigmas : pixels, of the Gaussian surrounds, weighted equally: 15,80,250
    alpha : how strongly colours are restored: the larger, the less
    offset : added to values of 0 to 255 before the logarithm
    display : "stretch" each channel between its percentiles, or "fixed" gain and bias
    percent : stretch: so many of each channel's values are shown black, and as many white; 1
    beta : fixed: multiplies the restored Retinex; 1
    gain : fixed: of the display on 0 to 255; 30
    bias : fixed: what is shown black; -6
    scale_with_size : scale the sigmas, up or down, by the longer side over 512 pixels

    Raises
    ------
    MethodError
        If an option has a value it cannot have, or has no meaning for the display chosen.
    """
    choose("display", display, ("stretch", "fixed"))
    of_fixed = {"beta": beta, "gain": gain, "bias": bias}
    _check_unused(display, {"percent": percent} if display == "fixed" else of_fixed)
    given = {key: number(key, value, -1e4, 1e4) for key, value in of_fixed.items()
             if value is not None}  # fmt: skip
    shared = retinex(sigmas, offset, 1 if percent is None else percent,
                     scale_with_size=scale_with_size, per_channel=True)  # fmt: skip
    return Msrcr(
        shared, number("alpha", alpha, 0.01, 1e6), Fixed(**given) if display == "fixed" else None
    )


def _check_unused(display: str, options: dict[str, float | None]) -> None:
    for option, value in options.items():
        if value is not None:
            raise MethodError(
                f"--set {option}", f"it is {value!r}",
                f"it has no effect with display {display}", f"Leave it out, or set display to "
                f"{'stretch' if display == 'fixed' else 'fixed'}",
            )  # fmt: skip
