"""One clip: every frame through the method, scored by itself and kept, then the clip as a whole."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.inference.clips.frame_by_frame import clip_of, enhanced_clip
from baselines.method import Method
from eval.machine import synchronise
from eval.metrics import score_clip, score_images
from eval.metrics.definition import Metric
from eval.metrics.pixels import to_uint8
from eval.running import pictures
from eval.running.disturbance import Disturbance, disturbed_frames
from eval.running.folder import frame_path
from lldata import publish
from lldata.clip_sample import clip_frames, clip_reference, read_clip_sample
from lldata.errors import MethodError, ScoreError
from lldata.sample import Sample, pair_row
from lldata.store import Store

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]
Pixels = NDArray[np.float32]  # (H, W, 3) in [0, 1]


@dataclass(frozen=True)
class Scored:
    """What a method made of a pair: its scores and the time it took."""

    scores: dict[str, float]  # of a clip's frames the mean; NaN is undefined
    identical: bool  # output and reference, of every frame, are equal in 8 bits
    # of the method for one picture, of a clip the mean over its frames; None: not timed
    seconds: float | None
    camera: str | None = None
    # of a clip, by metric: frames of infinite score, as identical ones have, out of the mean
    frames_left_out: dict[str, int] | None = None
    output_sha256: str | None = None  # of a clip over those of its frames


def score_clip_pair(
    method: Method, store: Store, pair: str, metrics: Sequence[Metric], folder: Path,
    disturbance: Disturbance | None = None,
) -> Scored:  # fmt: skip
    """Run a method on a clip, keep its frames as PNG and score them.

    Holds a few frames at a time, whatever the length of the clip. With a disturbance, it is what
    the method is given that is disturbed, not its truth.

    Raises
    ------
    MethodError
        If the method does not give a finite picture for each frame, and no more.
    ScoreError
        If the clip's truth is of another length.
    """
    row = pair_row(store, pair)
    truths = _truths(store, row)
    single = [metric for metric in metrics if "clip" not in metric.reads]
    sample = read_clip_sample(store, pair)
    reading = _Timed(disturbed_frames(clip_of(sample, method.info.name), disturbance, pair))
    outputs = enhanced_clip(method, replace(sample, clip=reading))
    frames: list[_Frame] = []
    shown = disturbed_frames(clip_frames(store, row.scene, row.short), disturbance, pair)
    for given, truth in zip(shown, truths, strict=True):
        where = f"{method.info.name} on {pair}, frame {len(frames)}"
        output, seconds = _next(outputs, reading, given, where)
        reference = None if truth is None else truth.transpose(1, 2, 0)
        frames.append(_scored(output, given, reference, single, seconds))
        _keep(folder, pair, len(frames) - 1, output, given, reference)
    _check_ended(outputs, f"{method.info.name} on {pair}", len(frames))
    values = {metric.name: [one.scores[metric.name] for one in frames] for metric in single}
    scores = {name: _mean(each) for name, each in values.items()}
    whole = [metric for metric in metrics if "clip" in metric.reads]
    scores |= score_clip(KeptFrames(folder, pair, len(frames)), whole)
    left_out = {name: sum(map(math.isinf, each)) for name, each in values.items()}
    return Scored(
        {metric.name: scores[metric.name] for metric in metrics},
        all(one.identical for one in frames),
        math.fsum(one.seconds for one in frames) / len(frames),
        frames_left_out={name: count for name, count in left_out.items() if count},
        output_sha256=hashlib.sha256("\n".join(one.sha256 for one in frames).encode()).hexdigest(),
    )


@dataclass(frozen=True)
class _Frame:
    """One frame of a clip, scored by itself."""

    scores: dict[str, float]
    identical: bool
    seconds: float
    sha256: str  # of its pixels in 8 bits


class _Timed:
    """The frames of a clip, and the seconds it took to read them."""

    def __init__(self, frames: Iterator[Planes]) -> None:
        self.frames, self.seconds = frames, 0.0

    def __iter__(self) -> Iterator[Planes]:
        return self

    def __next__(self) -> Planes:
        start = time.perf_counter()
        try:
            return next(self.frames)
        finally:
            self.seconds += time.perf_counter() - start


def _truths(store: Store, row: Any) -> Iterator[Planes | None]:
    """Return the true frame for each of a clip's, None for each where nobody knows them."""
    count = store.clip_shape(row.scene, row.short)[0]
    truths = clip_reference(store, row)
    if truths is None:
        return repeat(None, count)
    known = store.clip_shape(row.scene, row.reference)[0]
    if known != count:
        raise ScoreError(
            f"{store.name}: pair {row.pair}", f"its truth has {known} frames",
            f"the clip has {count}", "Ingest clips whose truth is of their length",
        )  # fmt: skip
    return truths


def _scored(
    output: Planes, given: Planes, reference: Pixels | None, metrics: Sequence[Metric],
    seconds: float,
) -> _Frame:  # fmt: skip
    picture, before = output.transpose(1, 2, 0), given.transpose(1, 2, 0)
    scores = score_images(picture, reference, metrics, input=before)
    shown = to_uint8(picture)
    identical = reference is not None and np.array_equal(shown, to_uint8(reference))
    return _Frame(scores, bool(identical), seconds, pictures.pixels_sha256(shown))


def _keep(
    folder: Path, pair: str, number: int, output: Planes, given: Planes, reference: Pixels | None
) -> None:
    """Keep a frame in full, and of the first one the small pictures."""
    shown = to_uint8(output.transpose(1, 2, 0))
    publish.write_replacing(frame_path(folder, pair, number), pictures.encoded(shown, ".png"))
    if number == 0:
        truth = None if reference is None else to_uint8(reference)
        pictures.keep_small(folder, Sample(pair, np.nan, srgb=given), shown, truth)


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


def _next(
    outputs: Iterator[Planes], reading: _Timed, given: Planes, where: str
) -> tuple[Planes, float]:
    """Return the next frame a method gives, and the seconds it took without those of reading."""
    synchronise()
    start, read = time.perf_counter(), reading.seconds
    output = next(outputs, None)
    synchronise()
    seconds = time.perf_counter() - start - (reading.seconds - read)
    if output is None or output.shape != given.shape:
        found = "there is none" if output is None else f"its shape is {output.shape}"
        raise MethodError(
            where, found, f"a frame of shape {given.shape} is expected", "Correct the method"
        )
    return output, seconds


def _check_ended(outputs: Iterator[Planes], where: str, count: int) -> None:
    if next(outputs, None) is not None:
        raise MethodError(
            where, f"it gives more than {count} frames", "it gives one for each it reads",
            "Correct the method",
        )  # fmt: skip


def _mean(values: list[float]) -> float:
    """Return the mean of the finite scores; infinity where all are, NaN where one is undefined."""
    if any(map(math.isnan, values)):
        return math.nan
    finite = [value for value in values if math.isfinite(value)]
    return float(np.mean(finite)) if finite else math.inf
