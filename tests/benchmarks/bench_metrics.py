"""Time psnr + ssim of one pair against scikit-image, in the same process, medians.

Run it as `python tests/benchmarks/bench_metrics.py [--size 2848x4272] [--out FILE.json]`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import skimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from eval.machine import hardware, software
from eval.metrics import score_images


def pair(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth picture with noise of 10 of 255, and the picture."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    reference = cv2.resize(coarse, (width, height))
    noisy = reference + random.normal(0, 10, reference.shape)
    return noisy.clip(0, 255).astype(np.uint8), reference


def peer(output: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Return the same two scores by scikit-image."""
    return {
        "psnr": float(peak_signal_noise_ratio(reference, output, data_range=255)),
        "ssim": float(
            structural_similarity(
                reference, output, gaussian_weights=True, sigma=1.5,
                use_sample_covariance=False, data_range=255, channel_axis=2,
            )
        ),
    }  # fmt: skip


def timed(function: Callable[[], dict[str, float]]) -> tuple[float, dict[str, float]]:
    """Return the seconds a call takes, and its result."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def main() -> None:
    """Measure and print; keep as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="2848x4272")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    height, width = (int(side) for side in chosen.size.split("x"))
    output, reference = pair(height, width)
    tracemalloc.start()
    _, ours = timed(lambda: score_images(output, reference))
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    own, theirs, expected = [], [], {}
    for _ in range(chosen.repeats):  # in turns, so that other load meets both
        own.append(timed(lambda: score_images(output, reference))[0])
        seconds, expected = timed(lambda: peer(output, reference))
        theirs.append(seconds)
    found = {
        "what": "psnr + ssim of one pair",
        "size": [height, width],
        "seconds": median(own),
        "peer": f"scikit-image {skimage.__version__}",
        "peer_seconds": median(theirs),
        "ratio": median(theirs) / median(own),
        "largest_difference": max(abs(ours[name] - expected[name]) for name in ours),
        "memory_bytes": grown,
        "load": list(os.getloadavg()),
        "software": software(),
        "hardware": hardware("cpu"),
    }
    text = json.dumps(found, indent=2, allow_nan=False) + "\n"
    if chosen.out:
        chosen.out.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
