"""Means over pairs and how sure they are: pairs of one group are not independent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eval.clustered import Spread, spread_of_mean
from eval.record import Row

GROUPS_NEEDED = 5
CONFIDENCE = 0.95
SURE = 1 - CONFIDENCE  # a difference with a larger p-value could be chance

Key = Literal["ratio", "iso", "camera", "group", "split"]


@dataclass(frozen=True)
class Interval:
    """The mean of one metric over pairs, with its 95 % interval."""

    mean: float | None  # None: no pair has a score
    ci95: tuple[float, float] | None  # None: fewer than 5 groups
    n: int  # pairs in the mean
    groups: int

    def plain(self) -> dict[str, Any]:
        """Return mean, interval and pairs as a document holds them."""
        return {"mean": self.mean, "ci95": self.ci95, "n": self.n}


def mean_interval(values: Sequence[float], groups: Sequence[str]) -> Interval:
    """Return the mean over pairs with an interval that treats groups, not pairs, as independent.

    For groups of one size it is Student's, from the groups' means on (groups - 1) degrees of
    freedom; how groups of unequal size are weighed is told in `eval.clustered`.
    """
    if len(values) == 0:
        return Interval(None, None, 0, 0)
    return mean_intervals(np.asarray([values], dtype=np.float64), groups)[0]


def mean_intervals(values: NDArray[np.float64], groups: Sequence[str]) -> list[Interval]:
    """Return `mean_interval` of each row of `values`, shape (C, P) with P > 0."""
    count = values.shape[1]
    means = [math.fsum(x) / count for x in values]  # exact: equal scores have equal means
    sizes, member = sizes_of(groups)
    if len(sizes) < GROUPS_NEEDED:
        return [Interval(mean, None, count, len(sizes)) for mean in means]
    apart = values - np.asarray(means)[:, None]  # equal scores are exactly nothing apart
    of_groups = sums_of_groups(apart, member) / sizes
    within = np.sum((apart - of_groups[:, member]) ** 2, axis=1)
    spread = spread_of_mean(of_groups, within, sizes)
    found = []
    for mean, errors, beliefs in zip(means, spread.errors, spread.beliefs, strict=True):
        half = Spread(errors, spread.freedoms, beliefs).half_width(CONFIDENCE)
        found.append(Interval(mean, (mean - half, mean + half), count, len(sizes)))
    return found


def sizes_of(groups: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of each group, (G,), and the group of each pair, (P,)."""
    numbers = {group: number for number, group in enumerate(sorted(set(groups)))}
    member = np.fromiter(map(numbers.__getitem__, groups), np.int64, len(groups))
    return np.bincount(member), member


def sums_of_groups(values: NDArray[np.float64], member: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sums of the rows of `values`, (C, P), in each group, (C, G), as `sizes_of`."""
    return np.stack([np.bincount(member, row) for row in values])


def of_rows(rows: Iterable[Row], metric: str) -> Interval:
    """Return mean and interval of one metric over rows; rows without a score are left out."""
    kept = [(value, r.group) for r in rows if (value := r.scores.get(metric)) is not None]
    return mean_interval([value for value, _ in kept], [group for _, group in kept])


def of_metrics(rows: Sequence[Row], metrics: Iterable[str]) -> dict[str, Interval]:
    """Return `of_rows` of each metric: those that all rows have a score of are taken together."""
    scores = {metric: [row.scores.get(metric) for row in rows] for metric in metrics}
    whole = {metric: values for metric, values in scores.items() if None not in values}
    found: dict[str, Interval] = {}
    if rows and whole:
        values = np.asarray(list(whole.values()), dtype=np.float64)
        found = dict(zip(whole, mean_intervals(values, [r.group for r in rows]), strict=True))
    return {metric: found.get(metric) or of_rows(rows, metric) for metric in scores}


def grouped(rows: Sequence[Row], key: Key) -> dict[float | str, list[Row]]:
    """Return the rows of each value of `key`, in rising order; unknown ones are left out.

    Ratios are computed from exposure times, so they are told apart by three digits only.
    """
    exact: dict[Any, list[Row]] = {}
    for row in rows:
        exact.setdefault(getattr(row, key), []).append(row)
    exact.pop(None, None)
    parts: dict[float | str, list[Row]] = {}
    for value in sorted(exact):
        told = float(f"{value:.3g}") if key == "ratio" else value
        parts.setdefault(told, []).extend(exact[value])
    return parts
