"""Short and long made comparable at one scale: the same band, and noise that is even and known.

The short's greens fall into two interleaved halves with independent noise. Their mean carries
picture and noise, half their difference the same noise alone: it tells how the noise grows with
the light and, wherever the short is compared with the long, how much of a difference is noise.
Least squares against a nearly noise-free long is most exact on pixels that are not smoothed, each
weighted by its noise (the matched filter), so the band reaches up to the sampling limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata.measures import response
from lldata.measures.resample import Pose, moved, overlap
from lldata.measures.response import Response

Planes = NDArray[np.float32]

SIGMA = 0.4  # pixels: hardly a blur; it only tames the steps that bound each plane from above
_LOW_SIGMA = 8.0  # pixels: coarser structure, and uneven light with it, is left out
_LOW_STEP = 4  # the low band is made on pixels this much larger
_HIGHLIGHT = 99.7  # percentile of the long; brighter lamps are alike in neither frame
_BELOW_KNEE = 0.8  # of the knee: up to here the long is linear beyond doubt
_STEP = 8  # pixels a side of the blocks that tell how noise follows light
_PARTS = 8


@dataclass(frozen=True, eq=False)
class Exposed:
    """A short's two halves and the long at the short's exposure, both without highlights."""

    halves: Planes  # (2, h, w)
    long: Planes  # (h, w)
    brightest: float
    spread: float  # standard deviation of one half's noise
    step: float  # of the values that the short can take
    end: float  # as of Level


@dataclass(frozen=True, eq=False)
class Level:
    """All that is compared, (h, w) each, at one scale."""

    factor: int  # packed pixels per pixel
    short: Planes
    noise: Planes  # as strong as the short's, without its picture
    long: Planes
    light: Planes  # the long, unfiltered
    floor: float  # variance of `noise` without light
    slope: float  # and what it gains per light
    step: float  # of the short's values
    end: float  # light from which the long does not follow it; infinite if it does throughout

    def weight(self, light: Planes) -> Planes:
        """Return 1 / standard deviation of the noise at that light, over the one without light."""
        variance = self.floor + self.slope * np.maximum(light, 0)
        weight = np.sqrt(self.floor / variance) * (light < self.end)
        return weight.astype(np.float32, copy=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        height, width = self.short.shape
        return height, width


def expose(
    halves: Planes, target: Planes, step: float = 0.0, bent: Response | None = None
) -> Exposed | None:
    """Bring the target (h, w) to the exposure of the halves (2, h, w); None without any light.

    Parameters
    ----------
    step : of the values that the short can take
    bent : how the target answers to the light, where it stops to follow it: what is brighter than
        its knee is made alike in both
    """
    short, long = float(halves.mean()), float(target.mean())
    if short <= 0 or long <= 0:
        return None
    scale = short / long if bent is None else 1 / bent.a
    scaled = _without_hot_photosites(target) * np.float32(scale)
    brightest = float(np.percentile(scaled[::2, ::2], _HIGHLIGHT))
    end = np.inf
    if bent is not None and bent.knee_dn is not None:
        halves = halves - np.float32(bent.offset_dn)
        end = min(brightest, _BELOW_KNEE * bent.knee_dn * scale)
        brightest = end
    difference = np.abs(halves[0, ::2, ::2] - halves[1, ::2, ::2])
    spread = 1.4826 * float(np.median(difference)) / np.sqrt(2)
    return Exposed(
        halves, np.minimum(scaled, np.float32(brightest)), brightest, spread, step, 0.99 * end
    )


def bend(halves: Planes, target: Planes, pose: Pose) -> Response | None:
    """Return how the target answers to the light, if it stops to follow it; else None."""
    short, long = reduced(halves.mean(0), _STEP), reduced(target, _STEP)
    small = pose.scaled(1 / _STEP)
    seen = overlap((short.shape[0], short.shape[1]), small)
    light = moved(long, small)[seen].ravel().astype(np.float64)
    found = response.fit(short[seen].ravel().astype(np.float64), light, 1.0)
    told = found is not None and found.knee_dn is not None and found.doubt < response.TOO_NOISY
    return found if told else None


def _without_hot_photosites(plane: Planes) -> Planes:
    """Bring single pixels that stand out of all around them down, or up, to their neighbours.

    Hot photosites stay where they are however the camera moves: left in both frames, they would
    draw shifts of less than a pixel towards none.
    """
    around = np.ones((3, 3), np.uint8)
    around[1, 1] = 0
    return np.clip(plane, cv2.erode(plane, around), cv2.dilate(plane, around))


def level(exposed: Exposed, factor: int) -> Level:
    """Return both frames at one scale, `factor` packed pixels per pixel."""
    limit = np.float32(exposed.brightest + 2 * exposed.spread / factor)
    one, two = (
        np.minimum(_smooth(reduced(half, factor)), limit).astype(np.float32, copy=False)
        for half in exposed.halves
    )
    light = reduced(exposed.long, factor)
    half = np.float32(0.5)
    short, noise = _band((one + two) * half), _band((one - two) * half)
    long = _band(_smooth(light))
    return Level(
        factor, short, noise, long, light, *_noise_law(noise, light), exposed.step, exposed.end
    )


def reduced(plane: Planes, factor: int) -> Planes:
    """Average squares of `factor` pixels; an incomplete rim is left out."""
    if factor == 1:
        return plane
    height, width = (side // factor for side in plane.shape)
    whole = plane[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))


def _smooth(plane: Planes) -> Planes:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), SIGMA), np.float32)


def _band(plane: Planes) -> Planes:
    """Take off what is coarser than the band."""
    height, width = plane.shape
    step = min(_LOW_STEP, height, width)
    small = cv2.GaussianBlur(reduced(plane, step), (0, 0), _LOW_SIGMA / step)
    rows, columns = (side * step for side in small.shape)
    low = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)
    low = cv2.copyMakeBorder(low, 0, height - rows, 0, width - columns, cv2.BORDER_REPLICATE)
    band: Planes = plane - low
    return band


def _noise_law(noise: Planes, light: Planes) -> tuple[float, float]:
    """Return floor and slope of the noise's variance against light."""
    step = min(_STEP, *noise.shape)
    variance = reduced(noise * noise, step).ravel()
    brightness = reduced(light, step).ravel()
    parts = np.array_split(np.argsort(brightness), min(_PARTS, len(brightness)))
    x = np.array([brightness[part].mean() for part in parts], np.float64)
    y = np.array([np.median(variance[part]) for part in parts], np.float64)
    y = np.maximum(y, max(1e-3 * float(y.mean()), 1e-30))
    floor, slope = np.linalg.lstsq(np.stack([1 / y, x / y], axis=1), np.ones(len(y)))[0]
    if slope < 0:
        floor, slope = float(y.mean()), 0.0
    return max(float(floor), 1e-2 * float(slope * x.mean()), 1e-30), float(slope)
