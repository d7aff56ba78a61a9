"""Time LIME's solver against scipy's sparse direct solver on the same systems; print JSON.

The direct solver's time and memory grow faster than the picture: it is run up to --peer
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
from unittest import mock

import cv2
import numpy as np
import scipy.sparse
from scipy.sparse.linalg import spsolve
from skimage import data

from baselines.classical import lime


def noisy_photograph(megapixels: float) -> np.ndarray:
    """Return the largest channel of a darkened photograph with noise, (H, W), sides 3 to 4."""
    shape = round(math.sqrt(megapixels * 1e6 * 3 / 4)), round(math.sqrt(megapixels * 1e6 * 4 / 3))
    photograph = cv2.resize(data.astronaut(), shape[::-1], interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 0.02, shape)
    return np.clip((photograph.max(axis=2) / 255.0) ** 2 + noise, 0, 1)


def direct(right: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Solve the same system as `baselines.inference.smoothing.solve` by factorisation."""
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


def timed(run: Callable[[], np.ndarray], times: int) -> tuple[float, np.ndarray]:
    """Return the median seconds of some runs, and the last result."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), result


def main() -> None:
    """Run the sizes asked for and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.19, 0.75, 3.0])
    parser.add_argument("--peer", type=float, default=0.75, help="largest size of the peer")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    rows: list[dict[str, float | None]] = []
    peer: list[tuple[float, float]] = []
    for size in sorted(asked.megapixels):
        start = noisy_photograph(size)
        seconds, own = timed(lambda: lime.illumination(start, 0.15), asked.runs)  # noqa: B023
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        row = {"megapixels": size, "seconds": seconds, "peak_gib_so_far": memory}
        if size <= asked.peer:
            with mock.patch.object(lime, "solve", direct):
                slow, other = timed(lambda: lime.illumination(start, 0.15), 1)  # noqa: B023
            peer.append((size, slow))
            row |= {"peer_seconds": slow, "largest_difference": float(np.abs(own - other).max())}
        elif len(peer) > 1:
            (a, first), (b, second) = peer[-2:]
            growth = math.log(second / first) / math.log(b / a)
            row |= {"peer_seconds_extrapolated": second * (size / b) ** growth}
        rows.append(row)
    json.dump({"benchmark": "lime", "peer": "scipy spsolve", "rows": rows}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
