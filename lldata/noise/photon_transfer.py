"""Gain and read noise from frames of one exposure: the photon transfer curve.

Two takes of one scene differ by noise alone, whatever they show: the variance of their difference
grows with the mean as gain * mean + read noise^2. Row noise and drifting light are taken off
before, moving things by leaving out blocks of outlying variance.

Source: Janesick, Photon Transfer, SPIE 2007; EMVA 1288 Release 4.0, section 6 (differences of two
images).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from lldata.frame import Frame
from lldata.measures import blocks
from lldata.noise import stillness

Values = NDArray[np.float64]

SIDE = 8  # CFA periods of a block
_BELOW_WHITE = 0.9  # of the range; noise must not reach the white level
_AT_FLOOR = 0.01  # share of a block's photosites at the lowest value: cut off below
_GROUPS = 10  # of blocks, for the jackknife
_T_95 = 2.262  # two-sided, 9 degrees of freedom
_BINS, _IN_BIN = 32, 32
_OUTLYING = 5.0  # deviations of a block's variance from its like
_QUANTISATION = 1 / 12  # DN^2, of whole numbers
_ROOT = np.float32(math.sqrt(0.5))  # of a difference, to the noise of one frame


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Return it as plain JSON values."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class Points:
    """Block means and noise variances of the takes of one exposure."""

    mean: Values  # (n,) DN above black
    variance: Values  # (n,) DN^2 of one frame
    channel: NDArray[np.intp]  # (n,) R 0, G 1, B 2, G of B 3
    group: NDArray[np.intp]  # (n,) part of the picture
    row_variance: Values  # (differences,) DN^2 of one frame
    unlike: Values  # (differences,) structure beyond noise; 1: no longer one picture

    @property
    def one_picture(self) -> bool:
        """Whether the frames show one picture; else their differences are no noise."""
        return bool((self.unlike < 1).all())

    @property
    def level(self) -> float:
        """Return the median signal, DN above black."""
        return float(np.median(self.mean))


@dataclass(frozen=True)
class Transfer:
    """What a photon transfer curve gives."""

    gain: Estimate  # DN per electron
    read_variance: Estimate  # DN^2, quantisation and row noise taken off
    misfit: float  # how far the variances lie from the line, relative


def points(takes: Sequence[Frame], every: int = 1) -> Points | None:
    """Measure means and temporal variances of two or more takes of one exposure.

    Parameters
    ----------
    takes : of equal size and CFA, in the order they were taken
    every : take each so many-th row of blocks only, for speed

    Returns
    -------
    None where no block is free of white, of values cut off below, and of its frame's rim.
    """
    found = [_difference(a, b, every) for a, b in itertools.pairwise(takes)]
    told = [each for each in found if each is not None]
    if not told:
        return None
    return joined(told)


def joined(several: Sequence[Points]) -> Points:
    """Return the points of several differences as one."""
    names = [field.name for field in fields(Points)]
    return Points(*(np.concatenate([getattr(p, name) for p in several]) for name in names))


def points_against(
    short: Frame, long: Frame, ratios: Sequence[float], every: int = 1
) -> Points | None:
    """Measure a short's noise against its long, whose own noise is small in the short's scale.

    Parameters
    ----------
    short, long : of one place, aligned
    ratios : the measured exposure ratio of each CFA channel
    every : as in `points`

    Returns
    -------
    Variances are those of the short: what the long adds to gain * mean is taken off.
    """
    step, site = _step(short), blocks.channel_of_sites(short.cfa)
    a, b = (_rows(frame.mosaic, step, every) for frame in (short, long))
    shown = _tiled(np.array(ratios)[site], b)
    level = (b - _tiled(np.array(long.black_level)[site], b)) / shown
    level += _tiled(np.array(short.black_level)[site], b)
    usable = _usable((short, a), (long, b))
    found = _measured(a - level, level, short, usable)
    if found is None:
        return None
    share = 1 + 1 / np.array(ratios)[found.channel]
    return replace(found, variance=found.variance / share)


def points_of_greens(frame: Frame, every: int = 1) -> Points | None:
    """Measure the noise of one Bayer frame by its two greens: at most, for texture adds to it."""
    step = _step(frame)
    rows = _rows(frame.mosaic, step, every)
    usable = _usable((frame, rows))
    green = np.flatnonzero(blocks.channel_of_sites(frame.cfa) % 2)
    if len(frame.cfa) != 4 or not usable.any():
        return None
    cut = _blocked(rows, step, 2)[green][:, usable]
    cut -= np.array(frame.black_level, np.float32)[[1, 3]][:, None, None]
    mean = cut.mean(axis=(0, 2)).astype(np.float64)
    variance = ((cut[0] - cut[1]) * _ROOT).var(axis=1, ddof=1).astype(np.float64)
    count = np.arange(len(mean))
    return Points(mean, variance, np.ones_like(count), count % _GROUPS, np.zeros(0), np.zeros(0))


def _difference(first: Frame, second: Frame, every: int) -> Points | None:
    a, b = (_rows(frame.mosaic, _step(first), every) for frame in (first, second))
    usable = _usable((first, a), (second, b))
    return _measured((a - b) * _ROOT, (a + b) * np.float32(0.5), first, usable)


def _measured(
    d: NDArray[np.float32], level: NDArray[np.float32], frame: Frame, usable: NDArray[np.bool_]
) -> Points | None:
    """Return the points of a difference (rows, columns) that holds the noise of one frame."""
    step, site = _step(frame), blocks.channel_of_sites(frame.cfa)
    side, width = math.isqrt(len(frame.cfa)), d.shape[1]
    if not usable.any():
        return None
    of_rows = _row_means(d)
    d = d - of_rows
    of_blocks, planes = _blocked(d, step, side), usable.reshape(-1, width // step)
    count = of_blocks.shape[-1]
    variance = of_blocks.var(axis=-1) * (count / (count - 1)) / (1 - 1 / width)
    black = np.array(frame.black_level)[site][:, None]
    mean = _blocked(level, step, side).mean(axis=-1) - black
    inside, ones = np.broadcast_to(usable, mean.shape), np.ones(mean.shape, np.intp)
    within = d.var(axis=1, ddof=1).mean() / width
    return Points(
        mean=mean[inside].astype(np.float64),
        variance=variance[inside].astype(np.float64),
        channel=(site[:, None] * ones)[inside],
        group=(np.arange(mean.shape[1]) % _GROUPS * ones)[inside],
        row_variance=np.array([max(float(of_rows.var(ddof=1)) - float(within), 0.0)]),
        unlike=np.array(
            [stillness.unlike(np.stack((of_blocks.mean(-1), variance / count, mean)), planes)]
        ),
    )


def _row_means(d: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each row (rows, 1), what moved in a part of it hardly counting."""
    widest = np.maximum(4.5 * np.median(np.abs(d[:, ::4]), axis=1, keepdims=True), 2)
    means: NDArray[np.float32] = np.clip(d, -widest, widest).mean(axis=1, keepdims=True)
    return means


def _tiled(of_sites: Values, plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Repeat the values of the sites of one CFA period over a plane."""
    side = math.isqrt(len(of_sites))
    tile = of_sites.reshape(side, side).astype(np.float32)
    return np.tile(tile, (plane.shape[0] // side, plane.shape[1] // side))


def _step(frame: Frame) -> int:
    return math.isqrt(len(frame.cfa)) * SIDE


def _rows(mosaic: NDArray[np.uint16], step: int, every: int) -> NDArray[np.float32]:
    """Return whole blocks of each so many-th row of blocks, float32."""
    down, across = (length // step for length in mosaic.shape)
    whole = mosaic[: down * step, : across * step].reshape(down, step, across * step)
    return whole[::every].reshape(-1, across * step).astype(np.float32)


def _blocked(plane: NDArray[np.float32], step: int, period: int) -> NDArray[np.float32]:
    """Return the values of each CFA site in each block, (sites, blocks, values)."""
    down, across, side = plane.shape[0] // step, plane.shape[1] // step, step // period
    cut = plane.reshape(down, side, period, across, side, period)
    return cut.transpose(2, 5, 0, 3, 1, 4).reshape(period**2, down * across, side**2)


def _usable(*shots: tuple[Frame, NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Return which blocks hold no value near white and hardly any at a frame's lowest."""
    usable = None
    for frame, rows in shots:
        step, black = _step(frame), min(frame.black_level)
        of_blocks = _blocked(rows, step, step)
        white = black + _BELOW_WHITE * (frame.white_level - black)
        at_floor = (of_blocks <= int(frame.mosaic.min())).mean(axis=(0, 2))
        here = (of_blocks.max(axis=(0, 2)) < white) & (at_floor < _AT_FLOOR)
        usable = here if usable is None else usable & here
    return np.array(usable, bool)


def transfer(
    sets: Sequence[Points], channel: int | None = None, *, zero: float = 0.0
) -> Transfer | None:
    """Fit variance = gain * (mean - zero) + read variance to the points of one ISO.

    Parameters
    ----------
    sets : of one or more exposures, darks included; the wider their levels, the surer the gain
    channel : one CFA channel; None: all of them
    zero : DN above black, the mean without light; EMVA 1288 measures the signal from there

    Returns
    -------
    Intervals come from leaving out a tenth of the picture at a time. None for too few points.
    """
    mean, variance, of_channel, group = (
        np.concatenate([getattr(p, name) for p in sets])
        for name in ("mean", "variance", "channel", "group")
    )
    keep = np.ones(len(mean), bool) if channel is None else of_channel == channel
    mean, variance, group = mean[keep] - zero, variance[keep], group[keep]
    if len(mean) < 2 * _IN_BIN or len(np.unique(group)) < _GROUPS:
        return None
    whole = _fit(mean, variance)
    parts = np.array([_fit(mean[group != g], variance[group != g]) for g in range(_GROUPS)])
    error = np.sqrt((_GROUPS - 1) * ((parts - parts.mean(axis=0)) ** 2).mean(axis=0))
    gain, level = (
        Estimate(float(v), float(v - _T_95 * e), float(v + _T_95 * e))
        for v, e in zip(whole[:2], error, strict=False)
    )
    return Transfer(gain, level, whole[2])


def _fit(mean: Values, variance: Values) -> tuple[float, float, float]:
    """Return gain, read variance, misfit by bins of equal size, outlying blocks left out."""
    order = np.argsort(mean, kind="stable")
    xs, ys, ns = [], [], []
    for part in np.array_split(order, min(_BINS, max(2, len(order) // _IN_BIN))):
        v = variance[part]
        spread = 1.4826 * float(np.median(np.abs(v - np.median(v))))
        alike = np.abs(v - np.median(v)) <= _OUTLYING * max(spread, 1e-9)
        xs.append(mean[part][alike].mean())
        ys.append(v[alike].mean())
        ns.append(np.count_nonzero(alike))
    weight = np.sqrt(ns) / np.maximum(ys, 1e-6)
    slope, offset = np.polyfit(xs, ys, 1, w=weight)
    off = (slope * np.array(xs) + offset) / np.maximum(ys, 1e-6) - 1
    misfit = math.sqrt(float(np.average(off**2, weights=ns)))
    return float(slope), float(offset) - _QUANTISATION, misfit


def row_sigma(sets: Sequence[Points]) -> Estimate:
    """Return the standard deviation of the noise that a whole row shares, DN."""
    every = np.concatenate([p.row_variance for p in sets])
    error = every.std(ddof=1) / math.sqrt(len(every)) if len(every) > 1 else every.mean()
    middle = float(every.mean())
    low, high = (math.sqrt(max(middle + sign * 2 * float(error), 0.0)) for sign in (-1, 1))
    return Estimate(math.sqrt(middle), low, high)
