"""Records and run folders as a run leaves them, for the tests of the pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data

from eval.metrics import find_metric
from eval.pages.summary import Score, scores_of
from eval.record import MetricUse, Record, Row, pairs_sha256
from eval.running.folder import picture_path
from eval.running.pictures import encoded, error_map

RATIOS = (100.0, 250.0, 300.00012)
DIGEST, REFERENCES = "d1" * 32, "5e" * 32


def rows(psnr: float = 30.0, groups: int = 8, seed: int = 1) -> tuple[Row, ...]:
    """Return three pairs of each group, of three ratios and two ISOs, scored about `psnr` dB."""
    random = np.random.default_rng(seed)
    found = []
    for group in range(groups):
        place = random.normal(0, 1.6)
        for ratio in RATIOS:
            scene = f"1{group:04d}"
            db = psnr + place - 1.2 * np.log2(ratio / 200) + random.normal(0, 0.7)
            found.append(
                Row(
                    pair=f"{scene}/{scene}_00_{10 / ratio:.3g}s",
                    group=scene,
                    ratio=ratio,
                    iso=float((2000, 12800)[group % 2]),
                    split="test",
                    scores={"psnr": float(db), "ssim": float(1 - 0.25 * 10 ** ((28 - db) / 12))},
                    identical=False,
                    seconds=float(random.uniform(0.9, 1.1)),
                )
            )
    return tuple(found)


def score_of(of: Record, metric: str) -> Score:
    """Return one metric's score over all rows."""
    return next(score for score in scores_of(of) if score.metric == metric)


def record(scored: Sequence[Row] | None = None, **changes: Any) -> Record:
    """Return the record of a plausible run of sid, with some fields changed."""
    scored = tuple(rows() if scored is None else scored)
    psnr, ssim = find_metric("psnr"), find_metric("ssim")
    values: dict[str, Any] = {
        "track": "canon6d_iso12600.test",
        "dataset": "canon6d_iso12600",
        "protocol": "canon6d_iso12600",
        "split": "test",
        "method": "sid",
        "label": "canon6d_iso12600",
        "options": {},
        "domain": "raw",
        "input": None,
        "reference_use": "none",
        "metrics": {m.name: MetricUse(m.definition, m.unit, m.better) for m in (psnr, ssim)},
        "digest": DIGEST,
        "reference_digest": REFERENCES,
        "synthetic": True,
        "distinct_sources": 12,
        "pairs_sha256": pairs_sha256(row.pair for row in scored),
        "weights_sha256": "ab" * 32,
        "trained_on": ("canon6d_iso12600/train",),
        "trained_on_digest": DIGEST,
        "seed": 0,
        "software": {"python": "3.11.9", "numpy": "2.4.0", "torch": "2.15.0"},
        "hardware": {"processor": "A processor of 2 cores", "cores": 2, "accelerator": None},
        "timing": {"median_s": 1.0132, "pairs": 23, "warm": True, "synchronised": True},
        "parameters": 7760268,
        "flops": None,
        "peak_memory_bytes": 2_130_000_000,
        "level": "rerun",
        "partial": False,
        "created": "2026-01-05T12:00:00+00:00",
        "rows": scored,
    }
    return Record(**{**values, **changes})


def classical(method: str, psnr: float, **changes: Any) -> Record:
    """Return the record of a method without weights that scores about `psnr` dB."""
    return record(
        rows(psnr),
        **{
            "method": method,
            "label": "default",
            "weights_sha256": None,
            "trained_on": (),
            "trained_on_digest": None,
            "parameters": None,
            "timing": {"median_s": 0.0213},
            **changes,
        },
    )


def write(folder: Path, *records: Record) -> list[Path]:
    """Write records as files of `folder`."""
    return [one.write(folder / f"{number}.json") for number, one in enumerate(records)]


def write_pictures(folder: Path, of: Record, size: int = 180) -> None:
    """Write the four pictures of every pair of a run, photographs made dark and noisy."""
    photographs = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    random = np.random.default_rng(0)
    for number, row in enumerate(of.rows):
        photograph = photographs[number % 3]
        top = 10 * (number % 7)
        reference = photograph[top : top + size, 20 : 20 + size * 3 // 2]
        noise = random.normal(0, 255 * 10 ** (-(row.scores["psnr"] or 60) / 20), reference.shape)
        output = (reference + noise).clip(0, 255).astype(np.uint8)
        shown = {
            "input": (output // 9).astype(np.uint8),
            "output": output,
            "reference": reference,
            "error": error_map(output, reference),
        }
        for kind, picture in shown.items():
            path = picture_path(folder, row.pair, kind)  # type: ignore[arg-type]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(picture, ".jpg"))
