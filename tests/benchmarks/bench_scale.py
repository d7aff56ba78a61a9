"""Measure what grows with a dataset: opening it, its memory, an ingest's memory; print JSON."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median


def peak() -> float:
    """Return the largest resident memory of this process so far, MiB."""
    status = Path("/proc/self/status").read_text()  # getrusage's counts the program before exec
    return next(int(s.split()[1]) for s in status.splitlines() if s.startswith("VmHWM")) / 1024


def opened() -> None:
    """Open a dataset as training does; print how long that takes and the memory it needs."""
    start = time.perf_counter()
    from lldata.store import open_store

    imported, before = time.perf_counter(), peak()
    store = open_store("many")
    index = time.perf_counter()
    pairs = len(store.usable("train"))
    end = time.perf_counter()
    report = {"import": imported - start, "open": index - imported, "tables": end - index}
    json.dump(report | {"pairs": pairs, "mib": peak() - before}, sys.stdout)


def ingested(src: Path) -> None:
    """Ingest a folder with one worker; print the time and the peak memory of this process."""
    from lldata import ingest
    from lldata.engine import named

    engine = named("local", 1)
    start = time.perf_counter()
    (found,) = ingest.prepare(src, "sid_sony", "many", engine)
    scenes = sum(o.state == "stored" for o in ingest.ingest(found, engine, deep=False))
    json.dump({"scenes": scenes, "seconds": time.perf_counter() - start, "mib": peak()}, sys.stdout)


def captures(folder: Path, scenes: int) -> Path:
    """Write that many scenes of 48x64 photosites: hard links to one."""
    from tests.captures import light, write_scene

    write_scene(folder / "card", "00001", light(1, (48, 64)))
    for path in sorted((folder / "card").rglob("*.DNG")):
        for number in range(2, scenes + 1):
            path.with_name(path.name.replace("00001", f"{number:05}", 1)).hardlink_to(path)
    return folder / "card"


def run(home: Path, *arguments: object) -> dict[str, float]:
    """Run this file as a process of its own; return what it prints."""
    environment = os.environ | {"LLDATA_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def opening(scenes: int, pairs: int, rounds: int) -> dict[str, float]:
    """Return the medians of opening a dataset of that many scenes and pairs in each."""
    from many_scenes import dataset

    with tempfile.TemporaryDirectory() as folder:
        dataset(Path(folder), scenes, pairs)
        found = [run(Path(folder), "opened") for _ in range(rounds)]
    return {"scenes": scenes, **{key: median(one[key] for one in found) for key in found[0]}}


def ingesting(scenes: int) -> dict[str, float]:
    """Return time and memory of ingesting that many scenes."""
    with tempfile.TemporaryDirectory() as folder:
        src = captures(Path(folder), scenes)
        found = run(Path(folder) / "home", "ingested", src)
        shutil.rmtree(src)
    return found


def main() -> None:
    """Do one of the works, or measure all and print one JSON document."""
    if sys.argv[1:2] == ["opened"]:
        opened()
        return
    if sys.argv[1:2] == ["ingested"]:
        ingested(Path(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ingested", type=int, nargs="+", default=[100, 2000])
    asked = parser.parse_args()
    from eval.machine import hardware, software

    report = {
        "what": "opening datasets of 100,000 pairs; ingesting more and more scenes",
        "opening": [opening(*each, asked.rounds) for each in ((10_000, 10), (100_000, 1))],
        "ingesting": [ingesting(scenes) for scenes in asked.ingested],
        "load": list(os.getloadavg()), "software": software(), "hardware": hardware("cpu"),
    }  # fmt: skip
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
