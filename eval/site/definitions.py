"""What the scores of a table are: a sentence and an id for each, and where it is told in full."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from eval.metrics import metrics
from eval.metrics.scoring import THROUGH_PYIQA
from eval.pages.summary import Score
from eval.site import addresses

PYIQA_HEADING = "through-pyiqa"  # the one of docs/metrics.md on all of them


class Definition(NamedTuple):
    """A metric as a table used it."""

    anchor: str  # on the page of the table
    metric: str
    text: str
    better: str
    id: str
    page: str | None  # where it is told in full; None where the site has no such place


def anchor_of(number: int) -> str:
    """Return where a table's page tells what its column `number` is, the first being 1."""
    return f"what-{number}"


def definition(number: int, score: Score, documented: Mapping[str, bytes]) -> Definition:
    """Return what the column `number` of a table is.

    Parameters
    ----------
    number : of the column, the first being 1
    score : any of the column
    documented : the site's pages of documentation by address
    """
    text, heading = _told(score)
    page = f"{addresses.METRICS}#{heading}" if heading in _headings(documented) else None
    better = "" if score.better == "none" else f"{score.better.capitalize()} is better."
    return Definition(anchor_of(number), score.metric, text, better, score.definition, page)


def _told(score: Score) -> tuple[str, str]:
    """Return what a metric is, and the heading under which docs/metrics.md tells it."""
    if score.metric.startswith(THROUGH_PYIQA):
        return "Computed by pyiqa, with its default options.", PYIQA_HEADING
    known = metrics().get(score.metric)
    if known is None:
        return "No metric of this toolkit.", ""
    if known.definition != score.definition:
        return f"Not as this toolkit defines it now ({known.definition}).", ""
    return known.title, score.metric


def _headings(documented: Mapping[str, bytes]) -> frozenset[str]:
    return _anchors(documented.get(addresses.METRICS, b""))


@functools.lru_cache(1)  # asked for each column of each table
def _anchors(page: bytes) -> frozenset[str]:
    return frozenset(re.findall(r'<h\d id="([^"]+)"', page.decode()))
