"""Time psnr + ssim of one pair against scikit-image and pyiqa, and of batches of pairs in torch.

All in the same process, medians.

Run it as `python tests/benchmarks/bench_metrics.py [--size 2848x4272] [--out FILE.json]`. pyiqa
needs more than 10 GB for 12 megapixels, so it is met on a smaller pair; ours is timed on both.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from eval.machine import hardware, software
from eval.metrics import find_metrics, score_batch, score_images, similarity

Scores = dict[str, float]
Peer = Callable[[np.ndarray, np.ndarray], Scores]


def pair(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth picture with noise of 10 of 255, and the picture."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    reference = cv2.resize(coarse, (width, height))
    noisy = reference + random.normal(0, 10, reference.shape)
    return noisy.clip(0, 255).astype(np.uint8), reference


def by_scikit_image(output: np.ndarray, reference: np.ndarray) -> Scores:
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


def by_pyiqa(output: np.ndarray, reference: np.ndarray) -> Scores:
    """Return the same two scores by pyiqa, its networks made beforehand."""
    found = score_images(output, reference, find_metrics(("pyiqa:psnr", "pyiqa:ssimc")))
    return {"psnr": found["pyiqa:psnr"], "ssim": found["pyiqa:ssimc"]}


def timed(function: Callable[[], Scores]) -> tuple[float, Scores]:
    """Return the seconds a call takes, and its result."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def beside(peer: Peer, size: str, repeats: int) -> dict[str, Any]:
    """Return medians of ours and of a peer on the same pair, in turns."""
    height, width = (int(side) for side in size.split("x"))
    output, reference = pair(height, width)
    ours, expected = score_images(output, reference), peer(output, reference)
    own, core, theirs = [], [], []
    for _ in range(repeats):  # in turns, so that other load meets all
        own.append(timed(lambda: score_images(output, reference))[0])
        with patch.object(similarity, "LARGE", math.inf):  # as without the extra fast
            core.append(timed(lambda: score_images(output, reference))[0])
        theirs.append(timed(lambda: peer(output, reference))[0])
    return {
        "size": [height, width],
        "seconds": median(own),
        "peer_seconds": median(theirs),
        "ratio": median(theirs) / median(own),
        "without_fast": {"seconds": median(core), "ratio": median(theirs) / median(core)},
        "largest_difference": {name: abs(ours[name] - expected[name]) for name in ours},
    }


def batched(sizes: list[str], repeats: int) -> list[dict[str, Any]]:
    """Return medians of batches in torch, where there is an accelerator on it, and one by one."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    found = []
    for size in sizes:
        count, height, width = (int(number) for number in size.split("x"))
        pictures = pair(height, width)
        tensors = [
            torch.from_numpy(one).permute(2, 0, 1).expand(count, -1, -1, -1).to(device).contiguous()
            for one in pictures
        ]
        one_by_one = partial(score_images, *pictures)
        together, alone = [], []
        for _ in range(repeats + 1):  # of which the first warms the device
            seconds, ours = timed(partial(_first_of_batch, *tensors))
            together.append(seconds)
            alone.append(sum(timed(one_by_one)[0] for _ in range(count)))
        expected = one_by_one()
        found.append({
            "device": device, "pairs": count, "size": [height, width],
            "seconds": median(together[1:]) / count, "alone_seconds": median(alone[1:]) / count,
            "largest_difference": {name: abs(ours[name] - expected[name]) for name in ours},
        })  # fmt: skip
    return found


def _first_of_batch(outputs: Any, references: Any) -> Scores:
    """Return the scores of the first pair of a batch; the device has computed all by then."""
    scores = score_batch(outputs, references)
    return {name: values.tolist()[0] for name, values in scores.items()}


def memory_of_one_pair(size: str) -> int:
    """Return the bytes of Python and NumPy that scoring a pair holds at most."""
    output, reference = pair(*(int(side) for side in size.split("x")))
    tracemalloc.start()
    score_images(output, reference)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def main() -> None:
    """Measure and print; keep as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="2848x4272")
    parser.add_argument("--pyiqa-size", default="712x1068")
    parser.add_argument("--batches", nargs="+", default=["64x256x256", "4x2848x4272"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    memory = memory_of_one_pair(chosen.size)
    peers = {"scikit-image": beside(by_scikit_image, chosen.size, chosen.repeats)}
    if find_spec("pyiqa"):
        peers["pyiqa"] = beside(by_pyiqa, chosen.pyiqa_size, chosen.repeats)
    found = {
        "what": "psnr + ssim of one pair",
        "peers": peers,
        "memory_bytes": memory,
        "batches": batched(chosen.batches, chosen.repeats) if find_spec("torch") else [],
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
