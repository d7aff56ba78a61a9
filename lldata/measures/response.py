"""How a long exposure answers to the light that a shorter one measured: ratio, black level, knee.

Both are means over blocks, DN above black. Below the sensor's knee short = long / (a ratio) + b:
a is the true over the nominal ratio, b the error of the black level. The line is fitted to the
shorter on the longer, whose own noise is the smaller by far; from the brightest blocks down,
those that show less light than the line are taken off first, for a sensor that saturates softly
bends away from it without ever reaching its white level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

TOLERANCE = 0.1  # share of the light that may be missing below the knee
SURE = 3.0  # standard errors
_BINS = (32, 16, 8)  # steps of brightness, fewer where noise asks for it
_FEWEST_BINS, _IN_BIN = 5, 12
_ROUGH = 0.02  # of the light: what a line is no better than, whatever the noise
_BEFORE_KNEE = 0.8  # up to here the line is fitted
TOO_NOISY = 0.03  # doubt from which a missing fifth of the light cannot be told


@dataclass(frozen=True)
class Response:
    """The line through the linear part of one channel, and where that part ends."""

    a: float  # measured over nominal ratio
    error: float  # its standard error
    offset_dn: float  # of the short: b
    offset_error_dn: float
    knee_dn: float | None  # of the long, above black; None: linear as far as it was seen
    beyond: float  # share of the blocks above the knee
    doubt: float  # standard error of the light measured in one step of brightness, relative


@dataclass(frozen=True)
class Knee:
    """Where a long exposure stops to follow the light, by all shorter ones of its scene."""

    share: float  # of the picture above it
    level_dn: float | None  # above black; None: there is none
    channel: int  # the one that has the largest share


def fit(short: Values, long: Values, ratio: float) -> Response | None:
    """Fit the blocks (n,) of one channel; None where they are too few or show no light.

    Blocks at the white level are left out by the caller.
    """
    if len(long) < _FEWEST_BINS * _IN_BIN or np.ptp(long) <= 0:
        return None
    order = np.argsort(long, kind="stable")
    for count in _BINS:
        bins = np.array_split(order, min(count, len(long) // _IN_BIN))
        straight, lacking, doubt = _linear_part(bins, short, long)
        if doubt < TOO_NOISY:
            break
    kept = np.concatenate(bins[:straight])
    line = _line(short[kept], long[kept])
    if line is None:
        return None
    slope, offset, slope_error, offset_error = line
    lost = sum(len(b) for b, bad in zip(bins, lacking, strict=True) if bad)
    knee = float(long[bins[int(lacking.argmax())]].min()) if lost else None
    a = 1 / (slope * ratio)
    return Response(a, a * slope_error / slope, offset, offset_error, knee, lost / len(long), doubt)


def knee(responses: Sequence[Sequence[Response | None]]) -> Knee | None:
    """Return the knee of a long by its responses, shorter frames x channels.

    In each channel the median of the shorter frames counts, so that a bad one decides nothing;
    the worst channel is the sensor's. None where all were too noisy to tell.
    """
    found = []
    for channel, column in enumerate(zip(*responses, strict=True)):
        told = [r for r in column if r is not None and r.doubt < TOO_NOISY]
        if told:
            share = float(np.median([r.beyond for r in told]))
            levels = [r.knee_dn for r in told if r.knee_dn is not None]
            level = float(np.median(levels)) if levels and share > 0 else None
            found.append(Knee(share, level, channel))
    return max(found, key=lambda each: each.share, default=None)


def _linear_part(
    bins: list[NDArray[np.intp]], short: Values, long: Values
) -> tuple[int, NDArray[np.bool_], float]:
    """Return how many bins lie on one straight line, which of the others lack light, the doubt.

    Bins are ordered by rising light. It is found in two steps, for the line of the first is bent
    by bins that lack just under a tenth.
    """
    x = np.array([np.median(short[b]) for b in bins])
    y = np.array([np.median(long[b]) for b in bins])
    spread = np.array(
        [1.4826 * np.median(np.abs(short[b] - m)) for b, m in zip(bins, x, strict=True)]
    )
    error = 1.25 * spread / np.sqrt([len(b) for b in bins])
    upto = len(bins)
    missing, doubt = _missing(x, y, error, upto)
    while upto > _FEWEST_BINS and (missing > TOLERANCE + SURE * doubt)[upto // 2 : upto].any():
        upto -= 1
        missing, doubt = _missing(x, y, error, upto)
    if upto < len(bins):
        upto = max(_FEWEST_BINS, int(np.count_nonzero(y < _BEFORE_KNEE * y[upto - 1])))
        missing, doubt = _missing(x, y, error, upto)
    lacking = missing > TOLERANCE + SURE * doubt
    lacking[:upto] = False
    return upto, lacking, float(np.median(doubt[len(bins) // 2 :]))


def _missing(x: Values, y: Values, error: Values, upto: int) -> tuple[Values, Values]:
    """Return the share of the light that each bin lacks against the line through the first ones.

    With its standard error, that of the line included.
    """
    sigma = np.hypot(error, _ROUGH * np.maximum(x, 1e-9))
    design = np.stack([y, np.ones_like(y)])
    weighted = design[:, :upto] / sigma[:upto]
    covariance = np.linalg.pinv(weighted @ weighted.T)
    slope, offset = covariance @ weighted @ (x[:upto] / sigma[:upto])
    light = np.maximum(x - offset, 1e-9)
    of_line = np.sqrt(np.maximum((design * (covariance @ design)).sum(axis=0), 0))
    return 1 - slope * y / light, np.hypot(error, of_line) / light


def _line(x: Values, y: Values) -> tuple[float, float, float, float] | None:
    """Return slope and offset of x on y and their standard errors, outliers left out."""
    if len(x) < _IN_BIN or np.ptp(y) <= 0:
        return None
    keep = np.ones(len(x), bool)
    for _ in range(3):
        slope, offset = np.polyfit(y[keep], x[keep], 1)
        residual = x - slope * y - offset
        spread = 1.4826 * np.median(np.abs(residual[keep]))
        keep &= np.abs(residual) <= 3 * max(spread, 1e-9)
        if np.count_nonzero(keep) < _IN_BIN or np.ptp(y[keep]) <= 0:
            return None
    if slope <= 0:
        return None
    inside = y[keep]
    energy = float(((inside - inside.mean()) ** 2).sum())
    sigma = float(residual[keep].std())
    offset_error = sigma * np.sqrt(1 / len(inside) + inside.mean() ** 2 / energy)
    return float(slope), float(offset), float(sigma / np.sqrt(energy)), float(offset_error)
