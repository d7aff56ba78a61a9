"""The full campaign of faults; its figures go to docs/benchmarks/faults.json, its page to docs/.

Run from the project's folder: python -m tests.faults.campaign [PART…]; parts named are measured
anew, the others keep the figures they have.
"""

from __future__ import annotations

import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lldata.publish import write_replacing
from tests.conftest import SHARED_DATA
from tests.faults import ingesting, loaders, mutants, scoring, striking
from tests.faults.downloading import kill_downloads
from tests.faults.page import page
from tests.servers import certificate, serving

OLD, NEW = 20, 28  # scenes that stand before, and that the ingest under fault adds
PAIRS, FEW_PAIRS = 8, 2  # of a run under fault; of one that is struck in every step
SEED = 2026
FIGURES = Path(__file__).parents[2] / "docs" / "benchmarks" / "faults.json"


def killed_steps(folder: Path) -> Any:
    """Kill an ingest inside every write, fsync, link, replace and unlink."""
    return _steps(_field(folder), folder, "kill")


def full_disk(folder: Path) -> Any:
    """Let every I/O step fail once as on a full disk."""
    return _steps(_field(folder), folder, "ENOSPC")


def random_kills(folder: Path) -> Any:
    """Kill 200 ingests, workers and all, at random moments."""
    return vars(striking.at_random(_field(folder, workers=2), folder, 200, SEED))


def _field(folder: Path, workers: int = 1) -> ingesting.Field:
    return ingesting.field(folder / "field", OLD, NEW, workers)


def _steps(subject: striking.Subject, folder: Path, action: str) -> Any:
    """Do it in each I/O step a command takes."""
    steps = range(1, striking.count_steps(subject, folder) + 1)
    return vars(striking.at_steps(subject, folder, steps, action))


def size_limits(folder: Path) -> Any:
    """Publish under 260 limits on the size of a file."""
    return vars(ingesting.size_limits(folder, 260))


def writers_at_once(folder: Path) -> Any:
    """Let 2 to 8 ingests of one folder run at once, 50 times."""
    field = ingesting.field(folder / "field", 2, 6)
    writers = [2 + number % 7 for number in range(50)]
    return vars(striking.at_once(field, folder, writers))


def damaged_raw(folder: Path) -> Any:
    """Decode 5,600 damaged RAW files."""
    shared = SHARED_DATA if SHARED_DATA.is_dir() else None
    return mutants.damaged_raw(folder, shared, 5600)


def damaged_stores(folder: Path) -> Any:
    """Read 2,800 damaged HDF5 files."""
    return mutants.damaged_stores(folder, 2800)


def bit_flips(folder: Path) -> Any:
    """Flip 1,000 single bits in a dataset."""
    return mutants.bit_flips(folder, 1000)


def loader_workers(folder: Path) -> Any:
    """Read crops with 0, 2 and 4 workers, forked and spawned."""
    told = loaders.digests(folder)
    return {"ways": len(told), "distinct": len(set(told.values()))}


def download_kills(folder: Path) -> Any:
    """Kill a download 200 times at random moments."""
    crt, key = certificate(folder)
    os.environ["SSL_CERT_FILE"] = str(crt)
    with serving(crt, key) as site:
        site.body, site.pause_s = random.Random(SEED).randbytes(2_000_000), 0.03
        return asdict(kill_downloads(site, folder / "out", 200, SEED))


def runs_killed(folder: Path) -> Any:
    """Kill runs of a method 100 times at random moments, each up to four times as it goes on."""
    with scoring.track(folder, PAIRS) as track:
        return vars(striking.at_random(track, folder, 100, SEED, times=4))


def runs_killed_in_steps(folder: Path) -> Any:
    """Kill a run inside every write, fsync, link, replace and unlink."""
    with scoring.track(folder, FEW_PAIRS) as track:
        return _steps(track, folder, "kill")


def runs_on_a_full_disk(folder: Path) -> Any:
    """Let every I/O step of a run fail once as on a full disk."""
    with scoring.track(folder, FEW_PAIRS) as track:
        return _steps(track, folder, "ENOSPC")


def runs_on_a_bad_disk(folder: Path) -> Any:
    """Let every I/O step of a run fail once as on a disk that is broken."""
    with scoring.track(folder, FEW_PAIRS) as track:
        return _steps(track, folder, "EIO")


def runs_limited(folder: Path) -> Any:
    """Run a method under 10 limits on the size of a file."""
    with scoring.track(folder, PAIRS) as track:
        return vars(striking.size_limits(track, folder, range(50, 6050, 600)))


def runs_interrupted(folder: Path) -> Any:
    """Press Ctrl-C 40 times at random moments of runs."""
    with scoring.track(folder, PAIRS) as track:
        return vars(striking.at_random(track, folder, 40, SEED, how=signal.SIGINT, times=4))


def runs_at_once(folder: Path) -> Any:
    """Let 2 to 4 runs into one folder begin at once, 12 times."""
    with scoring.track(folder, PAIRS) as track:
        return vars(striking.at_once(track, folder, [2 + number % 3 for number in range(12)]))


def runs_of_workers_killed(folder: Path) -> Any:
    """Kill runs with two workers 10 times at random moments, workers and all."""
    with scoring.track(folder, PAIRS, workers=2) as track:
        return vars(striking.at_random(track, folder, 10, SEED))


def runs_that_leave_workers(folder: Path) -> Any:
    """Kill runs with two workers 10 times at random moments, and not the workers."""
    with scoring.track(folder, PAIRS, workers=2) as track:
        return vars(striking.at_random(track, folder, 10, SEED, alone=True))


PARTS: tuple[Callable[[Path], Any], ...] = (
    killed_steps, full_disk, random_kills, size_limits, writers_at_once,
    damaged_raw, damaged_stores, bit_flips, loader_workers,
    download_kills,
    runs_killed, runs_killed_in_steps, runs_on_a_full_disk, runs_on_a_bad_disk, runs_limited,
    runs_interrupted, runs_at_once, runs_of_workers_killed, runs_that_leave_workers,
)  # fmt: skip


def figures() -> dict[str, Any]:
    """Return what has been measured so far."""
    told: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {}
    return told | {"python": platform.python_version(), "system": platform.system()}


def main(names: list[str]) -> None:
    """Run the parts named, or all, and write what each cost."""
    for part in PARTS:
        if names and part.__name__ not in names:
            continue
        sys.stderr.write(f"{part.__name__}\n")
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            result = part(Path(folder))
        seconds = round(time.monotonic() - started)
        told = figures()  # others may be measured meanwhile
        told[part.__name__] = {"what": part.__doc__, "seconds": seconds, "result": result}
        write_replacing(FIGURES, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())
    write_replacing(FIGURES.parents[1] / "faults.md", page(figures()).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
