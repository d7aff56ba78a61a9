"""The report of one run: a single HTML file that can be mailed, printed and read without scripts.

Its numbers are recomputed from the record's rows; the pictures are part of the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

from eval import figures, page
from eval.embed import embed
from eval.folder import Kind, picture_path
from eval.record import Record, Row
from eval.summary import (
    Part,
    Score,
    counted,
    facts,
    groups_of,
    marks,
    options_text,
    parts,
    said,
    score_of,
)
from lldata.errors import ScoreError

REPORT = "report.html"
SHOWN = 3  # of the worst and of the best pairs
ALT: Mapping[Kind, str] = {
    "input": "what the method was given",
    "output": "what the method made of it",
    "reference": "the long exposure",
    "error": "where output and reference differ, brighter is more",
}


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
        "pairs": _pairs(record, folder, scores) if scores else [],
        "rows": [_row(row, scores) for row in record.rows],
        "provenance": _provenance(record),
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
    """Return the worst and the best pairs that have pictures, by the first metric."""
    first = scores[0]
    sign = -1 if first.better == "lower" else 1
    ranked = sorted(record.rows, key=lambda row: (sign * _height(row, first), row.pair))
    worst = ranked[: min(SHOWN, (len(ranked) + 1) // 2)]
    best = ranked[len(worst) :][-SHOWN:][::-1]
    low, high = ("Lowest", "Highest") if first.better == "none" else ("Worst", "Best")
    return [
        {"rank": rank, "row": row, "scores": _texts(row, scores), "pictures": pictures}
        for rank, chosen in ((low, worst), (high, best))
        for row in chosen
        if (pictures := _pictures(row, folder))
    ]


def _height(row: Row, score: Score) -> float:
    """Return the score, infinitely good for an identical pair and bad for an undefined one."""
    value = row.scores.get(score.metric)
    if value is not None:
        return value
    good = math.inf if score.better != "lower" else -math.inf
    return good if row.identical else -good


def _pictures(row: Row, folder: Path) -> list[dict[str, Any]]:
    found = []
    for kind in get_args(Kind):
        try:
            path = picture_path(folder, row.pair, kind)
        except ScoreError:  # a pair id that is no path has no pictures
            return []
        if path.is_file():
            alt = f"{kind} of {row.pair}: {ALT[kind]}"
            found.append({"name": kind, "alt": alt, **embed(path)._asdict()})
    return found


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


def _provenance(record: Record) -> list[dict[str, Any]]:
    """Return titled lists of terms and values: all a reader needs to make the numbers again."""
    method = {
        "method": record.method,
        "options": options_text(record.options),
        "weights": record.weights_sha256 or "none",
        "trained on": said(record.trained_on),
        "parameters": page.count(record.parameters),
        "operations per pair": said(record.flops),
        "seed": record.seed,
    }
    data = {
        "dataset": record.dataset,
        "protocol": record.protocol,
        "dataset digest": record.digest,
        "reference digest": record.reference_digest,
        "pairs scored": record.pairs_sha256,
    }
    run = {
        "level": record.level,
        "made": record.created,
        "peak memory": page.size(record.peak_memory_bytes),
        **{name.replace("_", " "): value for name, value in record.timing.items()},
    }
    return [
        {"title": title, "facts": facts(values)}
        for title, values in (
            ("Method", method),
            ("Data", data),
            ("Run", run),
            ("Hardware", record.hardware),
            ("Software", record.software),
        )
        if values
    ]
