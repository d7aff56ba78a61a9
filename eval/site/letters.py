"""Where the letters of a plot's points stand: beside their points, and none on another.

All coordinates are in the units of the SVG's viewBox, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]
_Place = tuple[float, float]

HALF_WIDTH, HALF_HEIGHT = 7.5, 8.5  # of a letter on a phone, where it is largest
POINT = 6.5  # radius of a point with its edge
REACH = (15.0, 19.0, 24.0, 30.0, 38.0, 48.0, 60.0, 75.0, 95.0)  # from a point to its letter
NEAR = 20.0  # what is farther away has a line from its point
DIRECTIONS = 24  # where a letter may stand around its point
LEFT, TOP, RIGHT, BOTTOM = 52.0, 12.0, 478.0, 270.0  # where letters may stand
CLEAR = 2.0  # between a line and what it passes
STEPS = 25  # places that stand for a line


class Line(NamedTuple):
    """A straight line between two places."""

    x1: float
    y1: float
    x2: float
    y2: float


class Letter(NamedTuple):
    """A letter, its middle, and the line to it where its point is not near."""

    text: str
    x: float
    y: float
    line: Line | None


def letters(
    named: Sequence[_Place], points: Sequence[_Place], bars: Sequence[Line]
) -> tuple[Letter, ...]:
    """Return a letter for each of a few points, A for the first.

    Each takes, near its point, the place that hides least: no letter and no line to one, no point,
    and rather no bar. The places are the same on every machine.

    Parameters
    ----------
    named : x and y of the points that get a letter
    points : of all points
    bars : the intervals of the points, from top to bottom
    """
    found: list[Letter] = []
    for number, at in enumerate(named):
        middles, reach, lines = _around(at)
        far = reach > NEAR
        cost = 3 * np.searchsorted(REACH, reach) + _hidden(middles, reach, points, bars)
        cost += far * 30 * (_gaps(lines, points) < POINT).sum(axis=1)
        cost += 1000 * _in_the_way(middles, lines, far, found)
        best = int(np.argmin(cost))
        x, y = middles[best].tolist()
        line = Line(*lines[best].tolist()) if far[best] else None
        found.append(Letter(chr(ord("A") + number), x, y, line))
    return tuple(found)


def _around(at: _Place) -> tuple[_Array, _Array, _Array]:
    """Return the places around a point, the nearest and upper right ones first.

    Returns
    -------
    middles (K, 2), distances from the point (K,), lines to them (K, 4)
    """
    turns = sorted(range(DIRECTIONS), key=lambda n: abs((n / DIRECTIONS + 0.375) % 1 - 0.5))
    angles = [2 * math.pi * n / DIRECTIONS for n in turns]
    ways = np.asarray([(math.cos(angle), -math.sin(angle)) for angle in angles])
    reach = np.repeat(REACH, DIRECTIONS)
    ways = np.tile(ways, (len(REACH), 1))
    middles = np.round(at + ways * reach[:, None], 1)
    ends = [at + ways * (POINT + 1), middles - ways * (HALF_HEIGHT + 0.5)]
    inside = (middles >= (LEFT, TOP)).all(axis=1) & (middles <= (RIGHT, BOTTOM)).all(axis=1)
    return middles[inside], reach[inside], np.round(np.hstack(ends), 1)[inside]


def _hidden(
    middles: _Array, reach: _Array, points: Sequence[_Place], bars: Sequence[Line]
) -> _Array:
    """Return how much of the plot a letter hides at each place, shape (K,)."""
    apart = np.linalg.norm(middles[:, None] - np.asarray(points), axis=2)
    another = (apart < reach[:, None] - 1).any(axis=1) & (reach <= NEAR)  # it seems to name
    cost: _Array = 100 * _touched(middles, points, POINT) + 20 * another
    if bars:
        x, top, _, bottom = np.asarray(bars).T
        beside = np.abs(middles[:, :1] - x) < HALF_WIDTH
        y = middles[:, 1:]
        cost += 4 * (beside & (y + HALF_HEIGHT > top) & (y - HALF_HEIGHT < bottom)).sum(axis=1)
    return cost


def _in_the_way(middles: _Array, lines: _Array, far: _Array, found: Sequence[Letter]) -> _Array:
    """Return how many letters, and lines to them, each place and its own line meet, shape (K,)."""
    met = np.zeros(len(middles), dtype=np.int64)
    for one in found:
        both = np.abs(middles - (one.x, one.y)) < (2 * HALF_WIDTH, 2 * HALF_HEIGHT)
        met += both.all(axis=1)
        met += far & (_gaps(lines, [(one.x, one.y)]) < HALF_HEIGHT + CLEAR)[:, 0]
        if one.line:
            met += _touched(middles, _steps(one.line), CLEAR) > 0
            met += far & (_gaps(lines, _steps(one.line)) < CLEAR).any(axis=1)
    return met


def _touched(middles: _Array, places: Sequence[_Place], radius: float) -> _Array:
    """Return how many discs a letter touches at each place, shape (K,)."""
    beside = np.abs(middles[:, None] - np.asarray(places)) - (HALF_WIDTH, HALF_HEIGHT)
    apart = np.linalg.norm(np.maximum(beside, 0), axis=2)
    touched: _Array = (apart < radius).sum(axis=1)
    return touched


def _gaps(lines: _Array, places: Sequence[_Place]) -> _Array:
    """Return how far places lie from lines, shape (K, N)."""
    starts, ways = lines[:, None, :2], (lines[:, 2:] - lines[:, :2])[:, None]
    beside = np.asarray(places) - starts
    share = (beside * ways).sum(axis=2) / np.maximum((ways**2).sum(axis=2), 1e-9)
    gaps: _Array = np.linalg.norm(beside - np.clip(share, 0, 1)[..., None] * ways, axis=2)
    return gaps


def _steps(line: Line) -> list[_Place]:
    """Return places along a line, its ends among them."""
    ends = np.linspace((line.x1, line.y1), (line.x2, line.y2), STEPS)
    return [(x, y) for x, y in ends.tolist()]
