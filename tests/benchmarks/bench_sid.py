"""Time SID on one frame against the same network in plain eager float32; print JSON.

Each case has a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from multiprocessing import get_context

import numpy as np
import torch

from baselines.networks import sid
from baselines.training.learner import Data
from lldata.sample import Sample


def case(precision: str, height: int, width: int, runs: int, threads: int) -> dict[str, object]:
    """Return the median seconds and the peak memory of one precision; "eager" is the peer."""
    torch.set_num_threads(threads)
    packed = np.random.default_rng(0).random((4, height, width), np.float32) / 100
    built = sid.build(device="cpu", precision="fp32" if precision == "eager" else precision)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sample = Sample("1/1", 100.0, packed=packed)
    plain = sid.learner(sid.PRESETS["paper"], Data("raw", 4, 1), 0).network.eval()
    seconds = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        if precision == "eager":
            with torch.no_grad():
                plain(sid.prepare(torch.from_numpy(packed)[None], torch.tensor([100.0])))
        else:
            built(sample)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "case": precision,
        "precision": "fp32" if precision == "eager" else built.precision,
        "seconds": statistics.median(seconds[1:]),
        "peak_gib": peak / 2**20,
        "before_gib": before / 2**20,
    }


def main() -> None:
    """Run the three cases and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--size", type=int, nargs=2, default=[356, 532], help="packed rows, columns"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    rows = []
    for precision in ("eager", "fp32", "auto"):
        with get_context("spawn").Pool(1) as pool:
            rows.append(pool.apply(case, (precision, *asked.size, asked.runs, asked.threads)))
    report = {"benchmark": "sid", "size": asked.size, "threads": asked.threads, "rows": rows}
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
