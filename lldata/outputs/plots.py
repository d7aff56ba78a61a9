"""Geometry of the plots in a dataset's report; the template draws them as inline SVG.

Coordinates are in units of the SVG's viewBox, y downwards, rounded to a hundredth.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lldata.audit import Status
from lldata.outputs.thumbnails import seconds

# ---- the axis below histogram and darkness


class Tick(NamedTuple):
    """A text below the axis."""

    x: float
    text: str
    anchor: str  # start at the left end of the axis, end at its right end, else middle


class Axis(NamedTuple):
    """A horizontal line, the texts below it, and the box of the plot that stands on it."""

    ticks: tuple[Tick, ...]
    left: float
    right: float
    y: float
    text_y: float
    width: int = 560
    height: int = 220


_LEFT, _RIGHT, _TOP, _FLOOR = 12.0, 548.0, 14.0, 184.0


def _axis(marks: Iterable[tuple[float, str]]) -> Axis:
    """Return the axis with texts at some places."""
    anchors = {_LEFT: "start", _RIGHT: "end"}
    places = ((round(x, 2), text) for x, text in marks)
    ticks = tuple(Tick(x, text, anchors.get(x, "middle")) for x, text in places)
    return Axis(ticks, _LEFT, _RIGHT, _FLOOR + 0.5, _FLOOR + 20)


# ---- histogram


class Histogram(NamedTuple):
    """Two outlines over one axis: the dark frames and the lit ones, each to its own height."""

    dark: str  # SVG path
    lit: str
    axis: Axis


def histogram(dark: Sequence[int], lit: Sequence[int], names: Sequence[str]) -> Histogram:
    """Return the histograms of two sets of values, counted in the same bins.

    Parameters
    ----------
    names : texts spread evenly along the axis, from its left to its right end
    """
    step = (_RIGHT - _LEFT) / (len(names) - 1)
    axis = _axis((_LEFT + i * step, name) for i, name in enumerate(names))
    return Histogram(_outline(dark), _outline(lit), axis)


def _outline(counts: Sequence[int]) -> str:
    """Return the steps of a histogram; heights follow the square root, so that tails show."""
    highest = math.sqrt(max(counts, default=0)) or 1.0
    step = (_RIGHT - _LEFT) / max(len(counts), 1)
    path = f"M{_LEFT:g} {_FLOOR:g}"
    for index, count in enumerate(counts):
        y = round(_FLOOR - (_FLOOR - _TOP) * math.sqrt(count) / highest, 2)
        path += f"V{y:g}H{round(_LEFT + (index + 1) * step, 2):g}"
    return f"{path}V{_FLOOR:g}Z"


# ---- ladder of exposures


class Rung(NamedTuple):
    """Pairs of one short and one long exposure."""

    short: str
    long: str
    ratio: float
    iso: float
    pairs: int
    usable: int


class Spot(NamedTuple):
    """An exposure time on the ladder: its place, size and how many frames have it."""

    x: float
    y: float
    radius: float
    label: str
    label_y: float
    frames: int


class Link(NamedTuple):
    """The way from a short to its long exposure."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    text: str


class Ladder(NamedTuple):
    """Exposure times on a logarithmic axis, shorts below and longs above."""

    spots: tuple[Spot, ...]
    links: tuple[Link, ...]
    rungs: tuple[Rung, ...]
    width: int = 560
    height: int = 220


class Exposed(NamedTuple):
    """What the ladder needs to know of one pair."""

    scene: str
    short_s: float
    ratio: float
    iso: float
    usable: bool


_LONG_Y, _SHORT_Y = 62.0, 158.0
_LABEL_WIDTH = 64.0


def ladder(pairs: Iterable[Exposed]) -> Ladder | None:
    """Return the ladder of exposures of some pairs, None where none has an exposure time."""
    known = [p for p in pairs if p.short_s > 0 and p.ratio > 0]
    if not known:
        return None
    rungs: dict[tuple[float, float, float], list[Exposed]] = defaultdict(list)
    scenes: dict[float, set[str]] = defaultdict(set)
    for p in known:
        long_s = _nominal(p.short_s * p.ratio)
        rungs[_nominal(p.short_s), long_s, p.iso].append(p)
        scenes[long_s].add(p.scene)
    shorts = Counter(_nominal(p.short_s) for p in known)
    longs = {time_s: len(some) for time_s, some in scenes.items()}
    place = _log_axis([*shorts, *longs])
    spots = (*_spots(shorts, _SHORT_Y, 30, place), *_spots(longs, _LONG_Y, -22, place))
    ways = Counter({key[:2]: 0 for key in rungs})
    for key, some in rungs.items():
        ways[key[:2]] += len(some)
    links = tuple(
        Link(place(s), _SHORT_Y, place(t), _LONG_Y, round(1 + 3 * math.sqrt(n / len(known)), 2),
             f"{seconds(s)} and {seconds(t)}: {n} pairs")
        for (s, t), n in sorted(ways.items())
    )  # fmt: skip
    return Ladder(spots, links, tuple(_rung(key, some) for key, some in sorted(rungs.items())))


def _rung(key: tuple[float, float, float], pairs: Sequence[Exposed]) -> Rung:
    short_s, long_s, iso = key
    ratio = sum(p.ratio for p in pairs) / len(pairs)
    usable = sum(p.usable for p in pairs)
    return Rung(seconds(short_s), seconds(long_s), ratio, iso, len(pairs), usable)


def _spots(
    frames: Mapping[float, int], y: float, above: float, place: Callable[[float], float]
) -> list[Spot]:
    """Return the spots of one row; labels that would touch the one before stand further out."""
    spots: list[Spot] = []
    most = max(frames.values())
    for time_s, count in sorted(frames.items()):
        x, far = place(time_s), 0
        if spots and x - spots[-1].x < _LABEL_WIDTH and spots[-1].label_y == y + above:
            far = 16 if above > 0 else -16
        radius = round(5 + 8 * math.sqrt(count / most), 2)
        spots.append(Spot(x, y, radius, seconds(time_s), y + above + far, count))
    return spots


def _nominal(time_s: float) -> float:
    """Return an exposure time to two digits, so that 0.0333 s and 0.033 s are one."""
    return float(f"{time_s:.2g}")


@dataclass(frozen=True)
class _LogAxis:
    low: float
    span: float

    def __call__(self, value: float) -> float:
        share = (math.log(value) - self.low) / self.span
        return round(44 + (516 - 44) * share, 2)


def _log_axis(values: Sequence[float]) -> _LogAxis:
    low, high = math.log(min(values)), math.log(max(values))
    if high - low < 1e-6:
        low, high = low - 1, high + 1
    return _LogAxis(low, high - low)


# ---- darkness


class Dot(NamedTuple):
    """One pair on the axis of darkness."""

    x: float
    y: float
    text: str


class Darkness(NamedTuple):
    """How many times as bright the lit one of each pair is, on a logarithmic axis."""

    dots: tuple[Dot, ...]
    axis: Axis
    least: float
    middle: float
    most: float


_DOT = 12.0  # width of a column of dots
_MOST_TICKS = 9


def darkness(times: Iterable[tuple[str, float]]) -> Darkness | None:
    """Return the darkness of some pairs, (pair, times as bright), None where there are none."""
    known = sorted((value, pair) for pair, value in times if value > 0 and math.isfinite(value))
    if not known:
        return None
    values = [value for value, _ in known]
    stops = range(math.floor(math.log2(min(1.0, values[0]))), math.ceil(math.log2(values[-1])) + 1)
    place = _log_axis([2.0 ** stops[0], 2.0 ** stops[-1]])
    columns = [round(place(value) / _DOT) for value in values]
    gap = min(_DOT, (_FLOOR - _TOP) / max(Counter(columns).values()))
    heights: Counter[int] = Counter()
    dots = []
    for column, (value, pair) in zip(columns, known, strict=True):
        y = _FLOOR - gap * (heights[column] + 0.5)
        dots.append(Dot(round(column * _DOT, 2), round(y, 2), f"{pair}: {value:.3g} times"))
        heights[column] += 1
    step = -(-len(stops) // _MOST_TICKS)
    axis = _axis((place(2.0**stop), f"× {2.0**stop:g}") for stop in stops[::step])
    return Darkness(tuple(dots), axis, values[0], statistics.median(values), values[-1])


# ---- shift map


class Shift(NamedTuple):
    """Where the long of a pair lies against its short, and what alignment says of the pair."""

    pair: str
    y_px: float
    x_px: float
    status: Status


class Arrow(NamedTuple):
    """A shift drawn from the middle."""

    x: float
    y: float
    status: Status
    text: str


class Ring(NamedTuple):
    """A circle of equal shift."""

    radius: float
    label: str
    limit: bool


class ShiftMap(NamedTuple):
    """All shifts from one middle; the distance from it follows the logarithm of 1 + shift."""

    arrows: tuple[Arrow, ...]
    rings: tuple[Ring, ...]
    middle: float = 210
    size: int = 420


_MAP_RADIUS = 180.0
_RING_GAP = 16.0  # that the label of a ring needs
_DRAWN_PX = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


def shift_map(shifts: Sequence[Shift], limits: Sequence[float]) -> ShiftMap | None:
    """Return the map of some shifts, None where none was measured.

    Parameters
    ----------
    limits : pixels; drawn as rings of their own, the warning first
    """
    if not shifts:
        return None
    longest = max(*(math.hypot(s.y_px, s.x_px) for s in shifts), *limits, 1.0)
    scale = _MAP_RADIUS / math.log1p(longest)
    arrows = []
    for s in sorted(shifts, key=lambda s: s.status != "pass"):  # the others on top
        length = math.hypot(s.y_px, s.x_px)
        reach = scale * math.log1p(length) / length if length else 0.0
        text = f"{s.pair}: {s.y_px:+.2f} rows, {s.x_px:+.2f} columns"
        arrows.append(Arrow(
            round(210 + reach * s.x_px, 2), round(210 + reach * s.y_px, 2), s.status, text
        ))  # fmt: skip
    rings = [Ring(round(scale * math.log1p(r), 2), f"{r:g}", True) for r in limits]
    for drawn in (r for r in _DRAWN_PX if r <= longest):
        radius = round(scale * math.log1p(drawn), 2)
        if all(abs(radius - other.radius) >= _RING_GAP for other in rings):
            rings.insert(0, Ring(radius, f"{drawn:g}", False))
    return ShiftMap(tuple(arrows), tuple(rings))
