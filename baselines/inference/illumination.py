"""Centre and surround: a picture's log over the log of its Gaussian mean, and its display.

Source: Jobson, Rahman, Woodell, Properties and performance of a center/surround retinex, IEEE TIP
6(3), 1997, and A multiscale retinex for bridging the gap between color images and the human
observation of scenes, IEEE TIP 6(7), 1997; the stretch, and the choice between channels and
intensity, as in Petro, Sbert, Morel, Multiscale Retinex, Image Processing On Line 4, 2014.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import flag, number
from lldata.errors import MethodError
from lldata.sample import Sample

Plane = NDArray[np.float64]  # (H, W)
_FINE = 6.0  # least sigma, in pixels of the reduced plane
# logs that differ by less differ by rounding only (5e-8 where a plane is reduced); one step of
# 16 bits is 1.5e-5 at least
_FLAT = 1e-6
_LONG_SIDE = 512  # pixels, of the pictures for which the published sigmas were chosen


@dataclass(frozen=True)
class Retinex:
    """Single-scale (one sigma) or multiscale Retinex of a picture, stretched for display."""

    sigmas: tuple[float, ...]  # pixels
    offset: float  # added before the logarithm, in 1/255
    scale_with_size: bool
    per_channel: bool
    percent: float

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the displayed Retinex of a picture, (3, H, W) in [0, 1] as the picture is.

        What is constant stays as it is: a channel, or with `per_channel` false a picture.
        """
        if self.per_channel:
            return np.stack([self._shown(channel) for channel in picture])
        intensity: NDArray[np.float32] = picture.mean(axis=0, dtype=np.float64).astype(np.float32)
        # the offset in both keeps the dark from being multiplied without bound
        gain = (self._shown(intensity) + self.offset / 255) / lifted(intensity, self.offset)
        most = 1 / np.maximum(picture.max(axis=0), 1e-30)  # no channel leaves [0, 1]: hues stay
        shown: NDArray[np.float32] = (picture * np.minimum(gain, most)).astype(np.float32)
        return shown.clip(0, 1)

    def of(self, plane: NDArray[np.float32]) -> Plane:
        """Return the mean over the scales of log(I + o) - log(G * I + o), not stretched."""
        centre = lifted(plane, self.offset)
        longer = max(plane.shape) / _LONG_SIDE if self.scale_with_size else 1.0
        result = np.log(centre)
        for sigma in self.sigmas:
            result -= np.log(surround(centre, sigma * longer)) / len(self.sigmas)
        return result

    def _shown(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return stretched(self.of(plane), plane, self.percent)


@dataclass(frozen=True)
class Displayed:
    """A method that shows the Retinex of a picture."""

    retinex: Retinex
    info: MethodInfo

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the displayed Retinex, (3, H, W) in [0, 1]."""
        return self.retinex(picture_of(sample, self.info.name).clip(0, 1))


def retinex(
    sigmas: object, offset: float, percent: float, *, scale_with_size: bool, per_channel: bool
) -> Retinex:
    """Check the options that ssr, msr and msrcr share.

    Raises
    ------
    MethodError
        If one has a value it cannot have.
    """
    return Retinex(
        _numbers("sigmas", sigmas),
        number("offset", offset, 0, 255),
        flag("scale_with_size", scale_with_size),
        flag("per_channel", per_channel),
        number("percent", percent, 0, 49),
    )


def surround(plane: Plane, sigma: float) -> Plane:
    """Return the Gaussian mean around each pixel; beyond its borders the plane is mirrored.

    A wide mean is taken of a reduced plane. Against the exact mean of night photographs its
    logarithm is then off by 0.01 at most and 0.002 in the mean.

    Parameters
    ----------
    plane : (H, W) float64
    sigma : pixels
    """
    height, width = plane.shape
    factor = max(1, math.floor(sigma / _FINE))
    if factor == 1:
        return _blurred(plane, sigma, sigma)
    rows, columns = -(-height // factor), -(-width // factor)
    small = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
    # averaging (1/12) and interpolation (1/6 of a reduced pixel squared) widen the mean too
    down, across = (math.sqrt((sigma * n / m) ** 2 - 0.25)
                    for n, m in ((rows, height), (columns, width)))  # fmt: skip
    mean = _blurred(np.asarray(small, np.float64).reshape(rows, columns), down, across)
    wide = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float64).reshape(height, width)


def _blurred(plane: Plane, down: float, across: float) -> Plane:
    window = (2 * math.ceil(4 * across) + 1, 2 * math.ceil(4 * down) + 1)
    mean = cv2.GaussianBlur(plane, window, across, sigmaY=down, borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, np.float64).reshape(plane.shape)


def lifted(plane: NDArray[np.float32], offset: float) -> Plane:
    """Return I + offset / 255 in float64, all above 0.

    With offset 0 a zero takes the smallest value above 0, which scales as the exposure does.
    """
    values = plane.astype(np.float64)
    if offset > 0:
        return values + offset / 255
    least = values.min(initial=np.inf, where=values > 0)
    return np.maximum(values, least if np.isfinite(least) else 1.0)


def stretched(values: Plane, otherwise: NDArray[np.float32], percent: float) -> NDArray[np.float32]:
    """Return values moved so that `percent` of them become black and as many white.

    Where that many are equal the smallest and the largest become black and white; where all are
    equal, `otherwise` is returned, of the same shape.
    """
    low, high = np.percentile(values, (percent, 100 - percent))
    if high - low < _FLAT:
        low, high = values.min(), values.max()
    if high - low < _FLAT:
        return otherwise
    shown: NDArray[np.float32] = ((values - low) / (high - low)).clip(0, 1).astype(np.float32)
    return shown


def _numbers(option: str, value: object) -> tuple[float, ...]:
    """Return one sigma or several: a number, a sequence, or text with commas."""
    several: Sequence[object] = value if isinstance(value, list | tuple) else (value,)
    if isinstance(value, str):
        try:
            several = [float(part) for part in value.split(",")]
        except ValueError:
            several = ()
    if not several:
        raise MethodError(
            f"--set {option}", f"it is {value!r}", "it is one number of pixels or several",
            f"Write for example --set {option}=15,80,250",
        )  # fmt: skip
    return tuple(number(option, one, 0.1, 1e5) for one in several)
