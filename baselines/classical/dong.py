"""Enhance the inverted picture as if it were hazy, and invert it again.

The inverse R = 1 - I of a dark picture looks like fog: with the airlight A and the transmission
t = 1 - omega min_c R_c / A_c, halved further by t <- 2 t^2 where it is below 0.5, it is cleared to
(R - A) / t + A. What is dark is brightened up to 1 / t times, 12 by default, its noise and its
colours with it: shadows become vivid and blotched. Black stays black. A patch with the guided
filter keeps contrast but brightens less.

Source: Dong, Wang, Pang, Li, Wen, Meng, Lu, Fast efficient algorithm for enhancement of low
lighting video, ICME 2011. The floor of t and the two options that smooth it are not in the paper;
the guided filter is that of He, Sun, Tang, Guided image filtering, IEEE TPAMI 35(6), 2013.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import number, whole
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="dong",
    title="Inverted dehazing",
    domain="srgb",
    source="Dong et al., Fast efficient algorithm for enhancement of low lighting video, ICME 2011",
    licence="MIT",
)
CANDIDATES = 100  # pixels among which the airlight is chosen
_SMOOTHNESS = 1e-3  # the guided filter's epsilon: variances below it are smoothed away
_TINY = np.float32(1e-6)

Plane = NDArray[np.float32]  # (H, W)


@dataclass(frozen=True)
class Dong:
    """Inverted, cleared of its haze, inverted again."""

    omega: float
    floor: float
    patch: int
    refine: int
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the enhanced picture, (3, H, W) in [0, 1]."""
        inverse = 1 - picture_of(sample, self.info.name).clip(0, 1)
        light = airlight(inverse)[:, None, None]
        haze: Plane = (inverse / np.maximum(light, _TINY)).min(axis=0)
        if self.patch > 1:
            eroded = cv2.erode(haze, np.ones((self.patch, self.patch), np.uint8))
            haze = np.asarray(eroded, np.float32).reshape(haze.shape)
        through: Plane = 1 - np.float32(self.omega) * haze
        if self.refine:
            through = guided(inverse.mean(axis=0), through, self.refine)
        through = np.where(through < 0.5, 2 * through**2, through)
        cleared: NDArray[np.float32] = (inverse - light) / through.clip(self.floor, 1) + light
        return np.asarray(1 - cleared, np.float32).clip(0, 1)


def airlight(inverse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the colour of the haze, (3,).

    Of the 100 pixels whose smallest channel is largest (more where several tie) the one of the
    largest sum, and of equal sums the one of most red, then green: no matter in which order they
    come.
    """
    pixels = inverse.reshape(3, -1)
    least = pixels.min(axis=0)
    place = max(least.size - CANDIDATES, 0)
    chosen = pixels[:, least >= np.partition(least, place)[place]]
    blue, green, red = chosen[::-1]
    best: NDArray[np.float32] = chosen[:, np.lexsort((blue, green, red, chosen.sum(axis=0)))[-1]]
    return best


def guided(guide: Plane, values: Plane, radius: int) -> Plane:
    """Return values smoothed where the guide is smooth: a local linear fit to the guide.

    Parameters
    ----------
    guide, values : (H, W)
    radius : of the square window, pixels

    Source: He et al. 2013, Eqs. 5, 6 and 8.
    """
    first, second = guide.astype(np.float64), values.astype(np.float64)
    mean, other = _mean(first, radius), _mean(second, radius)
    slope = _mean(first * second, radius) - mean * other
    slope /= _mean(first**2, radius) - mean**2 + _SMOOTHNESS
    fitted = _mean(slope, radius) * first + _mean(other - slope * mean, radius)
    return fitted.astype(np.float32)


def _mean(plane: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    side = 2 * radius + 1
    mean = cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, np.float64).reshape(plane.shape)


def build(omega: float = 0.8, floor: float = 0.05, patch: int = 1, refine: int = 0) -> Dong:
    """Make the method.

    Parameters
    ----------
    omega : the part of the haze that is taken away, 0 to 1
    floor : the smallest transmission, so the largest gain is 1 / floor
    patch : side in pixels, odd, over which the haze is the smallest; 1 is each pixel by itself
    refine : radius in pixels of a guided filter over the transmission; 0 is none

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    if whole("patch", patch, 1, 101) % 2 == 0:
        raise MethodError(
            "--set patch", f"it is {patch}", "a patch around a pixel has an odd side",
            "Write for example --set patch=9",
        )  # fmt: skip
    return Dong(
        number("omega", omega, 0, 1), number("floor", floor, 0.001, 1), int(patch),
        whole("refine", refine, 0, 500),
    )  # fmt: skip
