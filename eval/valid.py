"""Whether a record can be what a run made: its parts agree, and every number is a possible one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from eval.metrics import metrics
from eval.metrics.definition import LARGEST
from eval.record import Record, pairs_sha256
from eval.strict_json import file_content
from lldata.console import counted
from lldata.errors import ScoreError

ROUNDING = 1e-9  # by which a score may pass its bound


def read_valid(path: Path) -> Record:
    """Read a record, having checked that its parts agree.

    Raises
    ------
    ScoreError
        If the file is no record, holds no metric or pair, holds a pair twice, its pairs or scores
        are not those it says, or a number is none its metric can give.
    """
    return valid(path, file_content(path))


def valid(path: Path, content: bytes) -> Record:
    """Return the record that is the content of a file, checked as `read_valid` does."""
    record = Record.parse(path, content)
    check(path, record)
    return record


def check(path: Path, record: Record) -> None:
    """Refuse a record whose parts disagree; `path` names it.

    Raises
    ------
    ScoreError
        As `read_valid`.
    """
    pairs = [row.pair for row in record.rows]
    if not record.metrics or not pairs:
        _refuse(path, "it holds no metric or no pair", "a record holds scores")
    if len(set(pairs)) < len(pairs):
        again = counted(len(pairs) - len(set(pairs)), "pair")
        _refuse(path, f"it holds {again} twice", "each counts once")
    if pairs_sha256(pairs) != record.pairs_sha256:
        _refuse(path, "its rows are not the pairs it says it scored", "a record is kept whole")
    known = metrics()
    for row in record.rows:
        if row.scores.keys() != record.metrics.keys():
            _refuse(path, f"pair {row.pair} has other scores than its metrics", "all rows have all")
    for name in ("ratio", "iso", "seconds"):
        _check_numbers(path, record, name, [getattr(row, name) for row in record.rows])
    for name in record.metrics:
        metric = known.get(name)
        bounds = metric.bounds if metric else (-LARGEST, LARGEST)
        _check_numbers(path, record, name, [row.scores[name] for row in record.rows], bounds)


def _check_numbers(
    path: Path,
    record: Record,
    name: str,
    values: Sequence[float | None],
    bounds: tuple[float, float] = (0.0, LARGEST),
) -> None:
    low, high = bounds
    for row, value in zip(record.rows, values, strict=True):
        if value is not None and not low - ROUNDING <= value <= high + ROUNDING:
            _refuse(
                path,
                f"{name} of pair {row.pair} is {value:g}",
                f"it lies between {low:g} and {high:g}",
            )


def _refuse(path: Path, found: str, expected: str) -> NoReturn:
    raise ScoreError(path, found, expected, "Run the method again, and do not edit the record")
