"""The report of one run: a single HTML file that can be mailed, printed and read without scripts.

Its numbers are recomputed from the record's rows; the pictures are part of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eval import figures, page
from eval.gallery import extremes, pictures_of
from eval.pictures import ERROR_WHITE
from eval.provenance import provenance
from eval.record import Record, Row
from eval.summary import (
    Part,
    Score,
    counted,
    groups_of,
    marks,
    parts,
    score_of,
)

REPORT = "report.html"


class Table(NamedTuple):
    """The scores by ratio, ISO, camera or group."""

    name: str
    parts: Sequence[Part]
    drawn: bool = True  # of groups there may be too many, and each is independent of the others


def write_report(record: Record, folder: Path) -> Path:
    """Write `folder`/report.html from a record and the pictures of its run folder.

    Returns
    -------
    the path of the report; a run that kept no pictures gives a report without them

    Raises
    ------
    ScoreError
        If a picture of the run folder cannot be decoded.
    """
    path = folder / REPORT
    page.write(path, page.render("report.html.j2", report=_view(record, folder)))
    return path


def _view(record: Record, folder: Path) -> dict[str, Any]:
    """Return everything the report's template shows."""
    scores = [score_of(record, metric) for metric in record.metrics]
    tables = _tables(record)
    return {
        "record": record,
        "document": record.document(),
        "marks": marks(record),
        "scores": scores,
        "extent": f"{counted(len(record.rows), 'pair')} in "
        f"{counted(groups_of(record.rows), 'group')} of split {record.split}",
        "plots": _plots(record, tables, scores),
        "tables": tables,
        "error_white": ERROR_WHITE,
        "pairs": _pairs(record, folder, scores),
        "rows": [_row(row, scores) for row in record.rows],
        "provenance": provenance(record),
    }


def _tables(record: Record) -> list[Table]:
    cameras, groups = parts(record, "camera"), parts(record, "group")
    named = (
        Table("exposure ratio", parts(record, "ratio")),
        Table("ISO", parts(record, "iso")),
        Table("camera", cameras if len(cameras) > 1 else ()),
        Table("group", groups if len(groups) > 1 else (), drawn=False),
    )
    return [table for table in named if table.parts]


def _plots(
    record: Record, tables: Sequence[Table], scores: Sequence[Score]
) -> list[dict[str, Any]]:
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
    drawn = [
        figures.Part(part.label, _values(part.rows, score.metric), score.mean, score.found.ci95)
        for part in table.parts
        if (score := part.scores[index]).mean is not None
    ]
    return figures.columns(drawn) if len(drawn) > 1 else None


def _values(rows: Iterable[Row], metric: str) -> list[float]:
    return [value for row in rows if (value := row.scores.get(metric)) is not None]


def _pairs(record: Record, folder: Path, scores: list[Score]) -> list[dict[str, Any]]:
    return [
        {"rank": rank, "row": row, "scores": _texts(row, scores), "pictures": pictures}
        for rank, row in extremes(record)
        if (pictures := pictures_of(row, folder))
    ]


def _texts(row: Row, scores: list[Score]) -> list[str]:
    return [f"{s.metric} {_text(row, s)} {s.unit}".rstrip() for s in scores]


def _text(row: Row, score: Score) -> str:
    value = row.scores.get(score.metric)
    if value is None and row.identical:
        return "identical"
    return page.score(value, score.unit)


def _row(row: Row, scores: list[Score]) -> dict[str, Any]:
    cells = [{"value": row.scores.get(s.metric), "text": _text(row, s)} for s in scores]
    return {"row": row, "cells": cells}
