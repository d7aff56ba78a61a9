"""Means over pairs and how sure they are: pairs of one group are not independent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from eval.record import Record, Row
from lldata.errors import ScoreError

GROUPS_NEEDED = 5
CONFIDENCE = 0.95

_Array = NDArray[Any]


@dataclass(frozen=True)
class Interval:
    """The mean of one metric over pairs, with its 95 % interval."""

    mean: float | None  # None: no pair has a score
    ci95: tuple[float, float] | None  # None: fewer than 5 groups
    n: int  # pairs in the mean
    groups: int


@dataclass(frozen=True)
class Comparison:
    """The difference of two methods on the pairs both were scored on, a minus b."""

    a: str
    b: str
    metric: str
    difference: float | None
    ci95: tuple[float, float] | None
    p_value: float | None  # two-sided, Holm-corrected over the comparisons made together
    n: int


def mean_interval(values: Sequence[float], groups: Sequence[str]) -> Interval:
    """Return the mean over pairs with an interval that treats groups, not pairs, as independent.

    The standard error is cluster-robust, from each group's residual sum, scaled to be unbiased
    for groups of these sizes; Student's t takes Satterthwaite's degrees of freedom, which are
    (groups - 1) for groups of one size. Both use the correlation of pairs inside a group, as
    estimated from these values.

    Source: Bell & McCaffrey 2002; Imbens & Kolesar 2016, section 3.
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) == 0:
        return Interval(None, None, 0, 0)
    mean = math.fsum(x) / len(x)  # exact: equal scores in any order have equal means
    error, freedom, count = _clustered(x, groups)
    if error is None:
        return Interval(mean, None, len(x), count)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Interval(mean, (mean - half, mean + half), len(x), count)


def _clustered(x: _Array, groups: Sequence[str]) -> tuple[float | None, float, int]:
    """Return standard error of the mean (None below 5 groups), degrees of freedom, groups."""
    _, member = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
    sizes = np.bincount(member)
    count = len(sizes)
    if count < GROUPS_NEEDED:
        return None, 0.0, count
    means = np.bincount(member, weights=x) / sizes
    spread = _group_variances(x - means[member], means, sizes)
    weight = (sizes / len(x)) ** 2  # of a group's squared residual
    lever = spread * sizes / len(x)
    true = float(np.sum(weight * spread))
    expected = spread - 2 * lever + true  # of each squared residual, before the scale
    trace = float(np.sum(weight * expected))
    moments = [float(np.sum(weight * lever**power)) for power in range(3)]
    squared = (
        (true * moments[0]) ** 2
        - 4 * true * moments[0] * moments[1]
        + 2 * moments[0] * moments[2]
        + 2 * moments[1] ** 2
        + float(np.sum(weight**2 * (expected**2 - (true - 2 * lever) ** 2)))
    )
    variance = float(np.sum(weight * (means - x.mean()) ** 2)) * true / trace
    return math.sqrt(variance), trace**2 / squared, count


def _group_variances(within: _Array, means: _Array, sizes: _Array) -> _Array:
    """Return the variance of each group's mean, up to a common factor, from an ANOVA."""
    total, count = sizes.sum(), len(sizes)
    if total == count:
        return np.ones(count)
    inside = float(np.sum(within**2)) / (total - count)
    centre = np.average(means, weights=sizes)
    between = float(np.sum(sizes * (means - centre) ** 2)) / (count - 1)
    typical = (total - np.sum(sizes**2) / total) / (count - 1)
    shared = max((between - inside) / typical, 0.0)
    correlation = shared / (shared + inside) if shared + inside > 0 else 0.0
    variances: _Array = correlation + (1 - correlation) / sizes
    return variances


def of_rows(rows: Iterable[Row], metric: str) -> Interval:
    """Return mean and interval of one metric over rows; rows without a score are left out."""
    scored = [(row.scores.get(metric), row.group) for row in rows]
    kept = [(value, group) for value, group in scored if value is not None]
    return mean_interval([value for value, _ in kept], [group for _, group in kept])


def grouped(
    rows: Sequence[Row], key: Literal["ratio", "iso", "split"]
) -> dict[float | str, list[Row]]:
    """Return the rows of each ratio, ISO or split, in rising order; unknown ones are left out.

    Ratios are computed from exposure times, so they are told apart by three digits only.
    """
    parts: dict[float | str, list[Row]] = {}
    known = [row for row in rows if getattr(row, key) is not None]
    for row in sorted(known, key=lambda row: getattr(row, key)):
        value = float(f"{row.ratio:.3g}") if key == "ratio" else getattr(row, key)
        parts.setdefault(value, []).append(row)
    return parts


def compare(
    records: Sequence[Record], metric: str, tell: Callable[[str], None] = lambda _: None
) -> list[Comparison]:
    """Compare every two records on the pairs they share, pair by pair.

    Parameters
    ----------
    records : of one track, split and equal digests
    metric : a metric all of them hold under one definition
    tell : gets a line for every two records that do not share all of their pairs

    Raises
    ------
    ScoreError
        If there are fewer than two, they differ in their track, data or the metric's definition,
        or two of them have no pair in common.
    """
    if len(records) < 2:
        raise ScoreError(
            "compare",
            f"{len(records)} record is given",
            "two are needed",
            "Name the record.json of at least two runs",
        )
    for record in records:
        _check_comparable(records[0], record, metric)
    couples = [(a, b) for i, a in enumerate(records) for b in records[i + 1 :]]
    for a, b in couples:
        _check_shared(a, b, tell)
    return _holm([_paired(a, b, metric) for a, b in couples])


def _check_comparable(a: Record, b: Record, metric: str) -> None:
    where = f"{b.file_name} on {b.track}"
    for record in (a, b):
        if metric not in record.metrics:
            raise ScoreError(
                f"{record.file_name} on {record.track}",
                f"it has no {metric}",
                f"it holds {', '.join(record.metrics)}",
                "Name another metric, or run it again with --metrics",
            )
    if (a.track, a.split) != (b.track, b.split):
        raise ScoreError(
            where,
            f"it is of split '{b.split}' of track {b.track}",
            f"{a.file_name} is of split '{a.split}' of track {a.track}",
            "Compare records of one track",
        )
    if (a.digest, a.reference_digest) != (b.digest, b.reference_digest):
        raise ScoreError(
            where,
            f"its dataset's digest is {b.digest[:12]}",
            f"that of {a.file_name} is {a.digest[:12]}",
            "Compare records of the same data",
        )
    if a.metrics[metric].definition != b.metrics[metric].definition:
        raise ScoreError(
            where,
            f"its {metric} has definition {b.metrics[metric].definition}",
            f"that of {a.file_name} has {a.metrics[metric].definition}",
            "Run one of them again",
        )


def _check_shared(a: Record, b: Record, tell: Callable[[str], None]) -> None:
    mine, theirs = ({row.pair for row in record.rows} for record in (a, b))
    shared = len(mine & theirs)
    if not shared:
        raise ScoreError(
            f"{b.file_name} on {b.track}",
            f"it has no pair in common with {a.file_name}",
            "methods are compared pair by pair",
            "Run both on the same pairs",
        )
    if mine != theirs:
        tell(
            f"{a.file_name} ({len(mine)} pairs) and {b.file_name} ({len(theirs)} pairs) share "
            f"{shared}: only these are compared"
        )


def _paired(a: Record, b: Record, metric: str) -> Comparison:
    others = {row.pair: row.scores.get(metric) for row in b.rows}
    differences, groups = [], []
    for row in a.rows:
        mine, other = row.scores.get(metric), others.get(row.pair)
        if mine is not None and other is not None:
            differences.append(mine - other)
            groups.append(row.group)
    found = mean_interval(differences, groups)
    names = [f"{record.file_name}" for record in (a, b)]
    p_value = _p_value(np.asarray(differences), groups) if found.ci95 else None
    return Comparison(names[0], names[1], metric, found.mean, found.ci95, p_value, found.n)


def _p_value(differences: _Array, groups: Sequence[str]) -> float:
    error, freedom, _ = _clustered(differences, groups)
    mean = abs(float(differences.mean()))
    if not error:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.t.sf(mean / error, freedom))


def _holm(found: list[Comparison]) -> list[Comparison]:
    """Return the comparisons with Holm's correction of their p-values (Holm 1979)."""
    tested = sorted((c.p_value, i) for i, c in enumerate(found) if c.p_value is not None)
    corrected, largest = list(found), 0.0
    for rank, (p_value, index) in enumerate(tested):
        largest = max(largest, min(1.0, p_value * (len(tested) - rank)))
        corrected[index] = Comparison(**{**vars(found[index]), "p_value": largest})
    return corrected
