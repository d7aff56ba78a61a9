"""Methods against one another, each two of them, and whether a difference could be chance.

Methods are compared pair by pair, over the pairs both were scored on; groups, not pairs, count as
independent. p-values are Holm's (Scandinavian Journal of Statistics 6, 1979), over all
comparisons made together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval import sign_flips
from eval.record import Record
from eval.statistics import (
    GROUPS_NEEDED,
    Interval,
    mean_interval,
    mean_intervals,
    sizes_of,
    sums_of_groups,
)
from lldata.console import counted
from lldata.errors import ScoreError

_Array = NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """The difference of two methods on the pairs both were scored on, a minus b."""

    a: str
    b: str
    metric: str
    difference: float | None
    ci95: tuple[float, float] | None
    p_value: float | None  # two-sided, Holm-corrected; None below 5 groups
    n: int
    groups: int
    test: str | None  # what p_value is of; None without one


def compare(
    records: Sequence[Record], metric: str, tell: Callable[[str], None] = lambda _: None
) -> list[Comparison]:
    """Compare every two records on the pairs they share, pair by pair.

    Parameters
    ----------
    records : of one track, split and equal digests
    metric : a metric all of them hold under one definition
    tell : gets a line for every two records that do not share all of their pairs, and for every
        record with pairs that have no such score

    Returns
    -------
    the comparisons in the order of `itertools.combinations`

    Raises
    ------
    ScoreError
        If there are fewer than two, they differ in their track, data, the metric's definition or
        a pair's group, or two of them have no pair in common.
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
    _check_shared(records, tell)
    _say_unscored(records, metric, tell)
    return _holm(_together(records, metric) or _each(records, metric))


def _check_comparable(a: Record, b: Record, metric: str) -> None:
    for record in (a, b):
        if metric not in record.metrics:
            raise ScoreError(
                f"{record.file_name} on {record.track}", f"it has no {metric}",
                f"it holds {', '.join(record.metrics)}",
                "Name another metric, or run it again with --metrics",
            )  # fmt: skip
    mine, theirs = (record.metrics[metric].definition for record in (a, b))
    for same, found, expected, remedy in (
        ((a.track, a.split) == (b.track, b.split),
         f"it is of split '{b.split}' of track {b.track}",
         f"{a.file_name} is of split '{a.split}' of track {a.track}",
         "Compare records of one track"),
        (a.digest == b.digest, f"its dataset's digest is {b.digest[:12]}",
         f"that of {a.file_name} is {a.digest[:12]}", "Compare records of the same data"),
        (a.reference_digest == b.reference_digest,
         f"its references' digest is {b.reference_digest[:12]}",
         f"that of {a.file_name} is {a.reference_digest[:12]}",
         "Compare records of references rendered alike"),
        (mine == theirs, f"its {metric} has definition {theirs}",
         f"that of {a.file_name} has {mine}", "Run one of them again"),
    ):  # fmt: skip
        if not same:
            raise ScoreError(f"{b.file_name} on {b.track}", found, expected, remedy)


def _check_shared(records: Sequence[Record], tell: Callable[[str], None]) -> None:
    groups = [{row.pair: row.group for row in record.rows} for record in records]
    for (a, mine), (b, theirs) in combinations(zip(records, groups, strict=True), 2):
        if mine == theirs:
            continue
        shared = sorted(mine.keys() & theirs.keys())
        if not shared:
            raise ScoreError(
                f"{b.file_name} on {b.track}",
                f"it has no pair in common with {a.file_name}",
                "methods are compared pair by pair",
                "Run both on the same pairs",
            )
        other = next((pair for pair in shared if mine[pair] != theirs[pair]), None)
        if other is not None:
            raise ScoreError(
                f"{b.file_name} on {b.track}",
                f"its pair {other} is of group {theirs[other]}",
                f"in {a.file_name} it is of group {mine[other]}",
                "Let lleval write both, and do not edit them",
            )
        tell(
            f"{a.file_name} ({len(mine)} pairs) and {b.file_name} ({len(theirs)} pairs) share "
            f"{len(shared)}: only these are compared"
        )


def _say_unscored(records: Sequence[Record], metric: str, tell: Callable[[str], None]) -> None:
    """Say which records have pairs that cannot be compared, as a picture without any error."""
    for record in records:
        missing = [row for row in record.rows if row.scores.get(metric) is None]
        if missing:
            same = ", identical to their reference," if all(r.identical for r in missing) else ""
            tell(
                f"{record.file_name}: {len(missing)} of {counted(len(record.rows), 'pair')}{same} "
                f"without a finite {metric}: left out"
            )


def _together(records: Sequence[Record], metric: str) -> list[Comparison]:
    """Return what `_each` does of every two, at once; nothing where they differ in their pairs.

    Records of one table have the same pairs, and a table of many has hundreds of couples.
    """
    scored = [
        {r.pair: (r.group, score) for r in one.rows if (score := r.scores.get(metric)) is not None}
        for one in records
    ]
    first = scored[0]
    groups = [group for group, _ in first.values()]
    if not first or any(each.keys() != first.keys() for each in scored):
        return []
    if any([each[pair][0] for pair in first] != groups for each in scored):
        return []
    scores = np.asarray([[each[pair][1] for pair in first] for each in scored])
    a, b = np.triu_indices(len(records), 1)
    means = mean_intervals(scores[a] - scores[b], groups)
    names = combinations([record.file_name for record in records], 2)
    found = [_untested(*two, metric, mean) for two, mean in zip(names, means, strict=True)]
    sizes, member = sizes_of(groups)
    if len(sizes) < GROUPS_NEEDED:
        return found
    chances = sign_flips.p_values_of_couples(sums_of_groups(scores, member))
    return [_tested(one, chance) for one, chance in zip(found, chances, strict=True)]


def _each(records: Sequence[Record], metric: str) -> list[Comparison]:
    """Return the differences of every two, on the pairs these two share."""
    paired = [_paired(a, b, metric) for a, b in combinations(records, 2)]
    found = [one for one, _ in paired]
    for groups in {one.groups for one in found if one.groups >= GROUPS_NEEDED}:
        chosen = [i for i, one in enumerate(found) if one.groups == groups]
        chances = sign_flips.p_values(np.stack([paired[i][1] for i in chosen]))
        for i, chance in zip(chosen, chances, strict=True):
            found[i] = _tested(found[i], chance)
    return found


def _paired(a: Record, b: Record, metric: str) -> tuple[Comparison, _Array]:
    """Return the difference without a test, and its sum in each group, shape (G,)."""
    others = {row.pair: row.scores.get(metric) for row in b.rows}
    differences, groups = [], []
    for row in a.rows:
        mine, other = row.scores.get(metric), others.get(row.pair)
        if mine is not None and other is not None:
            differences.append(mine - other)
            groups.append(row.group)
    found = _untested(a.file_name, b.file_name, metric, mean_interval(differences, groups))
    _, member = sizes_of(groups)
    return found, np.bincount(member, weights=np.asarray(differences))


def _untested(a: str, b: str, metric: str, mean: Interval) -> Comparison:
    return Comparison(a, b, metric, mean.mean, mean.ci95, None, mean.n, mean.groups, None)


def _tested(found: Comparison, chance: float) -> Comparison:
    """Return a comparison with its p-value, not corrected."""
    return replace(found, p_value=float(chance), test=sign_flips.named(found.groups))


def _holm(found: list[Comparison]) -> list[Comparison]:
    """Return the comparisons with Holm's correction of their p-values."""
    tested = sorted((c.p_value, i) for i, c in enumerate(found) if c.p_value is not None)
    corrected, largest = list(found), 0.0
    for rank, (p_value, index) in enumerate(tested):
        largest = max(largest, min(1.0, p_value * (len(tested) - rank)))
        corrected[index] = replace(found[index], p_value=largest)
    return corrected
