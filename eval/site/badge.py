"""A badge: a small picture that says how a record stands, to be shown elsewhere."""

from __future__ import annotations

from eval.pages import page
from eval.site.standings import Entry, Standing
from eval.site.xml_text import plain

LETTER_PX = 6.6  # mean width of the badge's letters
MOST = 40  # letters of a side


def svg(entry: Entry, table: Standing) -> str:
    """Return the badge of a ranked entry: the track, its place and its score."""
    first = table.columns[0]
    mean = page.score(entry.scores[first.metric, first.definition].mean, first.unit)
    ranked = sum(other.rank is not None for other in table.blind)
    left = _short(table.title)
    right = _short(f"{entry.rank} of {ranked} · {mean} {first.unit}".rstrip())
    widths = [round(len(text) * LETTER_PX + 14) for text in (left, right)]
    return page.fill("badge.svg.j2", left=left, right=right, widths=widths)


def _short(text: str) -> str:
    text = plain(text)
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
