"""Measure `lleval run`: its memory over more and more pairs, what overlapping saves; print JSON."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"
LARGE = (2848, 4256)  # photosites, as a Sony A7S has
PAIRS = 9  # of a large run; four of them are timed alone, so that five overlap


def peak() -> float:
    """Return the largest resident memory of this process so far, MiB."""
    status = Path("/proc/self/status").read_text()  # getrusage's counts the program before exec
    return next(int(s.split()[1]) for s in status.splitlines() if s.startswith("VmHWM")) / 1024


def scored() -> None:
    """Run a method on all pairs of a dataset; print pairs, time and peak memory."""
    from eval.run import run
    from eval.running.settings import Settings

    start = time.perf_counter()
    done = run(Settings("gamma", "many", split="train"))
    seconds = time.perf_counter() - start
    json.dump({"pairs": len(done.record.rows), "seconds": seconds, "mib": peak()}, sys.stdout)


def compared(model: str) -> None:
    """Score the large pairs one by one and overlapped, three times in turn; print the seconds."""
    from eval.running.overlapped import overlapped, timed
    from eval.running.pairs import score_pair
    from eval.running.plan import make_plan
    from eval.running.settings import Settings

    plan = make_plan(Settings(model, "many", split="train"), lambda _: None)
    alone = {"overlapped": timed(plan.pairs), "none timed": frozenset[str]()}
    found: dict[str, list[float]] = {"one by one": [], **{how: [] for how in alone}}
    for _ in range(3):
        for how, seconds in found.items():
            start = time.perf_counter()
            if how in alone:
                list(overlapped(plan.job, plan.pairs, alone[how]))
            else:
                [score_pair(plan.job, pair) for pair in plan.pairs]
            seconds.append(time.perf_counter() - start)
    kept = {how: median(seconds) for how, seconds in found.items()}
    counts = {"pairs": len(plan.pairs), "alone": len(alone["overlapped"])}
    json.dump({"method": model, "mib": peak()} | counts | kept, sys.stdout)


def run(home: Path, *arguments: object) -> dict[str, float]:
    """Run this file as a process of its own; return what it prints."""
    command = [sys.executable, __file__, *map(str, arguments)]
    environment = os.environ | {"LLDATA_HOME": str(home)}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def memory(pairs: int) -> dict[str, float]:
    """Return time and memory of a run on that many small pairs."""
    from many_scenes import dataset

    with tempfile.TemporaryDirectory() as folder:
        dataset(Path(folder), pairs)
        return run(Path(folder), "scored")


def overlap(models: list[str]) -> list[dict[str, float]]:
    """Return what overlapping saves of runs on pairs of 12 megapixels."""
    from many_scenes import dataset

    with tempfile.TemporaryDirectory() as folder:
        dataset(Path(folder), PAIRS, shape=LARGE)
        return [run(Path(folder), "compared", model) for model in models]


def main() -> None:
    """Do one of the works, or measure all and print one JSON document."""
    if sys.argv[1:2] == ["scored"]:
        scored()
        return
    if sys.argv[1:2] == ["compared"]:
        compared(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[200, 2000, 10_000])
    parser.add_argument("--models", nargs="*", default=["amplify", "gamma"])
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument(
        "--memory", type=Path, help="a report: its times stay, its memory is measured anew"
    )
    asked = parser.parse_args()
    from evaluation_page import page

    report = measured(asked) if asked.memory is None else remembered(asked.memory)
    asked.page.write_text(page(report), "utf-8")
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def remembered(path: Path) -> dict[str, Any]:
    """Return a report with its memory measured anew; other work slows a run, it takes no memory."""
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for row in report["memory"]:
        row["mib"] = memory(row["pairs"])["mib"]
    return report


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Return a report of all that is measured."""
    from eval.machine import hardware, software

    return {
        "what": "runs on more and more pairs; runs on 12 megapixels one by one and overlapped",
        "memory": [memory(pairs) for pairs in asked.pairs],
        "overlap": overlap(asked.models),
        "load": list(os.getloadavg()), "software": software(), "hardware": hardware("cpu"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
