"""The report of one run: a single HTML file that can be mailed, printed and read without scripts.

Its numbers are recomputed from the record's rows; the pictures are part of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval.pages import page
from eval.pages.gallery import score_text, shown_pairs
from eval.pages.provenance import provenance
from eval.pages.spread import plots, tables
from eval.pages.summary import Score, groups_of, scores_of
from eval.pages.words import marks
from eval.record import Record, Row
from eval.running.folder import REPORT
from eval.running.pictures import ERROR_WHITE
from lldata.console import counted


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
    page.write(path, page.pieces("report.html.j2", report=_view(record, folder)))
    return path


def _view(record: Record, folder: Path) -> dict[str, Any]:
    """Return everything the report's template shows."""
    scores = scores_of(record)
    found = tables(record)
    return {
        "record": record,
        "folder": folder,
        "marks": marks(record),
        "scores": scores,
        "extent": f"{counted(len(record.rows), 'pair')} in "
        f"{counted(groups_of(record.rows), 'group')} of split {record.split}",
        "plots": plots(record, found, scores),
        "tables": found,
        "error_white": ERROR_WHITE,
        "pairs": shown_pairs(record, folder, scores),
        "rows": (_row(row, scores) for row in record.rows),
        "provenance": provenance(record),
    }


def _row(row: Row, scores: list[Score]) -> dict[str, Any]:
    cells = [{"value": row.scores.get(s.metric), "text": score_text(row, s)} for s in scores]
    return {"row": row, "cells": cells}
