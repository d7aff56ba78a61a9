"""The scores of a record as pages show them: over all rows, and over those that share a fact."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from eval.pages import page
from eval.record import Record, Row
from eval.statistics import GROUPS_NEEDED, Interval, Key, grouped, of_metrics
from lldata.console import counted

MOST_PARTS = 12  # distinct ratios or ISOs a table lists one by one; more are put in octaves


@dataclass(frozen=True)
class Score:
    """The mean of one metric over some rows, with its interval and what it was made of."""

    metric: str
    unit: str
    better: Literal["higher", "lower", "none"]
    definition: str
    found: Interval
    identical: int = 0  # pairs equal to their reference: no finite PSNR, so not in the mean
    frames: int = 0  # of the clips in the mean, those left out likewise

    @property
    def mean(self) -> float | None:
        """The mean over pairs; None if no pair has a score."""
        return self.found.mean

    @property
    def title(self) -> str:
        """The metric and its unit, as a column is headed."""
        return f"{self.metric}, {self.unit}" if self.unit else self.metric

    @property
    def range_text(self) -> str:
        """The ends of the interval; without one, of how many groups the mean is."""
        ends = page.ends(self.found.ci95, self.unit)
        return ends or f"no interval ({counted(self.found.groups, 'group')})"

    @property
    def interval_text(self) -> str:
        """The 95 % interval, or why there is none."""
        if self.found.ci95 is not None:
            return f"95 % interval {self.range_text}"
        if self.mean is None:
            return "no interval: no pair has a score"
        return f"no interval: {counted(self.found.groups, 'group')}, {GROUPS_NEEDED} needed"

    @property
    def over(self) -> str:
        """How many pairs and groups the mean is over, and which were left out."""
        text = f"{counted(self.found.n, 'pair')} in {counted(self.found.groups, 'group')}"
        if self.identical:
            text += f"; {counted(self.identical, 'pair')} identical to the reference, left out"
        if self.frames:
            text += f"; {counted(self.frames, 'frame')} identical to the reference, left out"
        return text


def in_cells(found: Interval, unit: str) -> tuple[str, str | None]:
    """Return a mean and the ends of its interval as two cells of a table."""
    return page.score(found.mean, unit), page.ends(found.ci95, unit)


def scores_of(record: Record) -> list[Score]:
    """Return every metric's score over all rows."""
    found = of_metrics(record.rows, record.metrics)
    return [_over_all(record, metric, mean) for metric, mean in found.items()]


def remarks(scores: Sequence[Score]) -> list[str]:
    """Return what a table of means does not tell: why an interval is missing, what was left out."""
    said: dict[str, list[str]] = {}
    for one in scores:
        if one.found.ci95 is None:
            said.setdefault(one.interval_text, []).append(one.metric)
        if one.identical or one.frames:
            said.setdefault(one.over, []).append(one.metric)
    return [f"{', '.join(metrics)}: {text}" for text, metrics in said.items()]


def _over_all(record: Record, metric: str, found: Interval) -> Score:
    """Return a score with what was left out of its mean."""
    identical = sum(row.identical and row.scores.get(metric) is None for row in record.rows)
    frames = sum(
        row.frames_left_out.get(metric, 0)
        for row in record.rows if row.frames_left_out and row.scores.get(metric) is not None
    )  # fmt: skip
    return _score(record, metric, found, identical, frames)


def _score(
    record: Record, metric: str, found: Interval, identical: int = 0, frames: int = 0
) -> Score:
    use = record.metrics[metric]
    return Score(metric, use.unit, use.better, use.definition, found, identical, frames)


class Part(NamedTuple):
    """The rows that share a ratio, ISO, camera or group."""

    label: str
    rows: tuple[Row, ...]
    scores: tuple[Score, ...]


def parts(record: Record, key: Key) -> Iterator[Part]:
    """Yield the scores by known value of `key`, rising; more than 12 numbers go into octaves."""
    groups = {_label(value): rows for value, rows in grouped(record.rows, key).items()}
    if key in ("ratio", "iso") and len(groups) > MOST_PARTS:
        known = [row for row in record.rows if getattr(row, key) is not None]
        groups = {}
        for row in sorted(known, key=lambda row: getattr(row, key)):
            groups.setdefault(_octave(getattr(row, key)), []).append(row)
    for label, rows in groups.items():
        found = of_metrics(rows, record.metrics)
        yield Part(label, tuple(rows), tuple(_score(record, *one) for one in found.items()))


def _label(value: float | str) -> str:
    return value if isinstance(value, str) else page.plain(float(value))


def _octave(value: float) -> str:
    if value <= 0:
        return page.plain(value)
    low = 2.0 ** math.floor(math.log2(value))
    return f"{page.plain(low)} to {page.plain(2 * low)}"


def groups_of(rows: Iterable[Row]) -> int:
    """Return how many groups the rows are of."""
    return len({row.group for row in rows})
