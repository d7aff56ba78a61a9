"""The page of the coverage study, from nothing but its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

PROMISED = (0.93, 0.97)  # of intervals that hold the truth, normal effects


def page(report: dict[str, Any]) -> str:
    """Return the page, Markdown."""
    rows = [dict(zip(report["columns"], row, strict=True)) for row in report["intervals"]]
    tests = [dict(zip(report["test_columns"], row, strict=True)) for row in report["tests"]]
    trials = report["trials"]
    head = _HEAD.format(trials=f"{trials['interval']:,}")
    effects = list(dict.fromkeys(row["effects"] for row in rows))
    parts = [head, _summary(rows), *(_held(rows, name) for name in effects), _plain(rows)]
    return (
        "\n\n".join([*parts, _TESTS.format(trials=f"{trials['test']:,}"), _rejected(tests)]) + "\n"
    )


_HEAD = """# How far intervals and p-values can be trusted

Written by `make study` from `docs/benchmarks/coverage.json`; no figure is typed by hand.

The mean of a metric is over pairs; the groups they are of are what is independent. A 95 % interval
should hold the true mean in 95 of 100 studies. Here {trials} studies are simulated of each case
(figures to ±0.3 points): groups have effects of one distribution, pairs have normal ones of their
own, and the share is that of the variance between groups in the variance of a score. Figures come
from the code that makes the intervals of every record (`eval/clustered.py`).

Of groups of one size the interval is Student's on the groups' means. Of unequal ones the share
decides how much a large group tells: given it, Student's t would hold exactly; it is not known, so
what follows from each value is weighed by how likely the scores make it, all values being equally
likely before. Of fewer than 5 groups there is no interval."""


def _summary(rows: list[Row]) -> str:
    low, high = PROMISED
    table = [["effects of groups", "cases", f"within {low:.0%} to {high:.0%}", "lowest",
              "highest"]]  # fmt: skip
    for name in dict.fromkeys(row["effects"] for row in rows):
        part = [row for row in rows if row["effects"] == name]
        within = sum(low <= row["covered"] <= high for row in part)
        ends = (min(part, key=_rate), max(part, key=_rate))
        table.append([name, str(len(part)), str(within), *map(_case, ends)])
    return f"## In short\n\n{_markdown(table)}\n\n{_beyond(rows)}"


def _beyond(rows: list[Row]) -> str:
    """Return where intervals of normal groups are wider than they need to be."""
    wide = [r for r in rows if r["effects"] == "normal" and r["covered"] > PROMISED[1]]
    shares = max((row["share"] for row in wide), default=0.0)
    return (
        f"Intervals of normal groups that hold the truth too often ({len(wide)} cases) are those "
        f"of unequal groups and a share of {shares:g} or less: they are wide for want of knowing "
        "that pairs of one group have next to nothing in common."
    )


def _rate(row: Row) -> float:
    return float(row["covered"])


def _case(row: Row) -> str:
    place = f"{row['groups']} groups, {row['sizes']}, share {row['share']:g}"
    return f"{row['covered']:.1%} ({place})"


def _held(rows: list[Row], effects: str) -> str:
    part = [row for row in rows if row["effects"] == effects]
    shares = list(dict.fromkeys(row["share"] for row in part))
    table = [["pairs of groups", "groups", *(f"share {share:g}" for share in shares)]]
    for sizes, groups in _cases(part):
        found = [row for row in part if (row["sizes"], row["groups"]) == (sizes, groups)]
        table.append([sizes, str(groups), *(f"{row['covered']:.1%}" for row in found)])
    return f"## Intervals that hold the truth: {effects} effects\n\n" + _markdown(table)


def _plain(rows: list[Row]) -> str:
    """Return the same cases for the estimator that takes no account of unequal sizes."""
    part = [row for row in rows if row["effects"] == "normal"]
    counts = list(dict.fromkeys(row["groups"] for row in part))
    table = [["pairs of groups", *(f"{count} groups" for count in counts)]]
    for sizes in dict.fromkeys(row["sizes"] for row in part):
        cells = []
        for count in counts:
            found = [r["plain"] for r in part if (r["sizes"], r["groups"]) == (sizes, count)]
            cells.append(f"{min(found):.1%} to {max(found):.1%}")
        table.append([sizes, *cells])
    return (
        "## A plain cluster-robust interval, for comparison\n\n"
        "Standard error from the groups' residual sums, Student's t on groups - 1, normal "
        "effects, lowest and highest over the shares.\n\n" + _markdown(table)
    )


_TESTS = """## Tests of no difference that reject at p <= 0.05

Signs of whole groups flipped, share 0.6, {trials} studies of each case (figures to ±0.7 points),
before Holm's correction. The true rate is at most 5 % where differences are as likely negative as
positive; the skewed distributions show what it costs where they are not. The least p of 5 groups
is 1/16: with so few, no single difference can be significant."""


def _rejected(rows: list[Row]) -> str:
    counts = list(dict.fromkeys(row["groups"] for row in rows))
    table = [["effects of groups", "pairs of groups", *(f"{count} groups" for count in counts)]]
    for effects in dict.fromkeys(row["effects"] for row in rows):
        part = [row for row in rows if row["effects"] == effects]
        for sizes in dict.fromkeys(row["sizes"] for row in part):
            found = [f"{row['rejected']:.1%}" for row in part if row["sizes"] == sizes]
            table.append([effects, sizes, *found])
    return _markdown(table)


def _cases(rows: list[Row]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((row["sizes"], row["groups"]) for row in rows))


def _markdown(table: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0]), *lines[1:]])
