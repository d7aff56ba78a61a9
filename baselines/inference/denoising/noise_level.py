"""How noisy a picture is: a number that is given, estimated from it, or from the calibration.

A picture rendered from a RAW frame has noise that the camera's calibration tells. It is drawn and
rendered by the call that made the picture, so that the exposure ratio, white balance, demosaicing,
colour matrix, curve and clipping all act on it as they did there.

Source: Donoho & Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 81(3), 1994:
the median of the finest diagonal wavelet coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.options import number
from lldata.errors import MethodError
from lldata.frame import Frame
from lldata.noise import calibration
from lldata.render import render, site_black
from lldata.sample import Sample
from lldata.synthesis.noise import Noise, expose

Level = float | Literal["auto", "calibration"]  # 1/255, or where to take it from
Sigma = NDArray[np.float64]  # (3,) standard deviation in R, G and B; 1 is full white

_NORMAL_MEDIAN = 0.6744897501960817  # of |x| for a standard normal x
_HIGH_PASS = np.array([-0.48296291, 0.8365163, -0.22414387, -0.12940952])  # Daubechies, 2 moments
_FEWEST = 64  # coefficients whose median tells something
_BLOCK = 4  # CFA periods a side, at least: their mean has little of the frame's own noise left
_PHOTOSITES = 1 << 20  # that noise is drawn for, at most about
_NEAR = 0.3  # share by which mean brightness may be off: LibRaw's white follows the content


def level(option: str, value: Any) -> Level:
    """Check an option that is a noise level.

    Raises
    ------
    MethodError
        If it is neither "auto", "calibration" nor a number from 0 to 255.
    """
    if value == "auto":
        return "auto"
    if value == "calibration":
        return "calibration"
    if isinstance(value, str):
        raise MethodError(
            f"--set {option}", f"it is {value!r}",
            "it is auto, calibration or a number from 0 to 255", "Correct the value",
        )  # fmt: skip
    return number(option, value, 0, 255)


def noise_sigma(sample: Sample, picture: NDArray[np.float32], wanted: Level) -> Sigma:
    """Return the standard deviation of the noise in R, G and B.

    Parameters
    ----------
    sample : what the picture belongs to
    picture : (3, H, W) in [0, 1]
    wanted : a number (1/255), "auto" (estimated) or "calibration"

    Raises
    ------
    MethodError
        As `calibrated_sigma`.
    """
    if wanted == "auto":
        return np.array([estimated_sigma(channel) for channel in picture])
    if wanted == "calibration":
        return calibrated_sigma(sample, picture)
    return np.full(3, wanted / 255)


def calibrations(wanted: Level, cameras: Iterable[str]) -> dict[str, Path]:
    """Return the calibrations a noise level is taken from, by name: none for another level."""
    if wanted != "calibration":
        return {}
    paths = {calibration.default_path(camera) for camera in cameras}
    return {f"calibration_{path.stem}": path for path in paths if path.is_file()}


def estimated_sigma(channel: NDArray[np.floating[Any]]) -> float:
    """Return the standard deviation of white noise in a channel, (H, W) in [0, 1].

    Clipped pixels hide their noise and are left out; where hardly any others are left, 0 is
    returned: what is black or white all over has none to be removed.
    """
    if min(channel.shape) < len(_HIGH_PASS):
        return 0.0
    values = channel.astype(np.float64)
    detail = cv2.sepFilter2D(values, -1, _HIGH_PASS, _HIGH_PASS, anchor=(0, 0))
    clipped = ((values <= 0) | (values >= 1)).astype(np.uint8)
    near_clipped = cv2.dilate(clipped, np.ones((4, 4), np.uint8), anchor=(3, 3))
    inside = slice(0, channel.shape[0] - 3), slice(0, channel.shape[1] - 3)
    told = np.abs(detail[inside][near_clipped[inside] == 0])
    return float(np.median(told)) / _NORMAL_MEDIAN if told.size >= _FEWEST else 0.0


def calibrated_sigma(sample: Sample, picture: NDArray[np.float32]) -> Sigma:
    """Return the noise that the camera's calibration tells of a rendered short frame.

    Two takes of the frame's light are drawn with the calibrated noise and rendered; the noise is
    the root mean square of their difference over the square root of two.

    Raises
    ------
    MethodError
        If the picture comes from no RAW frame, its camera is not calibrated at its ISO, or the
        picture is neither the frame's rendering nor the one amplified by the ratio.
    LowLightError
        If the calibration cannot be read.
    """
    frame = sample.frame
    if frame is None:
        raise MethodError(
            f"--set sigma=calibration on {sample.pair}", "the picture comes from no RAW frame",
            "a calibration tells the noise of RAW frames", "Use --set sigma=auto, or a number",
        )  # fmt: skip
    takes = _takes(frame, _calibrated_noise(frame))
    gain = _gain(sample, takes[0], float(picture.mean()))
    first, second = (render(take, gain) / 65535 for take in takes)
    sigma: Sigma = np.sqrt(np.mean((first - second) ** 2, axis=(0, 1)) / 2)
    return sigma


def _calibrated_noise(frame: Frame) -> Noise:
    path = calibration.default_path(frame.camera)
    if not path.is_file():
        raise MethodError(
            "--set sigma=calibration", f"the {frame.camera} is not calibrated",
            f"{path} is where its calibration would lie",
            "Run lldata calibrate on its darks and flats, or use --set sigma=auto",
        )  # fmt: skip
    known = calibration.load(path)
    low, high = known.isos[0].iso, known.isos[-1].iso
    if not 0.99 * low <= frame.iso <= 1.01 * high:
        raise MethodError(
            "--set sigma=calibration", f"the frame was taken at ISO {frame.iso:g}",
            f"{path} was made at ISO {low:g} to {high:g}",
            "Calibrate at that ISO too, or use --set sigma=auto",
        )  # fmt: skip
    return known.model.at(frame.iso)


def _takes(frame: Frame, noise: Noise) -> list[Frame]:
    """Return two frames of the light of this one, smaller, with noise of their own.

    Each period of the CFA is the mean of a block of them, which hides the frame's own noise.
    """
    period = math.isqrt(len(frame.cfa))
    rows, columns = (side // period for side in frame.mosaic.shape)
    block = min(max(_BLOCK, math.ceil(math.sqrt(frame.mosaic.size / _PHOTOSITES))), rows, columns)
    above = (frame.mosaic - site_black(frame))[: rows // block * block * period]
    above = above[:, : columns // block * block * period].astype(np.float64)
    parts = above.reshape(rows // block, block, period, columns // block, block, period)
    light = parts.mean(axis=(1, 4)).reshape(rows // block * period, -1)
    dark = replace(frame, mosaic=np.zeros(light.shape, np.uint16))
    rng, black = np.random.default_rng(0), site_black(dark)
    signals = (expose(light.clip(0) / noise.gain, noise, rng) + black for _ in range(2))
    most = frame.white_level
    return [replace(dark, mosaic=np.rint(s.clip(0, most)).astype(np.uint16)) for s in signals]


def _gain(sample: Sample, take: Frame, mean: float) -> float:
    """Return what the light of the picture was multiplied by: the ratio, or nothing."""
    gains = [1.0, sample.ratio] if math.isfinite(sample.ratio) else [1.0]
    means = [float(render(take, gain).mean()) / 65535 for gain in gains]
    gap, gain = min((abs(each - mean), gain) for each, gain in zip(means, gains, strict=True))
    if gap > _NEAR * mean + 1 / 255:
        shown = " or ".join(f"{each:.3g}" for each in means)
        raise MethodError(
            f"--set sigma=calibration on {sample.pair}", f"the picture's mean is {mean:.3g}",
            f"its frame is rendered with mean {shown}",
            "Give the picture that was rendered from the frame, or use --set sigma=auto",
        )  # fmt: skip
    return gain
