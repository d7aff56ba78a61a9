"""The paired tests of a table in words; each is computed once, by eval/comparison.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Literal, NamedTuple

from eval.comparison import Comparison
from eval.pages import page
from eval.site.standings import Entry, Standing
from eval.statistics import SURE

Verdict = Literal["a", "b", "chance", "untested"]


class Couple(NamedTuple):
    """Two entries, their difference a minus b in words, and which is better."""

    a: Entry
    b: Entry
    found: Comparison
    unit: str
    higher: bool  # is better

    @property
    def turned(self) -> Couple:
        """The same two, b minus a."""
        one = self.found
        minus = None if one.difference is None else 0.0 - one.difference
        ends = None if one.ci95 is None else (0.0 - one.ci95[1], 0.0 - one.ci95[0])
        found = replace(one, a=one.b, b=one.a, difference=minus, ci95=ends)
        return self._replace(a=self.b, b=self.a, found=found)

    @property
    def difference(self) -> str:
        """The mean difference, with its sign."""
        return _signed(self.found.difference, self.unit)

    @property
    def interval(self) -> str:
        """The ends of its 95 % interval; nothing without one."""
        return " to ".join(_signed(end, self.unit) for end in self.found.ci95 or ())

    @property
    def p(self) -> str:
        """The corrected p-value; nothing without a test."""
        return p_text(self.found.p_value)

    @property
    def verdict(self) -> Verdict:
        """Which is better, and whether that could be chance."""
        p_value, difference = self.found.p_value, self.found.difference
        if p_value is None or difference is None:
            return "untested"
        if p_value > SURE or not difference:
            return "chance"
        return "a" if (difference > 0) == self.higher else "b"

    @property
    def said(self) -> str:
        """The verdict in words."""
        return {
            "a": f"{self.a.record.run_name} is better",
            "b": f"{self.b.record.run_name} is better",
            "chance": "could be chance",
            "untested": "not tested",
        }[self.verdict]


def couples(table: Standing) -> Iterator[Couple]:
    """Yield every two of the blind entries that were compared, the better ranked first."""
    first = table.columns[0]
    entries = combinations(table.blind[: table.compared], 2)
    for (a, b), found in zip(entries, table.comparisons, strict=True):
        yield Couple(a, b, found, first.unit, first.better == "higher")


def _signed(value: float | None, unit: str) -> str:
    text = page.score(value, unit)
    return f"+{text}" if value is not None and value > 0 else text


def p_text(value: float | None) -> str:
    """Return a p-value to three decimals, nothing where there was no test."""
    if value is None:
        return ""
    return "under 0.001" if value < 1e-3 else f"{value:.3f}"
