"""What a record says, in the words both pages use: scores, marks, extent and provenance."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from eval import tracks
from eval.pages import page
from eval.record import Record, Row
from eval.statistics import GROUPS_NEEDED, Interval, Key, grouped, of_metrics, of_rows
from lldata.console import counted

MOST_PARTS = 12  # distinct ratios or ISOs a table lists one by one; more are put in octaves


class Mark(NamedTuple):
    """A plain word about a record that nobody may overlook."""

    text: str
    tone: Literal["", "warm", "cool"] = ""


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
        if self.found.ci95 is None:
            return f"no interval ({counted(self.found.groups, 'group')})"
        low, high = (page.score(end, self.unit) for end in self.found.ci95)
        return f"{low} to {high}"

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


def score_of(record: Record, metric: str) -> Score:
    """Return one metric's score over all rows."""
    return _over_all(record, metric, of_rows(record.rows, metric))


def scores_of(record: Record) -> list[Score]:
    """Return every metric's score over all rows."""
    return [_over_all(record, *found) for found in of_metrics(record.rows, record.metrics).items()]


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


def parts(record: Record, key: Key) -> list[Part]:
    """Return `each_part`."""
    return list(each_part(record, key))


def each_part(record: Record, key: Key) -> Iterator[Part]:
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


def marks(record: Record) -> list[Mark]:
    """Return what nobody may overlook about a record: oracle, partial, simulated, ad hoc."""
    found = []
    if record.synthetic:
        found.append(Mark(simulated(record), "cool"))
    if record.reference_use is None:
        found.append(Mark("nobody says that it is blind: never ranked", "warm"))
    elif record.oracle:
        found.append(Mark(f"oracle: uses the reference ({record.reference_use})", "warm"))
    if record.outside:
        found.append(Mark("outside method: its pictures were scored, its program not run"))
    if record.partial:
        found.append(Mark("partial run: never ranked", "warm"))
    if is_ad_hoc(record):
        found.append(Mark("ad hoc track: its data are pinned to nothing"))
    return found


def known(value: Any) -> str:
    """Return a value of a record in words, `unknown` for null."""
    return "unknown" if value is None else said(value)


def told_of_outside(record: Record) -> dict[str, str]:
    """Return what is told of an outside method, nothing of the toolkit's own."""
    if record.outside is None:
        return {}
    return {"source": known(record.outside.source), "licence": known(record.outside.licence)}


def simulated(record: Record) -> str:
    """Return `simulated captures, 12 distinct sources`."""
    number = record.distinct_sources
    sources = "sources unknown" if number is None else counted(number, "distinct source")
    return f"simulated captures, {sources}"


def is_ad_hoc(record: Record) -> bool:
    """Whether the record's track is no shipped one but a dataset's whole split."""
    return record.track == tracks.ad_hoc_name(record.dataset, record.split)


def image_seconds(record: Record) -> float | None:
    """Return the median seconds the method took for a picture or frame, None if not timed."""
    taken = record.timing.get("median_s")
    return float(taken) if isinstance(taken, int | float) else None


def facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a mapping of a record as terms and printed values, nothing left out."""
    return [(_term(name), said(value)) for name, value in values.items()]


def _term(name: str) -> str:
    """Return a field's name in words; a suffix that is a unit stands apart."""
    words = name.replace("_", " ")
    return f"{words.removesuffix(' s')}, s" if words.endswith(" s") else words


def said(value: Any) -> str:
    """Return a value of a record in words: a dash for null, digits for numbers, else JSON."""
    if value is None:
        return page.NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Sequence):
        return ", ".join(map(said, value)) or "nothing"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def options_text(options: Mapping[str, Any]) -> str:
    """Return `alpha=0.15, gamma=0.8`, or `none`."""
    return ", ".join(f"{name}={said(value)}" for name, value in options.items()) or "none"


def groups_of(rows: Iterable[Row]) -> int:
    """Return how many groups the rows are of."""
    return len({row.group for row in rows})
