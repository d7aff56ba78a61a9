"""What the front page shows: the tracks, the best of each, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from eval.site import addresses, reported_page
from eval.site.standings import Entry, Standing
from eval.site.track_page import extent, marks
from lldata.console import counted

SHOWN = 3  # of the best methods of a track
NEWS = 10


class News(NamedTuple):
    """An entry, the table it stands in, and when it was made."""

    entry: Entry
    table: Standing
    made: datetime

    @property
    def name(self) -> str:
        """The method and its label."""
        return self.entry.record.run_name

    @property
    def page(self) -> str:
        """Where it is."""
        return addresses.entry_page(self.entry.copy)


def view(tables: Sequence[Standing]) -> dict[str, Any]:
    """Return everything the template shows."""
    names = sorted({e.record.method.partition("@")[0] for table in tables for e in table.entries})
    return {
        "tracks": [_track(table) for table in tables],
        "methods": [(name, addresses.method_page(name)) for name in names],
        "news": newest(tables)[:NEWS],
        "reported": reported_page.titles() if tables else [],
        "records": counted(sum(len(table.entries) for table in tables), "record"),
    }


def newest(tables: Sequence[Standing]) -> list[News]:
    """Return the entries whose time is known, the newest first."""
    found = [
        News(entry, table, made)
        for table in tables
        for entry in table.entries
        if (made := _time(entry.record.created)) is not None
    ]
    return sorted(found, key=lambda news: (news.made, news.entry.copy), reverse=True)


def _time(text: str) -> datetime | None:
    """Return the time a record says it was made, None where that is no time with a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _track(table: Standing) -> dict[str, Any]:
    first = table.columns[0]
    ranked = [entry for entry in table.blind if entry.rank]
    tied = sum(entry.tied is True for entry in ranked)
    return {
        "table": table,
        "page": addresses.track_page(table.id),
        "extent": extent(table),
        "marks": marks(table),
        "first": first,
        "best": [(e, e.scores[first.metric, first.definition]) for e in ranked[:SHOWN]],
        "page_of": addresses.entry_page,
        "tied": f"Not told from the best: {tied - 1}." if tied > 1 else "",
        "counts": ", ".join(
            counted(len(entries), noun)
            for noun, entries in (
                ("blind run", table.blind), ("oracle", table.oracle), ("partial run", table.partial)
            )
            if entries
        ),
    }  # fmt: skip
