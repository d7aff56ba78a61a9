"""Time LIME's solver against scipy's sparse direct solver on the same systems; print JSON.

A photograph with noise, the same one smooth, and photographs that are given, all enlarged to each
size. The direct solver's time and memory grow faster than the picture: it is run up to --peer
megapixels, and beyond them extrapolated by its own growth, which the rows say.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import scipy.sparse
from scipy.sparse.linalg import spsolve
from skimage import data

from baselines.classical import lime
from eval.machine import hardware, software

Row = dict[str, float | str | None]


def enlarged(photograph: np.ndarray, megapixels: float) -> np.ndarray:
    """Return the largest channel of a photograph enlarged to a size, (H, W), sides 3 to 4."""
    shape = round(math.sqrt(megapixels * 1e6 * 3 / 4)), round(math.sqrt(megapixels * 1e6 * 4 / 3))
    larger = cv2.resize(photograph, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return larger.max(axis=2) / 255.0


def noisy(start: np.ndarray) -> np.ndarray:
    """Return a darkened map with noise."""
    return np.clip(start**2 + np.random.default_rng(0).normal(0, 0.02, start.shape), 0, 1)


def direct(right: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Solve the same system as `baselines.inference.grids.smoothing.solve` by factorisation."""
    height, width = right.shape
    beside, under = np.zeros_like(right), np.zeros_like(right)
    beside[:, :-1], under[:-1] = across, down
    diagonal = 1 + beside + under
    diagonal[:, 1:] += across
    diagonal[1:] += down
    off = [-beside.ravel()[:-1], -under.ravel()[:-width]]
    diagonals = [diagonal.ravel(), off[0], off[0], off[1], off[1]]
    matrix = scipy.sparse.diags(diagonals, [0, 1, -1, width, -width], format="csc")
    return spsolve(matrix, right.ravel()).reshape(height, width)


def timed(run: Callable[[], np.ndarray], times: int) -> tuple[float, float, np.ndarray]:
    """Return the median seconds and processor seconds of some runs, and the last result."""
    seconds, processor = [], []
    for _ in range(times):
        began, spent = time.perf_counter(), time.process_time()
        result = run()
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - spent)
    return statistics.median(seconds), statistics.median(processor), result


def case(name: str, make: Callable[[float], np.ndarray], asked: argparse.Namespace) -> list[Row]:
    """Return the rows of one picture: all sizes of our own, for their memory, then the peer's.

    A size beyond the peer's has what the peer's last growth gives.
    """
    rows: list[Row] = []
    solved = {}
    for size in sorted(asked.megapixels):
        start = make(size)
        wall, spent, found = timed(lambda: lime.illumination(start, 0.15), asked.runs)  # noqa: B023
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append({"picture": name, "megapixels": size, "seconds": wall, "cpu_seconds": spent,
                     "peak_gib_so_far": memory})  # fmt: skip
        if size <= asked.peer:
            solved[size] = found
    known: list[tuple[float, float]] = []
    for row, size in zip(rows, sorted(asked.megapixels), strict=True):
        if size in solved:
            start = make(size)
            with mock.patch.object(lime, "solve", direct):
                wall, spent, other = timed(lambda: lime.illumination(start, 0.15), 1)  # noqa: B023
            known.append((size, spent))
            row |= {"peer_seconds": wall, "peer_cpu_seconds": spent,
                    "largest_difference": float(np.abs(solved[size] - other).max())}  # fmt: skip
        elif len(known) > 1:
            (a, first), (b, spent) = known[-2:]
            growth = math.log(spent / first) / math.log(b / a)
            spent *= (size / b) ** growth
            row |= {"peer_growth": growth, "peer_cpu_seconds_extrapolated": spent}
        else:
            continue
        row["times_as_fast"] = spent / float(row["cpu_seconds"] or math.nan)
    smallest, largest = rows[0], rows[-1]
    grown, times = (math.log(float(largest[key] or 0) / float(smallest[key] or 0))
                    for key in ("cpu_seconds", "megapixels"))  # fmt: skip
    largest["growth"] = grown / times
    return rows


def main() -> None:
    """Run the pictures and sizes asked for and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path, nargs="*", help="enlarged to each size too")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.25, 0.5, 1.0, 12.0])
    parser.add_argument("--peer", type=float, default=1.0, help="largest size of the peer")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    astronaut = data.astronaut()
    cases = {"astronaut, dark and noisy": lambda size: noisy(enlarged(astronaut, size)),
             "astronaut, smooth": lambda size: enlarged(astronaut, size)}  # fmt: skip
    for path in asked.photographs:
        cases[path.stem] = lambda size, path=path: enlarged(cv2.imread(str(path)), size)
    rows = [row for name, make in cases.items() for row in case(name, make, asked)]
    json.dump({"benchmark": "lime", "peer": "scipy spsolve", "hardware": hardware("cpu"),
               "software": software(), "rows": rows}, sys.stdout, indent=2)  # fmt: skip
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
