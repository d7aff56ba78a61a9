"""Runs of a method that are killed, interrupted, starved and raced, on the command line.

Every function returns how many faults were put in and what they cost: finished pairs computed
again, and records that are not those of an undisturbed run. Zero everywhere is the promise.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.ingesting import environment
from tests.stores import night

LLEVAL = "import sys; from eval.cli import app; sys.argv[0] = 'lleval'; app()"
SHAPE = (48, 64)


@dataclass(frozen=True)
class Track:
    """A dataset to score a method on, and what an undisturbed run makes of it."""

    home: Path
    record: Any  # without times
    seconds: float  # that the run took, start and all


@dataclass
class Cost:
    """What faults have cost so far."""

    faults: int = 0
    pairs_computed_again: int = 0  # of those that were finished before
    records_changed: int = 0  # the run that went on gave another record, or none
    unclear_endings: int = 0  # neither a success, nor one line and exit 2, nor the kill

    def none(self) -> bool:
        """Whether nothing was lost, changed or left unclear."""
        return not any(v for k, v in self.__dict__.items() if k != "faults")


def track(folder: Path, pairs: int) -> Track:
    """Make a dataset of that many pairs and score it undisturbed."""
    night(folder / "home" / "night", "test " * pairs, shape=SHAPE)
    started = time.monotonic()
    done = run(folder / "home", folder / "undisturbed")
    assert done.returncode == 0, done.stderr[-2000:]
    seconds = time.monotonic() - started
    return Track(folder / "home", record_of(folder / "undisturbed"), seconds)


def command(out: Path) -> list[str]:
    """Return the command line of a run."""
    options = ("run", "--model", "gamma", "--dataset", "night", "--out", str(out))
    return [sys.executable, "-c", LLEVAL, *options]


def run(home: Path, out: Path, **faults: str) -> subprocess.CompletedProcess[str]:
    """Run a method to its end, or to the fault."""
    return subprocess.run(
        command(out), env=environment(home, **faults), capture_output=True, text=True,
        timeout=300, start_new_session=True, check=False,
    )  # fmt: skip


def started(
    home: Path, out: Path, prepare: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    """Start a run in a session of its own."""
    return subprocess.Popen(
        command(out), env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True, preexec_fn=prepare,
    )  # fmt: skip


def record_of(out: Path) -> Any:
    """Return the record of a run without its times and its memory; None where there is none."""
    path = out / "record.json"
    if not path.is_file():
        return None
    record = json.loads(path.read_text("utf-8"))
    for name in ("created", "peak_memory_bytes"):
        del record[name]
    for name in ("median_s", "pairs", "warm"):  # a process that goes on begins with a cold pair
        del record["timing"][name]
    for row in record["rows"]:
        row["seconds"] = row["seconds"] is not None
    return record


def rows(out: Path) -> dict[Path, int]:
    """Return the finished pairs, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in sorted((out / "pairs").rglob("*.json"))}


def go_on(track: Track, out: Path, cost: Cost) -> None:
    """Run again to the end; count what is not as if nothing had happened."""
    before = rows(out)
    run(track.home, out)
    after = rows(out)
    cost.pairs_computed_again += sum(after.get(path) != when for path, when in before.items())
    cost.records_changed += record_of(out) != track.record
    cost.records_changed += bool(list(out.rglob(".*")))  # a lock, or a file never finished
    shutil.rmtree(out)


def at_random(track: Track, scratch: Path, kills: int, seed: int) -> Cost:
    """Kill runs at random moments of their work."""
    cost, rng = Cost(), random.Random(seed)
    while cost.faults < kills:
        out = scratch / f"killed{cost.faults}"
        process = started(track.home, out)
        time.sleep(rng.uniform(0.2, 1) * track.seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        cost.faults += process.returncode == -signal.SIGKILL
        go_on(track, out, cost)
    return cost


def at_steps(track: Track, scratch: Path, steps: Sequence[int], action: str) -> Cost:
    """Kill a run in the middle of each of some I/O steps, or let the step fail."""
    cost = Cost()
    for step in steps:
        out, counter = scratch / f"{action}{step}", scratch / f"{action}{step}.steps"
        faults = {"FAULT_AT": str(step), "FAULT_ACTION": action, "FAULT_COUNTER": str(counter)}
        done = run(track.home, out, **faults)
        cost.faults += 1
        expected = -signal.SIGKILL if action == "kill" else 2
        cost.unclear_endings += done.returncode != expected or "Traceback" in done.stderr
        go_on(track, out, cost)
    return cost


def count_steps(track: Track, scratch: Path) -> int:
    """Return how many I/O steps a run takes."""
    counter = scratch / "count.steps"
    faults = {"FAULT_AT": "0", "FAULT_ACTION": "kill", "FAULT_COUNTER": str(counter)}
    assert run(track.home, scratch / "count", **faults).returncode == 0
    return counter.stat().st_size


def size_limits(track: Track, scratch: Path, limits: Sequence[int]) -> Cost:
    """Run under limits on the size of a file, each smaller than what a run writes."""
    cost = Cost()
    for limit in limits:
        out = scratch / f"limit{limit}"

        def bound(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        process = started(track.home, out, bound)
        _, said = process.communicate(timeout=300)
        cost.faults += 1
        one_line = "file too large" in said.strip().splitlines()[-1]
        cost.unclear_endings += process.returncode != 2 or "Traceback" in said or not one_line
        go_on(track, out, cost)
    return cost


def at_once(track: Track, scratch: Path, runs: Sequence[int]) -> Cost:
    """Let several runs into one folder begin at once, as many as each entry says."""
    cost = Cost()
    for number, count in enumerate(runs):
        out = scratch / f"race{number}"
        racing = [started(track.home, out) for _ in range(count)]
        ended = [(process, process.communicate(timeout=300)[1]) for process in racing]
        cost.faults += 1
        refused = "another lleval run is writing there"
        cost.unclear_endings += sum(
            process.returncode != 0 and (process.returncode != 2 or refused not in said)
            for process, said in ended
        )
        cost.unclear_endings += all(process.returncode for process, _ in ended)
        cost.records_changed += record_of(out) != track.record
        go_on(track, out, cost)
    return cost


def interrupted(track: Track, out: Path) -> tuple[int, str, int]:
    """Press Ctrl-C once the first pair is kept.

    Returns
    -------
    exit code, last line said, pairs kept
    """
    process = started(track.home, out)
    while not rows(out) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    return process.returncode, said.strip().splitlines()[-1], len(rows(out))
