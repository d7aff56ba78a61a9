"""What the page that compares two methods of a table shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.pages import page
from eval.site import addresses
from eval.site.charts import square
from eval.site.couples import Couple
from eval.site.standings import Standing
from eval.site.track_page import extent, marks
from lldata.console import counted

MOST_LISTED = 300  # rows of the table that needs no script


def view(table: Standing, found: Sequence[Couple]) -> dict[str, Any]:
    """Return everything the template shows: every couple in words, every score as a place."""
    first = table.columns[0]
    entries = table.blind[: table.compared]
    keys = [addresses.key_of(entry.copy) for entry in entries]
    pairs = [row.pair for row in entries[0].record.rows]
    scores = [{r.pair: r.scores.get(first.metric) for r in e.record.rows} for e in entries]
    frame = square([v for each in scores for v in each.values() if v is not None])
    told = [
        {
            "key": key,
            "name": entry.record.run_name,
            "page": addresses.entry_page(entry.copy),
            "mean": page.score(entry.scores[first.metric, first.definition].mean, first.unit),
            "places": [None if (v := of.get(p)) is None else round(frame.x(v), 1) for p in pairs],
        }
        for key, entry, of in zip(keys, entries, scores, strict=True)
    ]
    listed = found if len(found) <= MOST_LISTED else [c for c in found if c.a is entries[0]]
    return {
        "table": table,
        "first": first,
        "extent": extent(table),
        "marks": marks(table),
        "frame": frame,
        "entries": told,
        "couples": listed,
        "all_listed": len(listed) == len(found),
        "made": counted(len(found), "comparison"),
        "data": {"entries": told, "couples": [_row(couple) for couple in found]},
    }


def _row(couple: Couple) -> list[Any]:
    """Return a couple as the script reads it."""
    test = "; ".join(filter(None, (couple.found.test, counted(couple.found.n, "pair"))))
    return [
        addresses.key_of(couple.a.copy), addresses.key_of(couple.b.copy), couple.difference,
        couple.interval, couple.p, couple.said, couple.verdict, test,
    ]  # fmt: skip
