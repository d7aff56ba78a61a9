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
from lldata.frame import Frame
from lldata.measures import registration
from lldata.noise import photon_transfer, tails
from lldata.noise.photon_transfer import Estimate, Points

_SAMPLED = 2**22  # photosites looked at in a frame
_STILL_PX = 0.25  # packed pixels
_SURE_PX = 0.1  # standard error from which a shift is no shift
_SURE_GAIN = 0.1  # half width of its interval, relative
_CUT = 0.001  # share of the values at black from which they are cut off there
_ROWS = 2.0  # of the read noise; no sensor has row noise beyond
_MISFIT = 0.08  # of a line; variances that lie further off are not of one gain
_DARK = 0.1  # share of a dark's variance that light may add
_FAR = 2.0  # of a dark's noise: no black level is further off


class Kind(NamedTuple):
    """What takes of one thing have in common."""

    folder: str
    scene: str  # by the file's name; "" where it tells none
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

    @property
    def noise(self) -> float:
        """Return the variance of a frame in the middle block, DN^2."""
        return float(np.median(self.points.variance))


def kind_of(path: Path, scene: str) -> Kind:
    """Return what a frame is a take of; in this process, for disposable workers."""
    frame = raw.decode(path)
    return Kind(
        str(path.parent), scene, frame.camera, frame.iso, frame.exposure_s, frame.mosaic.shape
    )


def measure_set(paths: Sequence[Path]) -> tuple[Set | None, tuple[str, ...]]:
    """Measure the noise between neighbouring takes of one still picture.

    In this process, for disposable workers; two frames are held at a time.

    Returns
    -------
    What they told, None for nothing, and which of them were left out and why.
    """
    points, heavy, left_out = [], [], []
    for one, other in itertools.pairwise(paths):
        first, second = raw.decode(one), raw.decode(other)
        found = photon_transfer.points((first, second), max(1, first.mosaic.size // _SAMPLED))
        why = _unfit(first, second, found)
        if found is None or why:
            left_out.append(f"{one.name} and {other.name}: {why}")
        else:
            points.append(found)
            heavy.append(tails.tail((first, second)))
    if not points:
        return None, tuple(left_out)
    told = Set(photon_transfer.joined(points), float(np.median(heavy)), len(paths))
    return told, tuple(left_out)


def _unfit(first: Frame, second: Frame, found: Points | None) -> str:
    """Return why two takes tell no noise, "" if they do."""
    if _is_cut(first) or _is_cut(second):
        return "their values are cut off at the black level"
    if found is None:
        return "they lie at white or at the lowest value"
    if _moved(first, second):
        return "the camera moved between them"
    return "" if found.one_picture else "they show two pictures, or one whose light changed"


def _is_cut(frame: Frame) -> bool:
    """Whether many values are just black and none is below: half of dark noise is lost."""
    black = min(frame.black_level)
    dark = np.count_nonzero(frame.mosaic <= black)
    return bool(frame.mosaic.min() >= black and dark > _CUT * frame.mosaic.size)


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
    dark, black_error = _darks(sets)
    found = photon_transfer.transfer(points, zero=black_error or 0.0)
    if found is None:
        return "its frames are too small"
    gain = found.gain
    if gain.value <= 0 or gain.high - gain.value > _SURE_GAIN * gain.value:
        return "its takes are all alike in brightness: the gain stays unknown"
    if found.misfit > _MISFIT:
        return f"its noise lies {100 * found.misfit:.0f} % off a line over brightness"
    if found.read_variance.high < 0:
        return "its noise falls below none towards the dark"
    read, rows = (
        _root(found.read_variance), photon_transfer.row_sigma([s.points for s in dark or sets])
    )  # fmt: skip
    if rows.value > _ROWS * read.high:
        return (
            f"its row noise, {rows.value:.3g} DN, is far above its read noise, {read.value:.3g} DN"
        )
    return {
        "gain": gain,
        "channel_gains": tuple(
            each.gain.value if (each := photon_transfer.transfer(points, c)) else None
            for c in range(1 + max(int(p.channel.max()) for p in points))
        ),
        "read_sigma": read,
        "row_sigma": rows,
        "shape": _shape(dark),
        "black_error": black_error,
        "frames": sum(each.frames for each in sets),
    }


def _darks(sets: Sequence[Set]) -> tuple[list[Set], float | None]:
    """Return the sets without light, and how far the black level is off by them, DN.

    They show no picture, lie near black and are no noisier than the quietest set.
    """
    quietest = min(each.noise for each in sets)
    sigma = math.sqrt(quietest)
    dark = [
        each
        for each in sets
        if np.ptp(np.percentile(each.points.mean, (5, 95))) < sigma
        and abs(each.points.level) < _FAR * sigma
        and each.noise < (1 + _DARK) * quietest
    ]
    return dark, float(np.median([each.points.level for each in dark])) if dark else None


def _shape(dark: Sequence[Set]) -> float | None:
    if not dark:
        return None
    return tails.tukey_shape(float(np.median([each.tail for each in dark])))


def _root(variance: Estimate) -> Estimate:
    value, low, high = (
        math.sqrt(max(v, 0.0)) for v in (variance.value, variance.low, variance.high)
    )
    return Estimate(value, low, high)
