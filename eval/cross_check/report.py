"""Run the comparison and say what it found: a table, or one document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.cross_check.check import Agreement, check
from eval.cross_check.official import check_official
from eval.machine import software
from eval.metrics import metrics
from eval.progress import Progress

COLUMNS = ("metric", "compared with", "most on", "difference", "limit", "status")


def compared(data: Path | None, progress: Progress) -> list[Agreement]:
    """Compare every metric with others, and with printed scores where a folder of them is given.

    Raises
    ------
    ScoreError
        If the folder lacks something.
    """
    printed = [] if data is None else list(check_official(data))
    with progress("metrics", len(metrics())) as tick:
        return [*check(tick), *printed]


def document(found: Sequence[Agreement]) -> dict[str, Any]:
    """Return what was found, with the versions it was found with."""
    return {"checks": [vars(one) for one in found], "software": software()}


def rows(found: Sequence[Agreement]) -> list[tuple[object, ...]]:
    """Return what was found as rows of `COLUMNS`, for people."""
    return [
        (one.metric, one.other, one.picture, one.difference, one.limit, one.status) for one in found
    ]


def said(found: Sequence[Agreement]) -> list[str]:
    """Return what is to be said beside the table, each once."""
    return list(dict.fromkeys(f"{one.metric}: {one.message}" for one in found if one.message))
