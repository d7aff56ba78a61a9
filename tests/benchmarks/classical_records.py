"""Run every classical method on datasets and keep the records among the shipped ones.

    python -m tests.benchmarks.classical_records sid_sony_tiles lol_256 canon6d_simulated

The datasets must be ingested, and be what their tracks pin. Of RAW captures every method has a row
of the rendering it reads by default, and enhancers one of the amplified short frame too. A record
that is there of the same data and definitions stays; a run that was stopped is gone on with.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import baselines.classical
from baselines import method
from eval import tracks
from eval.metrics import find_metric
from eval.record import Record
from eval.running.label import label_of
from eval.tracks import Track
from lldata.errors import ScoreError
from lldata.store import open_store

RECORDS = Path(__file__).resolve().parents[2] / "leaderboard" / "records"
OPTIONS: dict[str, list[dict[str, Any]]] = {  # of all others the defaults alone
    "bm3d": [{"profile": "fast"}],  # the full one takes three times as long
    "ksvd": [{"patches": 4000}],  # to learn from; the default of 40,000 takes ten times as long
    "gamma": [{}, {"gamma": "auto"}],
    "lime": [{}, {"solver": "exact"}],
}
# amplified, the one is `amplify`; the other has the mean of the reference with any gain
ONE_RENDERING = ("identity", "scaled")
LLEVAL = [sys.executable, "-c", "from eval.cli import app; app()"]


@dataclass(frozen=True)
class Case:
    """A row of the leaderboard: a method, of which rendering, with which options."""

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The name of its record, METHOD--LABEL.json."""
        return f"{self.method}--{label_of(self.options, {}, 0)}.json"


def classical() -> list[str]:
    """Return the names of the methods without a network."""
    return [module.name for module in pkgutil.iter_modules(baselines.classical.__path__)]


def cases(kind: str) -> Iterator[Case]:
    """Yield the rows of a dataset of this kind: "raw", or "pictures", whose ratio is not known."""
    for name in classical():
        options = OPTIONS.get(name, [{}])
        amplified = method.info(name).input == "amplified"
        if kind == "pictures":
            if name != "amplify":
                yield from (Case(f"{name}@short" if amplified else name, one) for one in options)
            continue
        yield from (Case(name, one) for one in options)
        if not amplified and name not in ONE_RENDERING:
            yield from (Case(f"{name}@amplified", one) for one in options)


def is_kept(path: Path, track: Track) -> bool:
    """Whether a record is there, of the data and the definitions the track has today."""
    if not path.is_file():
        return False
    record = Record.read(path)
    wanted = {name: find_metric(name).definition for name in track.metrics}
    return (record.digest, record.reference_digest) == (track.digest, track.reference_digest) and (
        {name: use.definition for name, use in record.metrics.items()} == wanted
    )


def scored(case: Case, dataset: str, track: Track, workers: int) -> Record:
    """Run a method by the command, in a process of its own: its peak memory is its own."""
    sets = [f"--set={key}={value}" for key, value in case.options.items()]
    arguments = ["run", "--model", case.method, "--dataset", dataset, "--track", track.name,
                 "--workers", str(workers), *sets, "--json"]  # fmt: skip
    done = subprocess.run([*LLEVAL, *arguments], stdout=subprocess.PIPE, check=True)
    return Record.read(Path(json.loads(done.stdout)["record"]))


def main() -> None:
    """Score what has no record yet; each is kept as soon as it is finished."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", help="names under $LLDATA_HOME, or folders")
    parser.add_argument("--methods", nargs="+", help="these only, as the rows are called")
    parser.add_argument("--workers", type=int, default=1, help="processes for the pairs of a run")
    parser.add_argument("--records", type=Path, default=RECORDS)
    asked = parser.parse_args()
    for dataset in asked.datasets:
        store = open_store(dataset)
        track = tracks.choose(store, "test")
        if not track.pinned:
            raise ScoreError(
                f"dataset {dataset}", "no track pins its data", "a record is kept under one",
                "Add one to leaderboard/tracks, or ingest the data a track is about",
            )  # fmt: skip
        for case in cases(store.kind):
            path = asked.records / track.name / case.file_name
            chosen = not asked.methods or case.method in asked.methods
            if chosen and not is_kept(path, track):
                scored(case, dataset, track, asked.workers).write(path)


if __name__ == "__main__":
    main()
