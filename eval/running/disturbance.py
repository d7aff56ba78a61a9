"""Inputs that are not what they should be: a wrong ratio, black level or white balance, noise.

Only what a method is given changes, never the reference. Step 0 of every axis is the input as it
is. What is drawn depends on the pair alone, so a larger step is the same disturbance, larger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.amplification import amplified
from lldata.errors import ScoreError
from lldata.frame import Frame
from lldata.noise import calibration
from lldata.render import site_black
from lldata.sample import Sample, sample_of_frame
from lldata.synthesis import sensor

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]
_CODES = 255  # of 8 bits


@dataclass(frozen=True)
class Disturbance:
    """How an input differs from what it should be."""

    axis: str
    step: float


@dataclass(frozen=True)
class Axis:
    """One way in which an input can be wrong."""

    title: str
    unit: str
    steps: tuple[float, ...]  # rising; 0 among them
    of_frame: Callable[[Sample, float], Sample] | None  # RAW frames; None: cannot be disturbed so
    of_picture: Callable[[Planes, float, str], Planes] | None  # ready pictures, frames of clips


def axes(kind: str) -> Mapping[str, Axis]:
    """Return the axes along which datasets of a kind (raw, pictures, clips) can be disturbed."""
    return {
        name: axis for name, axis in AXES.items()
        if (axis.of_frame if kind == "raw" else axis.of_picture) is not None
    }  # fmt: skip


def disturbed(sample: Sample, by: Disturbance | None) -> Sample:
    """Return what a method is given of a pair under a disturbance; the sample itself without one.

    Raises
    ------
    ScoreError
        If the noise of the frame's camera is not known, or a black level would be negative.
    """
    if by is None or by.step == 0:
        return sample
    axis = AXES[by.axis]
    if sample.frame is not None and axis.of_frame is not None:
        return axis.of_frame(sample, by.step)
    if sample.srgb is not None and axis.of_picture is not None:
        return replace(sample, srgb=axis.of_picture(sample.srgb, by.step, sample.pair))
    raise ValueError(f"{by.axis} is no disturbance of {sample.pair}")


def disturbed_frames(
    frames: Iterator[Planes], by: Disturbance | None, pair: str
) -> Iterator[Planes]:
    """Yield the frames of a clip as a method is given them."""
    change = None if by is None or by.step == 0 else AXES[by.axis].of_picture
    if by is None or change is None:
        yield from frames
        return
    for number, frame in enumerate(frames):
        yield change(frame, by.step, f"{pair} {number}")


def _random(axis: str, key: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{axis} {key}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


def _with(sample: Sample, **changes: Any) -> Sample:
    """Return the sample with a changed frame, its planes made of it anew."""
    frame: Frame = replace(_frame_of(sample), **changes)
    again = sample_of_frame(frame, sample.pair, sample.ratio)
    return replace(sample, frame=frame, packed=again.packed)


def _frame_of(sample: Sample) -> Frame:
    if sample.frame is None:
        raise ValueError(f"{sample.pair} has no frame")
    return sample.frame


def _in_dn(signal: NDArray[Any]) -> NDArray[np.uint16]:
    return np.asarray(np.rint(signal.clip(0, np.iinfo(np.uint16).max)), np.uint16)


def _ratio(sample: Sample, ev: float) -> Sample:
    return replace(sample, ratio=sample.ratio * 2.0**ev)


def _brightness(sample: Sample, ev: float) -> Sample:
    frame = _frame_of(sample)
    black = site_black(frame)
    light = black + (frame.mosaic - black) * np.float32(2.0**ev)
    return _with(sample, mosaic=_in_dn(light.clip(None, frame.white_level)))


def _black_level(sample: Sample, dn: float) -> Sample:
    levels = tuple(level + dn for level in _frame_of(sample).black_level)
    if min(levels) < 0:
        raise ScoreError(
            sample.pair, f"{dn:g} DN on its black level gives {min(levels):g}",
            "a black level is not negative", "Leave the axis black_level out",
        )  # fmt: skip
    return _with(sample, black_level=levels)


def _white_balance(sample: Sample, ev: float) -> Sample:
    red, green, blue, other = _frame_of(sample).white_balance
    return _with(sample, white_balance=(red * 2.0**ev, green, blue / 2.0**ev, other))


def _read_noise(sample: Sample, units: float) -> Sample:
    frame = _frame_of(sample)
    sigma = units * read_noise_dn(frame, sample.pair)
    noise = _random("read_noise", sample.pair).standard_normal(frame.mosaic.shape, np.float32)
    return _with(sample, mosaic=_in_dn(frame.mosaic + np.float32(sigma) * noise))


def read_noise_dn(frame: Frame, pair: str) -> float:
    """Return the calibrated read noise of a frame's camera at its ISO, DN.

    A calibration that the user made counts before the simulator's figures of the camera.

    Raises
    ------
    ScoreError
        If there is neither.
    """
    own = calibration.default_path(frame.camera)
    model = calibration.load(own).model if own.is_file() else sensor.noise_of(frame.camera)
    if model is None:
        raise ScoreError(
            pair, f"the read noise of the {frame.camera or 'camera'} is not known",
            "it is added in units of the calibrated one",
            "Calibrate the camera (lldata calibrate), or leave the axis read_noise out",
        )  # fmt: skip
    return model.at(frame.iso).read_sigma


def _hot_pixels(sample: Sample, per_mille: float) -> Sample:
    frame = _frame_of(sample)
    drawn = _random("hot_pixels", sample.pair).random(frame.mosaic.shape, np.float32)
    hot = np.where(drawn < per_mille / 1000, np.uint16(frame.white_level), frame.mosaic)
    return _with(sample, mosaic=hot)


def _eight_bit(sample: Sample, _: float) -> Sample:
    frame = _frame_of(sample)
    black = site_black(frame)
    width = (frame.white_level - black) / np.float32(_CODES)
    codes = np.rint((frame.mosaic - black) / width).clip(0, _CODES)
    return _with(sample, mosaic=_in_dn(black + codes * width))


def _picture_brightness(picture: Planes, ev: float, _: str) -> Planes:
    return amplified(picture, 2.0**ev)[0]


def _picture_noise(picture: Planes, codes: float, key: str) -> Planes:
    noise = _random("noise", key).standard_normal(picture.shape, np.float32)
    return np.asarray((picture + np.float32(codes / _CODES) * noise).clip(0, 1))


def _picture_eight_bit(picture: Planes, _step: float, _key: str) -> Planes:
    return np.asarray(np.rint(picture * np.float32(_CODES)) / np.float32(_CODES))


AXES: Mapping[str, Axis] = {
    "brightness": Axis(
        "Light of the input", "EV", (-2, -1, 0, 1, 2), _brightness, _picture_brightness
    ),
    "ratio": Axis("Exposure ratio told", "EV", (-1, -0.5, 0, 0.5, 1), _ratio, None),
    "black_level": Axis("Black level told", "DN", (-8, -4, -2, 0, 2, 4, 8), _black_level, None),
    "white_balance": Axis(
        "White balance told, red up and blue down", "EV", (-0.5, -0.25, 0, 0.25, 0.5),
        _white_balance, None,
    ),
    "read_noise": Axis(
        "Read noise added", "x calibrated", (0, 0.5, 1, 2, 4), _read_noise, None
    ),
    "noise": Axis("Gaussian noise added", "1/255", (0, 2, 5, 10, 20), None, _picture_noise),
    "hot_pixels": Axis("Pixels set to white", "per mille", (0, 0.25, 0.5, 1, 2), _hot_pixels, None),
    "eight_bit": Axis(
        "Input rounded to 8 bits", "0 or 1", (0, 1), _eight_bit, _picture_eight_bit
    ),
}  # fmt: skip
