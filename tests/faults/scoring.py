"""Runs of a method to put faults into, on the command line.

A finished pair is one whose row is kept. None may be computed again, and nothing may stand under
its name that is not what an undisturbed run leaves there.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.faults import striking
from tests.faults.ingesting import environment
from tests.faults.loaded import Forked, Loaded, loaded
from tests.stores import night

SHAPE = (96, 96)  # photosites


@dataclass
class Cost(striking.Cost):
    """What faults in runs have cost so far."""

    pairs_kept: int = 0  # that were finished when a run began
    pairs_computed_again: int = 0  # of those
    files_half_written: int = 0  # under their names, though not what they should be


@dataclass(frozen=True)
class Track:
    """A dataset to score a method on, and what an undisturbed run makes of it."""

    program: Loaded
    home: Path
    undisturbed: Path  # the folder of that run
    seconds: float = 0.0  # that it took
    workers: int = 1
    refused: str = "another lleval run is writing there"

    def cost(self) -> Cost:
        """Return a count that stands at zero."""
        return Cost()

    def fresh(self, place: Path) -> None:
        """Leave the folder to the run."""

    def start(self, place: Path, **faults: str) -> Forked:
        """Start a run into a folder."""
        words = ["run", "--model", "gamma", "--dataset", "night", "--out", str(place)]
        words += ["--workers", str(self.workers)]
        return self.program.start(words, environment(self.home, **faults))

    def kept(self, place: Path) -> dict[Path, int]:
        """Return the finished pairs, and when each was written."""
        return {p: p.stat().st_mtime_ns for p in sorted((place / "pairs").rglob("[!.]*.json"))}

    def check(self, place: Path, before: dict[Path, int], cost: Cost) -> None:
        """Count what was computed again of what was finished, and what is half-written."""
        after = self.kept(place)
        cost.pairs_kept += len(before)
        cost.pairs_computed_again += sum(after.get(path) != when for path, when in before.items())
        cost.files_half_written += sum(
            not self._same(place, path) for path in files(place) if not path.name.startswith(".")
        )
        cost.files_half_written += sum(not self._outputs_of(place, path) for path in after)

    def whole(self, place: Path) -> bool:
        """Whether a folder holds the files of the undisturbed run, and no other."""
        names, expected = ({p.relative_to(f) for p in files(f)} for f in (place, self.undisturbed))
        return names == expected and all(self._same(place, path) for path in files(place))

    def timed(self, place: Path) -> Track:
        """Let a run be, and measure it."""
        started = time.monotonic()
        code, said = self.start(place).end()
        assert code == 0, said[-2000:]
        return replace(self, undisturbed=place, seconds=time.monotonic() - started)

    def _same(self, place: Path, path: Path) -> bool:
        other = self.undisturbed / path.relative_to(place)
        return other.is_file() and content(path) == content(other)

    def _outputs_of(self, place: Path, row: Path) -> bool:
        """Whether all that is kept of a pair stands before its row."""
        pair = row.relative_to(place / "pairs").with_suffix("")
        names = [path.relative_to(self.undisturbed) for path in files(self.undisturbed)]
        mine = [n for n in names if str(n.relative_to(n.parts[0])).startswith(f"{pair}.")]
        return all((place / name).is_file() for name in mine)


@contextmanager
def track(folder: Path, pairs: int, workers: int = 1) -> Iterator[Track]:
    """Make a dataset of that many pairs and score it undisturbed."""
    night(folder / "home" / "night", "test " * pairs, shape=SHAPE)
    with loaded() as program:
        made = Track(program, folder / "home", folder, workers=workers)
        made.timed(folder / "first")  # the machine code of metrics is kept from then on
        yield made.timed(folder / "undisturbed")


def files(place: Path) -> list[Path]:
    """Return the files of a run."""
    return sorted(path for path in place.rglob("*") if path.is_file())


def content(path: Path) -> Any:
    """Return what a file of a run says, times and memory aside; None of one that is broken."""
    data = path.read_bytes()
    try:
        if path.name == "record.json":
            return _record(data)
        if path.suffix == ".json":
            row = json.loads(data)
            return row["fingerprint"], _row(row["row"])
        if path.name == "rows.csv":
            lines = csv.DictReader(data.decode().splitlines())
            return [_row({**line, "seconds": line["seconds"] or None}) for line in lines]
        if path.name == "report.html":
            embedded = re.search(rb'<script [^>]*id="record">(.*?)</script>', data, re.DOTALL)
            return embedded and _record(embedded[1]), data.rstrip().endswith(b"</html>")
    except (ValueError, LookupError, TypeError):
        return None
    return data


def _record(data: bytes) -> Any:
    record = json.loads(data)
    for name in ("created", "peak_memory_bytes"):
        del record[name]
    for name in ("median_s", "pairs", "warm"):  # a process that goes on begins with a cold pair
        del record["timing"][name]
    return {**record, "rows": [_row(row) for row in record["rows"]]}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "seconds": row["seconds"] is not None}
