"""The full campaign of faults; its figures go to docs/benchmarks/faults.json, its page to docs/.

Run from the project's folder: python -m tests.faults.campaign [PART…]; parts named are measured
anew, the others keep the figures they have.
"""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lldata.publish import write_replacing
from tests.conftest import SHARED_DATA
from tests.faults import ingesting, loaders, mutants, scoring
from tests.faults.downloading import kill_downloads
from tests.faults.page import page
from tests.servers import certificate, serving

OLD, NEW = 20, 28  # scenes that stand before, and that the ingest under fault adds
PAIRS = 10  # of a run under fault
SEED = 2026
FIGURES = Path(__file__).parents[2] / "docs" / "benchmarks" / "faults.json"


def killed_steps(folder: Path) -> Any:
    """Kill an ingest inside every write, fsync, link, replace and unlink."""
    return _steps(folder, "kill")


def full_disk(folder: Path) -> Any:
    """Let every I/O step fail once as on a full disk."""
    return _steps(folder, "ENOSPC")


def _steps(folder: Path, action: str) -> Any:
    field = ingesting.field(folder / "field", OLD, NEW)
    count = ingesting.count_steps(field, folder)
    return ingesting.as_json(ingesting.at_steps(field, folder, range(1, count + 1), action))


def random_kills(folder: Path) -> Any:
    """Kill 200 ingests, workers and all, at random moments."""
    field = ingesting.field(folder / "field", OLD, NEW)
    return ingesting.as_json(ingesting.at_random(field, folder, 200, SEED))


def size_limits(folder: Path) -> Any:
    """Publish under 260 limits on the size of a file."""
    return ingesting.as_json(ingesting.size_limits(folder, 260))


def writers_at_once(folder: Path) -> Any:
    """Let 2 to 8 ingests of one folder run at once, 50 times."""
    field = ingesting.field(folder / "field", 2, 6)
    writers = [2 + number % 7 for number in range(50)]
    return ingesting.as_json(ingesting.at_once(field, folder, writers))


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
    """Kill 100 runs of a method at random moments."""
    track = scoring.track(folder, PAIRS)
    costs = [vars(scoring.at_random(track, folder, 25, SEED + part)) for part in range(4)]
    return {name: sum(cost[name] for cost in costs) for name in costs[0]}


def runs_killed_in_steps(folder: Path) -> Any:
    """Kill a run inside every twentieth write, fsync, link, replace and unlink."""
    return _run_steps(folder, "kill", 20)


def runs_on_a_full_disk(folder: Path) -> Any:
    """Let every fortieth I/O step of a run fail as on a full disk."""
    return _run_steps(folder, "ENOSPC", 40)


def _run_steps(folder: Path, action: str, every: int) -> Any:
    track = scoring.track(folder, PAIRS)
    steps = range(1, scoring.count_steps(track, folder) + 1, every)
    return vars(scoring.at_steps(track, folder, steps, action))


def runs_limited(folder: Path) -> Any:
    """Run a method under 5 limits on the size of a file."""
    track = scoring.track(folder, PAIRS)
    return vars(scoring.size_limits(track, folder, range(50, 1050, 200)))


def runs_at_once(folder: Path) -> Any:
    """Let 2 to 4 runs into one folder begin at once, 6 times."""
    track = scoring.track(folder, PAIRS)
    return vars(scoring.at_once(track, folder, [2 + number % 3 for number in range(6)]))


PARTS: tuple[Callable[[Path], Any], ...] = (
    killed_steps, full_disk, random_kills, size_limits, writers_at_once,
    damaged_raw, damaged_stores, bit_flips, loader_workers,
    download_kills,
    runs_killed, runs_killed_in_steps, runs_on_a_full_disk, runs_limited, runs_at_once,
)  # fmt: skip


def main(names: list[str]) -> None:
    """Run the parts named, or all, and write what each cost."""
    told: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {}
    told |= {"python": platform.python_version(), "system": platform.system()}
    for part in PARTS:
        if names and part.__name__ not in names:
            continue
        sys.stderr.write(f"{part.__name__}\n")
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            result = part(Path(folder))
        seconds = round(time.monotonic() - started)
        told[part.__name__] = {"what": part.__doc__, "seconds": seconds, "result": result}
        write_replacing(FIGURES, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())
    if all(part.__name__ in told for part in PARTS):
        write_replacing(FIGURES.parents[1] / "faults.md", page(told).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
