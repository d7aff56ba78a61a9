"""The rows of a record as a table."""

from __future__ import annotations

import csv
import io
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


def rows_csv(record: Record) -> str:
    """Return the rows as CSV, every text as it is."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines(record))
    return text.getvalue()
