"""Geometry of the leaderboard's larger plots; the templates draw them as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from eval.pages import page
from eval.pages.figures import Axis, Tick, axis
from eval.site.letters import Letter, Line, letters

COLOURS = 8  # series that are told apart by colour and dash; the others are grey
HALVES, FINE = (1, 2, 5), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # a tick at so many powers of ten
LONG = 1e4  # numbers that are told in k, M and G
LETTERS = 9  # points of the cost plot that are named, at most


class Method(NamedTuple):
    """What a plot says of an entry: its key, its name, and whether it is an oracle."""

    key: str
    name: str
    oracle: bool = False


class Point(NamedTuple):
    """A method of the cost plot: where it is, its interval, and what its place says."""

    method: Method
    x: float
    y: float
    low: float | None
    high: float | None
    text: str


class Cost(NamedTuple):
    """Score against cost, the cost on a logarithmic axis."""

    points: tuple[Point, ...]
    lettered: tuple[tuple[Point, Letter], ...]  # those named beside the plot, the best first
    which: str  # of the methods these are; empty for all
    x: Axis
    y: Axis
    width: int = 480
    height: int = 320


class Priced(NamedTuple):
    """A method, its cost, mean and interval, and the words for the first two."""

    method: Method
    cost: float
    mean: float
    ci95: tuple[float, float] | None
    text: str


def cost_plot(priced: Sequence[Priced], *, higher: bool) -> Cost | None:
    """Return score against cost; None unless two costs above zero differ.

    Methods that no other beats in both get a letter, to be named beside the plot, or all where
    these are few; the others tell their names when asked.
    """
    known = [one for one in priced if one.cost > 0]
    if len({one.cost for one in known}) < 2:
        return None
    y = axis([v for one in known for v in (one.mean, *(one.ci95 or ()))], 270, 12)
    x = log_axis([one.cost for one in known], 52, 468)
    points = {one.method.key: _point(one, x, y) for one in known}
    front, which = [*points.values()], ""
    if len(known) > LETTERS:
        front = [points[one.method.key] for one in _front(known, higher=higher)]
        best = f"the best {LETTERS} of " if len(front) > LETTERS else ""
        which = f"{best}the blind methods that no cheaper one beats"
    named = front[:LETTERS]
    bars = [Line(p.x, p.high, p.x, p.low) for p in points.values() if p.low and p.high]
    placed = letters([(p.x, p.y) for p in named], [(p.x, p.y) for p in points.values()], bars)
    return Cost((*points.values(),), (*zip(named, placed, strict=True),), which, x, y)


def _point(one: Priced, x: Axis, y: Axis) -> Point:
    low, high = (y(one.ci95[0]), y(one.ci95[1])) if one.ci95 else (None, None)
    return Point(one.method, x(math.log10(one.cost)), y(one.mean), low, high, one.text)


def _front(priced: Sequence[Priced], *, higher: bool) -> list[Priced]:
    """Return the blind methods that none cheaper beats, the best first."""
    sign = 1 if higher else -1
    best, found = -math.inf, []
    for one in sorted(priced, key=lambda p: (p.cost, -sign * p.mean)):
        if not one.method.oracle and sign * one.mean > best:
            best = sign * one.mean
            found.append(one)
    return found[::-1]


def log_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Return an axis of decimal logarithms that covers `values`, its ticks at powers of ten.

    Where these are fewer than two, at 1, 2 and 5 times them, or more such times.
    """
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = max((high - low) * 0.06, 0.08)
    low, high = low - margin, high + margin
    scale = Axis(low, high, start, end, ())
    powers = range(math.floor(low), math.ceil(high) + 1)
    step = max(1, round(len(powers) / 8))
    found = [float(p) for p in powers if p % step == 0 and low <= p <= high]
    for times in (HALVES, FINE):
        if len(found) < 2:
            between = (p + math.log10(m) for p in powers for m in times)
            found = [at for at in between if low <= at <= high]
    return scale._replace(ticks=tuple(Tick(scale(at), _amount(10**at)) for at in found))


def _amount(value: float) -> str:
    return page.big(value) if value >= LONG else f"{value:.12g}"


class Series(NamedTuple):
    """The means of one method over ratios or ISOs, as an SVG path and its points."""

    method: Method
    colour: int | None  # None: none of the best, drawn grey and only when chosen
    path: str
    points: tuple[tuple[float, float], ...]


class Curves(NamedTuple):
    """One line a method over a few ratios or ISOs, evenly spaced."""

    series: tuple[Series, ...]
    x: tuple[Tick, ...]
    y: Axis
    width: int = 480
    height: int = 300


class Curve(NamedTuple):
    """A method and its mean at each label, None where there is none."""

    method: Method
    means: tuple[float | None, ...]


def curves(labels: Sequence[str], found: Sequence[Curve]) -> Curves | None:
    """Return the lines of `found`, the best method first; None for fewer than two labels."""
    values = [mean for one in found for mean in one.means if mean is not None]
    if len(labels) < 2 or not values:
        return None
    y = axis(values, 258, 12)
    room = (468 - 52) / len(labels)
    places = [round(52 + room * (i + 0.5), 1) for i in range(len(labels))]
    drawn = []
    for number, one in enumerate(found):
        points = tuple(
            (x, y(mean)) for x, mean in zip(places, one.means, strict=True) if mean is not None
        )
        path = "M" + "L".join(f"{x} {at}" for x, at in points) if points else ""
        drawn.append(Series(one.method, number if number < COLOURS else None, path, points))
    ticks = tuple(Tick(x, label) for x, label in zip(places, labels, strict=True))
    return Curves(tuple(drawn), ticks, y)


class Square(NamedTuple):
    """The frame of a plot of one method's scores against another's, on equal axes."""

    x: Axis
    y: Axis
    size: int = 360


def square(values: Sequence[float]) -> Square:
    """Return axes that cover all scores, so that any two methods fit the same frame."""
    x = axis(values, 44, 348)
    y = axis(values, 316, 12)
    return Square(x, y)
