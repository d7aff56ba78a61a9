"""Compare every own metric with who else computes it, and say how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from eval.cross_check import colours, edges, formulas, libraries, motion
from eval.cross_check.pictures import Case, cases
from eval.metrics import metrics, score_clip, score_images
from eval.metrics.definition import Metric
from lldata.errors import ScoreError

LIMIT = 1e-5
SECOND = "a second formula"

Status = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True)
class Agreement:
    """One metric beside one other score of it, on the picture where they differ most."""

    metric: str
    definition: str | None
    other: str  # who the other is
    pictures: int  # compared
    picture: str | None
    ours: float | None
    theirs: float | None
    difference: float | None
    limit: float | None  # of the difference
    status: Status
    message: str = ""


@dataclass(frozen=True)
class Other:
    """Another implementation of a metric."""

    who: str
    score: Callable[[Case], float]
    pictures: tuple[str, ...] = ()  # on which the definitions are the same; none: on all


def others(metric: str) -> list[Other]:
    """Return who else computes a metric of ours."""
    rooms = {
        libraries: "scikit-learn" if metric == "mae" else "scikit-image",
        formulas: SECOND, colours: SECOND, edges: SECOND,
        motion: "SciPy, same flow" if metric == "warp_error" else SECOND,
    }  # fmt: skip
    own = [Other(who, vars(room)[metric]) for room, who in rooms.items() if metric in vars(room)]
    through = libraries.THROUGH_PYIQA.get(metric)
    if through is None:
        return own
    name, pictures = through
    return [*own, Other(f"pyiqa:{name}", partial(libraries.by_pyiqa, name), pictures)]


def check(tick: Callable[[], None] = lambda: None) -> Iterator[Agreement]:
    """Yield what is found, metric after metric; `tick` is called after each."""
    for metric in metrics().values():
        known = others(metric.name)
        if not known:
            yield unknown(metric, "nobody", "no other implementation is known")
        for other in known:
            yield compared(metric, other)
        tick()


def unknown(metric: Metric, who: str, message: str) -> Agreement:
    """Return that a metric could not be compared."""
    return Agreement(
        metric.name, metric.definition, who, 0, None, None, None, None, None, "unknown", message
    )


def compared(metric: Metric, other: Other) -> Agreement:
    """Return how far a metric and another implementation are apart where they differ most."""
    rows = []
    for case in cases(metric):
        if not other.pictures or case.name in other.pictures:
            try:
                rows.append((case.name, _ours(metric, case), other.score(case)))
            except ScoreError as error:  # pyiqa is not installed
                return unknown(metric, other.who, str(error))
    name, ours, theirs = max(rows, key=lambda row: _apart(*row[1:]))
    apart = _apart(ours, theirs)
    status: Status = "pass" if apart <= LIMIT else "fail"
    return Agreement(
        metric.name, metric.definition, other.who, len(rows), name, ours, theirs, apart, LIMIT,
        status,
    )  # fmt: skip


def _apart(ours: float, theirs: float) -> float:
    """Return the distance of two scores: infinite ones of identical pictures are equal."""
    apart = 0.0 if ours == theirs else abs(ours - theirs)
    return math.inf if math.isnan(apart) else apart


def _ours(metric: Metric, case: Case) -> float:
    if metric.reads == ("clip",):
        return score_clip(case.clip, [metric])[metric.name]
    scores = score_images(
        case.output,
        case.reference if "reference" in metric.reads else None,
        [metric],
        case.given if "input" in metric.reads else None,
        raw=case.planes if metric.pixels == "raw" else None,
    )
    return scores[metric.name]
