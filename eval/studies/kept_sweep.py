"""Sweeps read back from what `lleval sweep` wrote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from eval.record import Record
from eval.running.disturbance import Axis
from eval.strict_json import file_content, strict_object
from eval.studies.sweep import FORMAT, Step, Sweep, Swept
from eval.typed import checked
from eval.valid import check
from lldata.errors import ScoreError


@dataclass(frozen=True)
class _Axis:
    axis: str
    title: str
    unit: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Document:
    format: int
    record: Record
    axes: tuple[_Axis, ...]


def read_sweep(path: Path) -> Sweep:
    """Read a sweep, having checked that every step holds the pairs and scores of its record.

    Raises
    ------
    ScoreError
        If the file is no sweep, of another format, or its parts disagree.
    """
    document = strict_object(path, file_content(path))
    if document.get("format") != FORMAT:
        raise ScoreError(
            path, f"its format is {document.get('format')!r}", f"sweeps have format {FORMAT}",
            "Sweep the method again",
        )  # fmt: skip
    found: _Document = checked(_Document, document, str(path))
    check(path, found.record)
    for axis in found.axes:
        for step in axis.steps:
            check(path, replace(found.record, rows=step.rows))
    return Sweep(found.record, tuple(map(_swept, found.axes)), path, ())


def _swept(found: _Axis) -> Swept:
    steps = tuple(one.step for one in found.steps)
    axis = Axis(found.title, found.unit, steps, None, None)
    return Swept(found.axis, axis, found.steps)
