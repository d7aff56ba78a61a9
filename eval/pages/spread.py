"""How the scores of a record spread: histograms, and columns by ratio, ISO and camera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from eval.pages import figures
from eval.pages.summary import Part, Score, groups_of, parts
from eval.record import Record, Row


class Table(NamedTuple):
    """The scores by ratio, ISO, camera or group."""

    name: str
    parts: Iterable[Part]
    drawn: bool = True  # of groups there may be too many, and each is independent of the others


def tables(record: Record) -> list[Table]:
    """Return the scores by each thing that they may depend on and that is known."""
    cameras = list(parts(record, "camera"))
    named = (
        Table("exposure ratio", list(parts(record, "ratio"))),
        Table("ISO", list(parts(record, "iso"))),
        Table("camera", cameras if len(cameras) > 1 else ()),
        Table("group", _Groups(record) if groups_of(record.rows) > 1 else (), drawn=False),
    )
    return [table for table in named if table.parts]


class _Groups:
    """The parts of a record by group, each made when it is asked for: there may be many."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def __iter__(self) -> Iterator[Part]:
        return parts(self._record, "group")


def plots(record: Record, tables: Sequence[Table], scores: Sequence[Score]) -> list[dict[str, Any]]:
    """Return for each metric its histogram, and its columns by what more than one value has."""
    found = []
    for index, score in enumerate(scores):
        values = _values(record.rows, score.metric)
        if values:
            drawn = ((t.name, _columns(t, index)) for t in tables if t.drawn)
            found.append(
                {
                    "title": score.title,
                    "unit": score.unit,
                    "histogram": figures.histogram(values),
                    "columns": [(name, plot) for name, plot in drawn if plot],
                }
            )
    return found


def _columns(table: Table, index: int) -> figures.Columns | None:
    return columns_of([(part.label, part.rows, part.scores[index]) for part in table.parts])


def columns_of(parts: Sequence[tuple[str, Sequence[Row], Score]]) -> figures.Columns | None:
    """Return a column for each label, rows and score; None unless two have a mean."""
    drawn = [
        figures.Part(label, _values(rows, score.metric), score.mean, score.found.ci95)
        for label, rows, score in parts
        if score.mean is not None
    ]
    return figures.columns(drawn) if len(drawn) > 1 else None


def _values(rows: Iterable[Row], metric: str) -> list[float]:
    return [value for row in rows if (value := row.scores.get(metric)) is not None]
