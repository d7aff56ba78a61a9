"""The pairs a page shows in pictures: those a method did worst and best on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from eval.pages import page
from eval.pages.embed import LONGEST_PX, embed
from eval.pages.summary import Score
from eval.record import Record, Row
from eval.running.folder import Kind, picture_path
from lldata.errors import ScoreError

SHOWN = 3  # of the worst and of the best pairs
ALT: Mapping[Kind, str] = {
    "input": "what the method was given",
    "output": "what the method made of it",
    "reference": "the long exposure",
    "error": "where output and reference differ, brighter is more",
}


def extremes(record: Record, shown: int = SHOWN) -> list[tuple[str, Row]]:
    """Return the worst and the best pairs by the first metric, each with the word for it."""
    first = next(iter(record.metrics), None)
    if first is None:
        return []
    better = record.metrics[first].better
    sign = -1 if better == "lower" else 1
    ranked = sorted(record.rows, key=lambda row: (sign * _height(row, first, better), row.pair))
    worst = ranked[: min(shown, (len(ranked) + 1) // 2)]
    best = ranked[len(worst) :][-shown:][::-1]
    low, high = ("Lowest", "Highest") if better == "none" else ("Worst", "Best")
    return [(low, row) for row in worst] + [(high, row) for row in best]


def _height(row: Row, metric: str, better: str) -> float:
    """Return the score, infinitely good for an identical pair and bad for an undefined one."""
    value = row.scores.get(metric)
    if value is not None:
        return value
    good = math.inf if better != "lower" else -math.inf
    return good if row.identical else -good


def pictures_of(row: Row, folder: Path, longest_px: int = LONGEST_PX) -> list[dict[str, Any]]:
    """Return the small pictures a run folder keeps of a pair, with their names and texts."""
    found = []
    for kind in get_args(Kind):
        try:
            path = picture_path(folder, row.pair, kind)
        except ScoreError:  # a pair id that is no path has no pictures
            return []
        if path.is_file():
            alt = f"{kind} of {row.pair}: {ALT[kind]}"
            found.append({"name": kind, "alt": alt, **embed(path, longest_px)._asdict()})
    return found


def shown_pairs(
    record: Record, folder: Path, scores: list[Score], longest_px: int = LONGEST_PX
) -> list[dict[str, Any]]:
    """Return the worst and best pairs that have pictures, with scores in words."""
    return [
        {"rank": rank, "row": row, "scores": _texts(row, scores), "pictures": pictures}
        for rank, row in extremes(record)
        if (pictures := pictures_of(row, folder, longest_px))
    ]


def _texts(row: Row, scores: list[Score]) -> list[str]:
    return [f"{s.metric} {score_text(row, s)} {s.unit}".rstrip() for s in scores]


def score_text(row: Row, score: Score) -> str:
    """Return a score of a row as it is printed; `identical` where it is infinite."""
    value = row.scores.get(score.metric)
    if value is None and row.identical:
        return "identical"
    return page.score(value, score.unit)
