"""What the page of one record shows: its scores, how they spread, and how it stands to others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.pages.gallery import shown_pairs
from eval.pages.provenance import provenance
from eval.pages.spread import Table, plots
from eval.pages.summary import parts
from eval.pages.words import marks
from eval.running.pictures import ERROR_WHITE
from eval.site import addresses
from eval.site.couples import Couple
from eval.site.standings import Entry, Standing
from eval.site.track_page import extent, own_marks
from lldata.console import counted

GALLERY_PX = 480  # of the longer side: the page of a record stays below 2 MB


def view(
    entry: Entry, table: Standing, found: Sequence[Couple], folder: Path | None
) -> dict[str, Any]:
    """Return everything the template shows.

    Parameters
    ----------
    entry, table : the record, and the table it stands in
    found : every couple of the table
    folder : of the run, for its pictures; None where they may not be published
    """
    record = entry.record
    scores = list(entry.scores.values())
    cameras = list(parts(record, "camera"))
    spread = (
        Table("exposure ratio", entry.by_ratio),
        Table("ISO", entry.by_iso),
        Table("camera", cameras if len(cameras) > 1 else ()),
    )
    drawn = [each for each in spread if each.parts]
    return {
        "entry": entry,
        "record": record,
        "table": table,
        "track": addresses.track_page(table.id),
        "method": addresses.method_page(record.method),
        "extent": extent(table),
        "standing": _standing(entry, table),
        "marks": [*marks(record), *own_marks(entry, table)],
        "scores": scores,
        "plots": plots(record, drawn, scores),
        "tables": drawn,
        "couples": _against(entry, found),
        "page_of": addresses.entry_page,
        "folder": None,
        "error_white": ERROR_WHITE,
        "pairs": shown_pairs(record, folder, scores, GALLERY_PX) if folder else [],
        "provenance": provenance(record),
        "rows": addresses.rows_file(entry.copy),
        "badge": addresses.badge_file(entry.copy) if entry.rank else None,
    }


def _standing(entry: Entry, table: Standing) -> str:
    """Return `number 2 of 7 blind methods`, or why it has no number."""
    if entry.rank:
        ranked = sum(other.rank is not None for other in table.blind)
        return f"Number {entry.rank} of {counted(ranked, 'blind run')}, by {table.place.metric}."
    if entry.record.partial:
        return "A partial run: a trial on some of the pairs, never ranked."
    if entry.record.reference_use is None:
        return "Nobody says whether it looks at the reference: never ranked."
    if entry.record.oracle:
        return "An oracle: a bound to compare with, never ranked with blind methods."
    return "Not ranked: a pair has no score, or the metric has no direction."


def _against(entry: Entry, couples: Sequence[Couple]) -> list[dict[str, Any]]:
    """Return the entry minus each other one, the best first."""
    own = [
        couple if couple.a.copy == entry.copy else couple.turned
        for couple in couples
        if entry.copy in (couple.a.copy, couple.b.copy)
    ]
    return [{"couple": couple, "page": addresses.entry_page(couple.b.copy)} for couple in own]
