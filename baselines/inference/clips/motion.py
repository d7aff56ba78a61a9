"""How far the content of one frame lies from where it lies in another, for every pixel.

First what does not move is found: where two frames differ by no more than their noise, flow would
only follow the noise. Elsewhere the shift of the whole frame is found by phase correlation, on a
coarse scale and at any distance, and DIS flow refines it from there.

Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV has it;
they stand for the multi-scale gradient matching and the wavelet registration of Anantrasirichai
and Bull 2021, section 3.4, whose code is not published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]  # (h, w)
Flow = NDArray[np.float32]  # (h, w, 2): x, y in px of the view

FLICKER = 0.25  # share by which the brightness of a place may change while it is the same place
DARK = 0.02  # of white, added to both sides of that comparison
FINE_SIGMA, WIDE_SIGMA = 2.0, 16.0  # px: the details between them are compared
NOISE_FACTOR = 4.0  # times the variance that noise explains is still noise
TOLERANCE = 1.5 / 255  # what coding does to still pictures
MOVED_TOLERANCE = 4 / 255  # and what is lost between pixels where they moved
_LUMA = (0.299, 0.587, 0.114)  # BT.601
_SMALLEST = 32  # px; DIS needs some pixels for its patches
_AWAY = 3e4  # px; beyond every frame
_COARSE_PX = 512  # longest side on which phases are correlated
_LEAST_RESPONSE = 0.05  # of a phase correlation; 0 for unrelated frames


class Shift(NamedTuple):
    """Where the content of every pixel lies in another frame; small, as many are held."""

    packed: NDArray[np.float16] | None  # (h, w, 2): x + it is the place there; None: 0 everywhere
    still: NDArray[np.bool_]  # (h, w): 0 there, by comparison

    @property
    def flow(self) -> Flow:
        """The displacement of every pixel."""
        if self.packed is None:
            return np.zeros((*self.still.shape, 2), np.float32)
        return self.packed.astype(np.float32)


@dataclass(frozen=True, eq=False)
class View:
    """What is compared of a frame: its luma, reduced."""

    luma: NDArray[np.uint8]  # (h, w), sRGB curve
    details: Map  # (h, w)
    brightness: Map  # (h, w)
    noise: float  # variance that noise gives to `details`
    factor: float  # px of the frame for one of the view


def view(frame: NDArray[np.uint16], longest_px: int) -> View:
    """Return what is compared of a frame.

    Parameters
    ----------
    frame : (H, W, 3) RGB, white 65535
    longest_px : the longer side is reduced to it
    """
    height, width = frame.shape[:2]
    factor = max(1.0, max(height, width) / longest_px)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if factor > 1 else frame
    luma = small.astype(np.float32) @ (np.array(_LUMA, np.float32) / np.float32(65535))
    brightness = np.asarray(cv2.GaussianBlur(luma, (0, 0), WIDE_SIGMA), np.float32)
    details = cv2.GaussianBlur(luma, (0, 0), FINE_SIGMA) - brightness
    eight_bits = np.rint(luma * 255).clip(0, 255).astype(np.uint8)
    variance = _noise(luma) / (4 * np.pi * FINE_SIGMA**2)  # white noise after the fine blur
    return View(eight_bits, details, brightness, variance, factor)


def _noise(luma: Map) -> float:
    """Return the variance of white noise, by the median response to a Laplacian squared.

    Source: Immerkaer, Fast Noise Variance Estimation, 1996, with the median for the mean.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # of norm 6
    response = np.abs(cv2.filter2D(luma, -1, kernel))
    return float(np.median(response) / (0.6745 * 6)) ** 2


def shift(current: View, other: View) -> Shift:
    """Return where the content of the current frame lies in another of the same size."""
    still = _still(current, other)
    if still.all():
        return Shift(None, still)
    if min(still.shape) < _SMALLEST:
        flow = np.full((*still.shape, 2), _AWAY, np.float32)
    else:
        start = np.empty((*still.shape, 2), np.float32)
        start[...] = _global(current.luma, other.luma)
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        flow = np.asarray(dis.calc(current.luma, other.luma, start), np.float32)
    flow[still] = 0
    return Shift(flow.clip(-_AWAY, _AWAY).astype(np.float16), still)


def _still(current: View, other: View) -> NDArray[np.bool_]:
    return _same(current, other.details, other.brightness, other.noise)


def _same(
    current: View, details: Map, brightness: Map, noise: float, tolerance: float = TOLERANCE
) -> NDArray[np.bool_]:
    """Return where two pictures differ by noise alone, and in brightness by flicker."""
    side = 2 * round(3 * FINE_SIGMA) + 1
    difference = cv2.blur((current.details - details) ** 2, (side, side))
    limit = NOISE_FACTOR * (current.noise + noise) + tolerance**2
    return (difference <= limit) & _as_bright(current.brightness, brightness)


def _as_bright(one: Map, another: Map) -> NDArray[np.bool_]:
    low, high = np.minimum(one, another) + DARK, np.maximum(one, another) + DARK
    return np.asarray(high <= low * (1 + FLICKER))


def _global(current: NDArray[np.uint8], other: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the shift (x, y) of the whole picture, 0 if none explains it."""
    height, width = current.shape
    factor = max(1.0, max(height, width) / _COARSE_PX)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    here, there = (
        cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for luma in (current, other)
    )
    window = cv2.createHanningWindow(size, cv2.CV_32F)
    # OpenCV multiplies what it is given by the window
    (x, y), response = cv2.phaseCorrelate(here.copy(), there.copy(), window)
    if response < _LEAST_RESPONSE or not _nearer(here, there, round(x), round(y)):
        return 0.0, 0.0
    return x * width / size[0], y * height / size[1]


def _nearer(current: Map, other: Map, x: int, y: int) -> bool:
    """Whether pictures are more alike where they overlap shifted than as they lie."""
    height, width = current.shape
    if abs(x) >= width or abs(y) >= height:
        return False
    here = current[max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)]
    there = other[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)]
    return float(cv2.absdiff(here, there).mean()) < float(cv2.absdiff(current, other).mean())


def found(current: View, other: View, there: Shift) -> NDArray[np.bool_]:
    """Return where the content of the current frame is really seen at its place in the other."""
    if there.packed is None:
        return there.still
    flow = there.flow
    details, brightness = (_moved(each, flow) for each in (other.details, other.brightness))
    matched = _same(current, details, brightness, other.noise, MOVED_TOLERANCE)
    return there.still | matched


def agreeing(there: Shift, back: Shift, within_px: float) -> NDArray[np.bool_]:
    """Return where going to the other frame and back ends near the start, or nothing moves.

    Parameters
    ----------
    there, back : from one frame to another, and from that to the first
    within_px : px of the view
    """
    flow = there.flow
    error = np.hypot(*np.moveaxis(flow + _moved(back.flow, flow), -1, 0))
    return np.asarray(there.still | (error <= within_px))


def _moved(values: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """Return the values of another frame at the places a flow leads to."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    at = x + flow[..., 0], y + flow[..., 1]
    return np.asarray(
        cv2.remap(values, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
