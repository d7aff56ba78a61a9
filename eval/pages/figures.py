"""Geometry of the small plots on the pages; the templates draw them as inline SVG.

All coordinates are in the units of the SVG's viewBox, y downwards.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Tick(NamedTuple):
    """A labelled place on an axis."""

    at: float
    label: str


class Axis(NamedTuple):
    """A linear scale from `low`..`high` to `start`..`end`, with its ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[Tick, ...]

    def __call__(self, value: float) -> float:
        """Return where `value` lies, rounded to a hundredth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def places(self, values: Sequence[float]) -> list[float]:
        """Return where each of many values lies."""
        shares = (np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low)
        places: list[float] = np.round(self.start + shares * (self.end - self.start), 2).tolist()
        return places


def axis(values: Sequence[float], start: float, end: float, most: int = 5) -> Axis:
    """Return an axis that covers `values`, its ends and ticks at round numbers."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = (high - low) * 0.05 or abs(high) * 0.01 or 0.5
    low, high = low - margin, high + margin
    step = _round_step((high - low) / most)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    scale = Axis(low, high, start, end, ())
    ticks = tuple(
        Tick(scale(k * step), f"{k * step:.{digits}f}".replace("-", "−"))
        for k in range(first, last + 1)
    )
    return scale._replace(ticks=ticks)


def _round_step(smallest: float) -> float:
    power = float(10 ** math.floor(math.log10(smallest)))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= smallest * (1 - 1e-9))


class Bar(NamedTuple):
    """A histogram bar, top left and size, and what it counts."""

    x: float
    y: float
    width: float
    height: float
    low: float
    high: float
    pairs: int


class Histogram(NamedTuple):
    """Bars over a horizontal score axis, and the tallest bar's count."""

    bars: tuple[Bar, ...]
    x: Axis
    tallest: int
    width: int = 400
    height: int = 230


def histogram(values: Sequence[float]) -> Histogram:
    """Return the histogram of `values` in bins of a round width, at most 16 of them."""
    scale = axis(values, 8, 392, most=6)
    step = _round_step((max(values) - min(values)) / 14 or (scale.high - scale.low) / 14)
    first = math.floor(min(values) / step + 1e-9)
    bins = math.floor(max(values) / step + 1e-9) - first + 1
    edges = (first + np.arange(bins + 1)) * step
    scale = axis([float(edges[0]), float(edges[-1])], 8, 392, most=6)
    counts, _ = np.histogram(values, np.nextafter(edges, -np.inf))
    tallest, floor, room = int(counts.max()), 198.0, 176.0
    bars = tuple(
        Bar(
            x=scale(float(low)) + 0.75,
            y=round(floor - room * int(n) / tallest, 2),
            width=round(scale(float(high)) - scale(float(low)) - 1.5, 2),
            height=round(room * int(n) / tallest, 2),
            low=round(float(low), 9),
            high=round(float(high), 9),
            pairs=int(n),
        )
        for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
    )
    return Histogram(bars, scale, tallest)


class Column(NamedTuple):
    """The scores of one ratio or ISO: a dot per pair, the mean, the interval if there is one."""

    x: float
    label: str
    dots: str  # as one SVG path: a point is a line of no length with round ends
    mean: float
    low: float | None
    high: float | None


class Columns(NamedTuple):
    """Columns side by side over a vertical score axis."""

    columns: tuple[Column, ...]
    y: Axis
    width: int = 400
    height: int = 230


class Part(NamedTuple):
    """Scores that share a ratio or ISO, their mean and 95 % interval."""

    label: str
    values: Sequence[float]
    mean: float
    interval: tuple[float, float] | None


def columns(parts: Sequence[Part]) -> Columns:
    """Return one column per part; dots are spread sideways so that equal scores are seen."""
    ends = [v for part in parts for v in (*part.values, *(part.interval or ()))]
    y = axis(ends, 198, 10)
    room = (392 - 44) / len(parts)
    drawn = []
    for index, part in enumerate(parts):
        middle = round(44 + room * (index + 0.5), 2)
        spread = min(room * 0.3, 26)
        across = _across(middle, spread, len(part.values))
        dots = "".join(f"{x}{at}h0" for x, at in zip(across, y.places(part.values), strict=True))
        low, high = _ends(y, part.interval)
        drawn.append(Column(middle, part.label, dots, y(part.mean), low, high))
    return Columns(tuple(drawn), y)


@functools.lru_cache(64)  # the plots of a site have the same few columns
def _across(middle: float, spread: float, count: int) -> tuple[str, ...]:
    """Return where the dots of a column stand, as their paths begin.

    By golden-ratio steps: even, never in line, and the same on every build.
    """
    steps = (0.5 + np.arange(count) * 0.618034) % 1
    return tuple(f"M{x} " for x in np.round(middle + spread * (2 * steps - 1), 2).tolist())


class Strip(NamedTuple):
    """A mean and its interval on the horizontal axis that a table's rows share."""

    mean: float
    low: float | None
    high: float | None
    width: int = 150
    height: int = 18


def strips(
    rows: Sequence[tuple[float | None, Sequence[float] | None]],
) -> list[Strip | None]:
    """Return a strip for each (mean, interval), all on one axis; None where there is no mean."""
    known = [(mean, interval) for mean, interval in rows if mean is not None]
    scale = axis([v for mean, interval in known for v in (mean, *(interval or ()))], 6, 144)
    return [
        None if mean is None else Strip(scale(mean), *_ends(scale, interval))
        for mean, interval in rows
    ]


def _ends(scale: Axis, interval: Sequence[float] | None) -> tuple[float | None, float | None]:
    return (scale(interval[0]), scale(interval[1])) if interval else (None, None)
