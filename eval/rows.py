"""The rows of a record as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from operator import attrgetter

from eval.record import Record

TOLD = ("pair", "group", "camera", "ratio", "iso", "split", "identical", "seconds")


def lines(record: Record) -> Iterator[list[object]]:
    """Yield the headings, then one line a pair: what is known of it, and every score."""
    names = list(record.metrics)
    yield [*TOLD, *names]
    told = attrgetter(*TOLD)
    for row in record.rows:
        yield [*told(row), *map(row.scores.__getitem__, names)]


def rows_csv(record: Record) -> Iterator[str]:
    """Yield the rows as lines of CSV, every text as it is."""
    line: list[str] = []
    writer = csv.writer(_Into(line), lineterminator="\n")
    for cells in lines(record):
        writer.writerow(cells)
        yield line.pop()


class _Into:
    """A file of which each text that is written goes to a list."""

    def __init__(self, found: list[str]) -> None:
        self.write = found.append
