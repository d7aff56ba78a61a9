"""One clip: every frame through the method, scored by itself and kept, then the clip as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.inference.frame_by_frame import enhanced_clip
from baselines.method import Method
from eval import pictures
from eval.folder import frame_path
from eval.machine import synchronise
from eval.metrics import score_clip, score_images
from eval.metrics.definition import Metric
from eval.metrics.pixels import to_uint8
from lldata import publish
from lldata.clip_sample import clip_frames, clip_reference, read_clip_sample
from lldata.errors import MethodError, ScoreError
from lldata.sample import Sample, pair_row
from lldata.store import Store

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]


@dataclass(frozen=True)
class Scored:
    """What a method made of a pair: its scores and the time it took."""

    scores: dict[str, float]  # of a clip's frames the mean, identical ones left out
    identical: bool  # output and reference, of every frame, are equal in 8 bits
    seconds: float  # of the method, over all frames
    camera: str | None = None


def check_metrics(metrics: Sequence[Metric], store: Store, rows: Any) -> None:
    """Refuse metrics that read what clips do not have.

    Parameters
    ----------
    rows : of the pair table, those to be scored

    Raises
    ------
    ScoreError
        If one reads raw planes, or the reference of a clip whose truth nobody knows.
    """
    unknown = [row.pair for row in rows.itertuples(index=False) if not row.reference]
    for metric in metrics:
        if {"raw_output", "raw_reference"} & set(metric.reads):
            raise ScoreError(
                f"--metrics {metric.name}", "it reads raw planes", f"{store.name} holds clips",
                "Choose another metric (lleval metrics)",
            )  # fmt: skip
        if "reference" in metric.reads and unknown:
            raise ScoreError(
                f"--metrics {metric.name}",
                f"it compares with a reference, and {unknown[0]} is one of unpaired clips",
                "only simulated clips have a hidden truth",
                "Choose metrics without a reference: --metrics flicker,warp_error,entropy",
            )  # fmt: skip


def score_clip_pair(
    method: Method, store: Store, pair: str, metrics: Sequence[Metric], folder: Path
) -> Scored:
    """Run a method on a clip, keep its frames as PNG and score them.

    Holds a few frames at a time, whatever the length of the clip.

    Raises
    ------
    MethodError
        If the method does not give a finite picture for each frame.
    """
    row = pair_row(store, pair)
    single = [metric for metric in metrics if "clip" not in metric.reads]
    sums: dict[str, list[float]] = {metric.name: [] for metric in single}
    identical, seconds, count = bool(row.reference), 0.0, 0
    truths: Iterator[Planes | None] = clip_reference(store, row) or repeat(None)
    outputs = enhanced_clip(method, read_clip_sample(store, pair))
    given_frames = clip_frames(store, row.scene, row.short)
    for number, (given, truth) in enumerate(zip(given_frames, truths, strict=False)):
        output, spent = _next(outputs, given, f"{method.info.name} on {pair}, frame {number}")
        seconds, count = seconds + spent, number + 1
        picture, before = output.transpose(1, 2, 0), given.transpose(1, 2, 0)
        reference = None if truth is None else truth.transpose(1, 2, 0)
        for name, value in score_images(picture, reference, single, input=before).items():
            sums[name].append(value)
        shown = to_uint8(picture)
        content = pictures.encoded(shown, ".png")
        publish.write_replacing(frame_path(folder, pair, number), content)
        identical &= reference is not None and np.array_equal(shown, to_uint8(reference))
        if number == 0:
            reference_shown = None if reference is None else to_uint8(reference)
            pictures.keep_small(folder, Sample(pair, np.nan, srgb=given), shown, reference_shown)
    scores = {name: _mean(values) for name, values in sums.items()}
    whole = [metric for metric in metrics if "clip" in metric.reads]
    scores |= score_clip(KeptFrames(folder, pair, count), whole)
    return Scored({metric.name: scores[metric.name] for metric in metrics}, identical, seconds)


@dataclass(frozen=True)
class KeptFrames:
    """The frames of an enhanced clip as a run kept them, gone through as often as needed."""

    folder: Path
    pair: str
    count: int

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for number in range(self.count):
            path = frame_path(self.folder, self.pair, number)
            picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
            if picture is None:
                raise ScoreError(
                    path, "it is no picture any more", "the run kept a frame there",
                    "Remove it and run again",
                )  # fmt: skip
            yield np.asarray(picture, np.uint8)


def _next(outputs: Iterator[Planes], given: Planes, where: str) -> tuple[Planes, float]:
    """Return the next frame a method gives, and the seconds it took."""
    synchronise()
    start = time.perf_counter()
    output = next(outputs, None)
    synchronise()
    seconds = time.perf_counter() - start
    if output is None or output.shape != given.shape:
        found = "there is none" if output is None else f"its shape is {output.shape}"
        raise MethodError(
            where, found, f"a frame of shape {given.shape} is expected", "Correct the method"
        )
    return output, seconds


def _mean(values: list[float]) -> float:
    """Return the mean of the finite scores; infinity where every frame is identical."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("inf")
