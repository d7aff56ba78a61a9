"""A score over the steps of a disturbance, as one SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eval.pages import page
from eval.pages.figures import Tick, axis
from eval.statistics import Interval


class Point(NamedTuple):
    """A mean and the ends of its interval, in the units of the SVG's viewBox."""

    x: float
    y: float
    low: float | None
    high: float | None


def drawn(title: str, along: str, metric: str, steps: Sequence[tuple[float, Interval]]) -> str:
    """Return the SVG of the mean of a metric at each step, with its interval over groups.

    Parameters
    ----------
    along : what the steps are, with their unit
    metric : with its unit, and what has to be known of the scores
    steps : step and score; steps without a score leave a gap
    """
    known = [(step, one) for step, one in steps if one.mean is not None]
    ends = [value for _, one in known for value in (one.mean, *(one.ci95 or ()))]
    y = axis([value for value in ends if value is not None], 198, 34)
    x = axis([step for step, _ in steps], 52, 392)
    points = [
        Point(x(step), y(one.mean or 0.0), *([y(end) for end in one.ci95 or ()] or (None, None)))
        for step, one in known
    ]
    ticks = [Tick(x(step), page.plain(step).replace("-", "−")) for step, _ in steps]
    return page.render(
        "curve.svg.j2", title=title, along=along, metric=metric, points=points, y=y, ticks=ticks
    )
