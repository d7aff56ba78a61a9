"""The takes of a calibration: which frames show one thing, and the noise between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lldata import raw
from lldata.errors import FrameError
from lldata.frame import Frame
from lldata.measures import registration
from lldata.noise import photon_transfer, tails
from lldata.noise.photon_transfer import Estimate, Points, Transfer

_SAMPLED = 2**22  # photosites looked at in a frame
_STILL_PX = 0.25  # packed pixels
_SURE_PX = 0.1  # standard error from which a shift is no shift
_SURE_GAIN = 0.1  # half width of its interval, relative
_DARK = 0.1  # share of the read noise's variance that light may add


class Kind(NamedTuple):
    """What takes of one thing have in common."""

    folder: str
    camera: str
    iso: float
    exposure_s: float
    size: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Set:
    """What the takes of one thing told."""

    points: Points
    tail: float  # L-kurtosis of their differences, for darks
    frames: int


def kind_of(path: Path) -> Kind:
    """Return what a frame is a take of; in this process, for disposable workers."""
    frame = raw.decode(path)
    return Kind(str(path.parent), frame.camera, frame.iso, frame.exposure_s, frame.mosaic.shape)


def measure_set(paths: Sequence[Path]) -> Set:
    """Measure the noise between neighbouring takes, those left out between which it moved.

    In this process, for disposable workers; two frames are held at a time.

    Raises
    ------
    FrameError
        If no two takes can be compared.
    """
    points, heavy = [], []
    for first, second in itertools.pairwise(map(raw.decode, paths)):
        every = max(1, first.mosaic.size // _SAMPLED)
        found = photon_transfer.points((first, second), every)
        if found is not None and not _moved(first, second):
            points.append(found)
            heavy.append(tails.tail((first, second)))
    if not points:
        raise FrameError(
            paths[0].parent, f"{paths[0].name} and its like tell no noise",
            "takes that did not move, below white and above a cut-off black, are needed",
            "Take them again from a tripod, with less light or more",
        )  # fmt: skip
    names = ("mean", "variance", "channel", "group", "row_variance")
    joined = Points(*(np.concatenate([getattr(p, name) for p in points]) for name in names))
    return Set(joined, float(np.median(heavy)), len(paths))


def _moved(first: Frame, second: Frame) -> bool:
    shift = registration.measure(
        registration.green_halves(first), registration.green_halves(second).mean(0)
    )
    if shift is None or shift.agreement < registration.SAME_PLACE or shift.error_px > _SURE_PX:
        return False  # nothing to be seen that could have moved
    return math.hypot(shift.y_px, shift.x_px) > _STILL_PX


def measure_iso(sets: Sequence[Set]) -> dict[str, Any] | str:
    """Return the fields of one ISO's noise by all its sets, or why they do not tell them."""
    points = [each.points for each in sets]
    found = photon_transfer.transfer(points)
    if found is None:
        return "its frames are too small"
    gain = found.gain
    if gain.value <= 0 or gain.high - gain.value > _SURE_GAIN * gain.value:
        return "its takes are all alike in brightness: the gain stays unknown"
    dark = [s for s in sets if _is_dark(s, found)]
    return {
        "gain": gain,
        "channel_gains": tuple(
            each.gain.value if (each := photon_transfer.transfer(points, c)) else None
            for c in range(1 + max(int(p.channel.max()) for p in points))
        ),
        "read_sigma": _root(found.read_variance),
        "row_sigma": photon_transfer.row_sigma([s.points for s in dark or sets]),
        "shape": _shape(dark),
        "frames": sum(each.frames for each in sets),
    }


def _is_dark(each: Set, found: Transfer) -> bool:
    light = found.gain.value * max(each.points.level, 0.0)
    return light < _DARK * max(found.read_variance.value, 0.0)


def _shape(dark: Sequence[Set]) -> float | None:
    if not dark:
        return None
    return tails.tukey_shape(float(np.median([each.tail for each in dark])))


def _root(variance: Estimate) -> Estimate:
    value, low, high = (
        math.sqrt(max(v, 0.0)) for v in (variance.value, variance.low, variance.high)
    )
    return Estimate(value, low, high)
