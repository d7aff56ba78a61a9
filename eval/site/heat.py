"""The cross-sensor table: what a method trained on one dataset scores on another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from eval.pages import page
from eval.pages.summary import Score

SHADES = 5


class Cell(NamedTuple):
    """A mean score, how far it is from the column's best, and its shade, 0 the worst."""

    text: str
    behind: str
    shade: int


class Heat(NamedTuple):
    """Cells by training data (rows) and track (columns); None where nobody ran it."""

    metric: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def heat_map(found: Sequence[tuple[str, str, Score]]) -> Heat | None:
    """Return the map of (trained on, track, score), of runs that differ in a seed the first.

    None unless there are two of each and they share one metric with a direction: columns are
    tracks, and scores are shaded within a column only, as tracks are not compared.
    """
    metrics = {(score.metric, score.better) for _, _, score in found}
    rows = sorted({trained for trained, _, _ in found})
    columns = sorted({track for _, track, _ in found})
    if len(metrics) != 1 or len(rows) < 2 or len(columns) < 2:
        return None
    metric, better = metrics.pop()
    if better == "none":
        return None
    means: dict[tuple[str, str], Score] = {}
    for trained, track, score in found:
        if score.mean is not None:
            means.setdefault((trained, track), score)
    shades = _shades(means, higher=better == "higher")
    cells = tuple(
        (trained, tuple(shades.get((trained, track)) for track in columns)) for trained in rows
    )
    return Heat(metric, tuple(columns), cells)


def _shades(
    means: dict[tuple[str, str], Score], *, higher: bool
) -> dict[tuple[str, str], Cell | None]:
    columns: dict[str, list[float]] = defaultdict(list)
    for (_, track), score in means.items():
        columns[track].append(score.mean or 0.0)
    found: dict[tuple[str, str], Cell | None] = {}
    for key, score in means.items():
        values, mean = columns[key[1]], score.mean or 0.0
        best, worst = (max(values), min(values)) if higher else (min(values), max(values))
        share = 1.0 if best == worst else (mean - worst) / (best - worst)
        behind = "" if mean == best else page.score(mean - best, score.unit)
        shade = min(int(share * SHADES), SHADES - 1)
        found[key] = Cell(page.score(mean, score.unit), behind, shade)
    return found
