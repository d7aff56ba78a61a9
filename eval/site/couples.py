"""The paired tests of a table in words; each is computed once, by eval/comparison.py."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Literal, NamedTuple

from eval import page
from eval.comparison import Comparison
from eval.site.standings import Entry, Standing
from eval.statistics import CONFIDENCE

Verdict = Literal["a", "b", "chance", "untested"]
SURE = 1 - CONFIDENCE


class Couple(NamedTuple):
    """Two entries, their difference a minus b in words, and which is better."""

    a: Entry
    b: Entry
    difference: str
    interval: str
    p: str
    verdict: Verdict
    n: int
    groups: int
    test: str

    @property
    def said(self) -> str:
        """The verdict in words."""
        return {
            "a": f"{self.a.record.method} is better",
            "b": f"{self.b.record.method} is better",
            "chance": "could be chance",
            "untested": "not tested",
        }[self.verdict]


def couples(table: Standing) -> Iterator[Couple]:
    """Yield every two of the blind entries that were compared, the better ranked first."""
    first = table.columns[0]
    entries = combinations(table.blind[: table.compared], 2)
    for (a, b), found in zip(entries, table.comparisons, strict=True):
        yield Couple(
            a=a,
            b=b,
            difference=_signed(found.difference, first.unit),
            interval=" to ".join(_signed(end, first.unit) for end in found.ci95 or ()),
            p=p_text(found.p_value),
            verdict=_verdict(found, higher=first.better == "higher"),
            n=found.n,
            groups=found.groups,
            test=found.test or "",
        )


def _signed(value: float | None, unit: str) -> str:
    text = page.score(value, unit)
    return f"+{text}" if value is not None and value > 0 else text


def p_text(value: float | None) -> str:
    """Return a p-value to three decimals, nothing where there was no test."""
    if value is None:
        return ""
    return "under 0.001" if value < 1e-3 else f"{value:.3f}"


def _verdict(found: Comparison, *, higher: bool) -> Verdict:
    if found.p_value is None or found.difference is None:
        return "untested"
    if found.p_value > SURE or not found.difference:
        return "chance"
    return "a" if (found.difference > 0) == higher else "b"
