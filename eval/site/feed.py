"""The feed of changes (Atom, RFC 4287): the newest records, named by their content."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC

from eval.pages import page
from eval.site.front_page import News, newest
from eval.site.standings import Standing
from eval.site.xml_text import plain

MOST = 50
BEGINNING = "1970-01-01T00:00:00Z"  # of a feed without entries: Atom wants a time


def atom(tables: Sequence[Standing]) -> str:
    """Return the feed; its addresses are relative to it, as nobody knows where the site lies."""
    found = newest(tables)[:MOST]
    entries = [_entry(news) for news in found]
    updated = entries[0]["updated"] if entries else BEGINNING
    return page.fill(
        "feed.xml.j2", id=_id("low-light leaderboard"), updated=updated, entries=entries
    )


def _entry(news: News) -> dict[str, str]:
    first = news.table.columns[0]
    score = news.entry.scores[first.metric, first.definition]
    return {
        "id": _id(news.entry.copy),
        "title": plain(f"{news.name} on {news.table.title}"),
        "updated": news.made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "page": news.page,
        "summary": plain(
            f"{first.metric} {page.score(score.mean, first.unit)} {first.unit}, "
            f"{score.interval_text}; {news.entry.record.level}"
        ),
    }


def _id(name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, name)}"
