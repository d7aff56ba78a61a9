"""Time every classical method on one picture at two sizes; print JSON, and write the page of it.

Run it as `python tests/benchmarks/bench_classical.py > docs/benchmarks/classical.json`. A size at
which a method would take longer than --most-seconds, by its time at the smaller one, is left out.
With --methods the rows of all others are those of --kept, an earlier report of this machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import pkgutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from classical_page import page
from skimage import data

import baselines.classical
from baselines import method
from eval.machine import hardware, software
from lldata.errors import MethodError
from lldata.sample import Sample

PAGE = Path(__file__).resolve().parents[2] / "docs" / "classical.md"
VARIANTS: dict[str, list[dict[str, Any]]] = {  # besides the defaults
    "bm3d": [{"profile": "fast"}],
    "ksvd": [{"per_channel": False}],
    "lime": [{"strategy": "II"}, {"solver": "exact"}, {"denoise": "nlm"}],
}
LONG = 5.0  # seconds: what takes longer is run once
THREADS = os.environ.get("OMP_NUM_THREADS")
OFFSETS = (0, 1)  # of the Retinex methods whose change with the exposure is told


def sample(megapixels: float) -> Sample:
    """Return a photograph at a size, sides 3 to 4: dark with noise, and lit as the reference.

    The noise is that of the amplified picture, for the denoisers, which estimate it.
    """
    shape = round(math.sqrt(megapixels * 1e6 * 3 / 4)), round(math.sqrt(megapixels * 1e6 * 4 / 3))
    larger = cv2.resize(data.astronaut(), shape[::-1], interpolation=cv2.INTER_CUBIC)
    lit = larger.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    noise = np.random.default_rng(0).standard_normal(lit.shape, np.float32) * np.float32(10 / 255)
    dark = (lit / 2 + noise).clip(0, 1)
    return Sample("1/1", 100.0, srgb=dark, reference=lit)


def seconds(run: method.Method, given: Sample, runs: int) -> tuple[float, float]:
    """Return the median seconds and processor seconds of a call."""
    wall, spent = [], []
    for _ in range(runs):
        began, used = time.perf_counter(), time.process_time()
        run(given)
        wall.append(time.perf_counter() - began)
        spent.append(time.process_time() - used)
        if wall[-1] > LONG:
            break
    return statistics.median(wall), statistics.median(spent)


def built(name: str, options: dict[str, Any]) -> method.Method | str:
    """Return a method, or what it misses."""
    try:
        return method.build(name, **options)
    except MethodError as error:
        return str(error)


def times(run: method.Method, asked: argparse.Namespace) -> list[dict[str, float]]:
    """Return the seconds of a method at each size it can do in time."""
    found: list[dict[str, float]] = []
    for size in sorted(asked.megapixels):
        if found:
            each = found[-1]["cpu_seconds"] / found[-1]["megapixels"]
            if each * size > asked.most_seconds:
                break
        given = sample(size)
        run(sample(0.01))  # what it imports and plans is no part of the time
        wall, spent = seconds(run, given, asked.runs)
        found.append({"megapixels": size, "seconds": wall, "cpu_seconds": spent})
    return found


def exposures() -> list[dict[str, Any]]:
    """Return how much half the exposure changes what a Retinex method shows."""
    rows = []
    given = sample(0.3)
    assert given.srgb is not None
    halved = Sample(given.pair, given.ratio, srgb=given.srgb / 2)
    for name, offset in itertools.product(("ssr", "msr", "msrcr"), OFFSETS):
        run = method.build(name, offset=offset)
        change = np.abs(run(halved) - run(given))
        rows.append({"method": name, "offset": offset, "mean": float(change.mean()),
                     "largest": float(change.max())})  # fmt: skip
    return rows


def others(kept: Path | None, measured: set[str]) -> list[dict[str, Any]]:
    """Return the rows of an earlier report that are not measured again.

    They must be of this processor and number of threads, as the page names one.
    """
    if kept is None:
        return []
    report = json.loads(kept.read_text("utf-8"))
    if (report["hardware"], report["threads"]) != (hardware("cpu"), THREADS):
        raise SystemExit(f"{kept}: measured on other hardware or threads. Measure all again.")
    return [row for row in report["rows"] if row["method"] not in measured]


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.3, 12.0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--most-seconds", type=float, default=360.0)
    parser.add_argument("--methods", nargs="*", help="these only")
    parser.add_argument("--kept", type=Path, help="earlier report, whose other rows stay")
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args()
    names = [module.name for module in pkgutil.iter_modules(baselines.classical.__path__)]
    methods = [
        (name, options, built(name, options))
        for name in (names if asked.methods is None else asked.methods)
        for options in [{}, *VARIANTS.get(name, [])]
    ]
    rows = others(asked.kept, {name for name, _, _ in methods})
    for name, options, run in methods:
        row: dict[str, Any] = {"method": name, "options": options}
        told = {"missing": run} if isinstance(run, str) else {"times": times(run, asked)}
        rows.append(row | told)
    report = {
        "benchmark": "classical", "hardware": hardware("cpu"), "software": software(),
        "threads": THREADS, "exposures": exposures(),
        "rows": sorted(rows, key=lambda row: row["method"]),
    }  # fmt: skip
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")
    asked.page.write_text(page(report), "utf-8")


if __name__ == "__main__":
    main()
