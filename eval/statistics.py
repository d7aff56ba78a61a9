"""Means over pairs and how sure they are: pairs of one group are not independent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eval.clustered import spread_of_mean
from eval.record import Row

GROUPS_NEEDED = 5
CONFIDENCE = 0.95

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
    x = np.asarray(values, dtype=np.float64)
    if len(x) == 0:
        return Interval(None, None, 0, 0)
    mean = math.fsum(x) / len(x)  # exact: equal scores in any order have equal means
    _, member = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    sizes = np.bincount(member)
    if len(sizes) < GROUPS_NEEDED:
        return Interval(mean, None, len(x), len(sizes))
    means = np.bincount(member, weights=x) / sizes
    within = np.asarray(np.sum((x - means[member]) ** 2))
    half = spread_of_mean(means, within, sizes).half_width(CONFIDENCE)
    return Interval(mean, (mean - half, mean + half), len(x), len(sizes))


def of_rows(rows: Iterable[Row], metric: str) -> Interval:
    """Return mean and interval of one metric over rows; rows without a score are left out."""
    scored = [(row.scores.get(metric), row.group) for row in rows]
    kept = [(value, group) for value, group in scored if value is not None]
    return mean_interval([value for value, _ in kept], [group for _, group in kept])


def grouped(rows: Sequence[Row], key: Key) -> dict[float | str, list[Row]]:
    """Return the rows of each value of `key`, in rising order; unknown ones are left out.

    Ratios are computed from exposure times, so they are told apart by three digits only.
    """
    parts: dict[float | str, list[Row]] = {}
    known = [row for row in rows if getattr(row, key) is not None]
    for row in sorted(known, key=lambda row: getattr(row, key)):
        value = float(f"{row.ratio:.3g}") if key == "ratio" else getattr(row, key)
        parts.setdefault(value, []).append(row)
    return parts
