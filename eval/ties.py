"""Which methods cannot be told from the best of a table, and how that is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from eval.comparison import Comparison
from eval.record import Record
from eval.statistics import GROUPS_NEEDED, SURE
from lldata.console import counted


def tied_with_best(records: Sequence[Record], found: Sequence[Comparison]) -> list[bool | None]:
    """Return of each record whether it is not significantly worse than the one of the best mean.

    The best is the one of the best mean over the pairs that all records scored: each one's own
    pairs may be easier than another's. All comparisons have to be given: as the best is not known
    beforehand, the p-values must be corrected for all of them.

    Parameters
    ----------
    records : those compared
    found : what `compare` returned for them

    Returns
    -------
    in the order of `records`; the best is tied with itself. None where there is no test, no pair
    that all of them scored, or no direction of the metric is better
    """
    if not found:
        return [None] * len(records)
    metric = found[0].metric
    better, means = records[0].metrics[metric].better, _shared_means(records, metric)
    if better == "none" or not means:
        return [None] * len(records)
    higher = better == "higher"
    best = means.index(max(means) if higher else min(means))
    tied: list[bool | None] = [None] * len(means)
    for (a, b), one in zip(combinations(range(len(means)), 2), found, strict=True):
        if best in (a, b) and one.p_value is not None and one.difference is not None:
            # on the pairs two share alone, the other may be ahead of the best of all
            behind = (one.difference > 0) == (higher == (a == best))
            tied[a + b - best] = one.p_value > SURE or not behind
    if any(each is not None for each in tied):
        tied[best] = True
    return tied


def _shared_means(records: Sequence[Record], metric: str) -> list[float]:
    """Return each record's mean over the pairs all of them scored; nothing where there is none."""
    scores = [
        {row.pair: value for row in record.rows if (value := row.scores.get(metric)) is not None}
        for record in records
    ]
    shared = set(scores[0]).intersection(*scores[1:])
    if not shared:
        return []
    return [math.fsum(one[pair] for pair in shared) / len(shared) for one in scores]


def called(records: Sequence[Record], paths: Sequence[object]) -> list[str]:
    """Return what tells records apart: their names, the path where two have one name."""
    names = [record.file_name for record in records]
    alone = [names.count(name) == 1 for name in names]
    return [name if one else str(path) for name, one, path in zip(names, alone, paths, strict=True)]


def renamed(found: Sequence[Comparison], names: Sequence[str]) -> list[Comparison]:
    """Return the comparisons of every two records under other names of these."""
    couples = zip(found, combinations(names, 2), strict=True)
    return [replace(one, a=a, b=b) for one, (a, b) in couples]


def in_words(found: Sequence[Comparison], names: Sequence[str], tied: Sequence[bool | None]) -> str:
    """Return what the p-values are of and which methods cannot be told from the best.

    Parameters
    ----------
    found : what `compare` returned
    names : of the records
    tied : what `tied_with_best` returned of them
    """
    tests = sorted({one.test for one in found if one.test})
    if not any(one.n for one in found):
        return "nothing is compared: no pair has a score in both"
    if not tests:
        return f"no interval and no p: fewer than {GROUPS_NEEDED} groups"
    made = counted(sum(one.p_value is not None for one in found), "comparison")
    text = f"p: {'; '.join(tests)}; Holm's correction for {made}"
    said: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for name, is_tied in zip(names, tied, strict=True):
        said[is_tied].append(name)
    if len(said[True]) > 1:
        text += f". Not told from the best: {', '.join(said[True])}"
    elif said[True]:
        others = ", ".join(said[False]) if said[None] else "the others"
        text += f". Significantly better than {others}: {said[True][0]}"
    return f"{text}. Not tested against the best: {', '.join(said[None])}" if said[None] else text
