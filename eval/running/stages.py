"""What is done to one pair of frames or pictures: read, made into a picture, scored and kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.method import Method
from eval.machine import synchronise
from eval.metrics import score_images
from eval.metrics.definition import Metric
from eval.metrics.pixels import to_uint8
from eval.running import pictures
from eval.running.clip_pairs import Scored, score_clip_pair
from eval.running.disturbance import Disturbance, disturbed
from lldata import cfa
from lldata.errors import MethodError
from lldata.sample import Sample, pair_row, read_sample, reference_picture, sample_of_frame
from lldata.scene import Picture
from lldata.store import Store

Planes = NDArray[np.float32]  # (C, h, w) packed, linear


@dataclass(frozen=True, eq=False)
class Given:
    """A pair as it was read."""

    row: Any  # of the pair table
    sample: Sample  # what the method may see; what it reads may not be rendered yet
    reference: Picture  # (H, W, 3)
    long: Planes | None  # of the long mosaic, where a metric asks


@dataclass(frozen=True, eq=False)
class Made:
    """What a method made of a pair."""

    given: Given  # rendered
    output: Planes  # (3, H, W)
    raw: Planes | None  # of the method, where a metric asks
    seconds: float
    warm: bool  # not the first pair of its process


class Stages:
    """A method, a store and metrics; each stage may have a thread of its own.

    Reading alone touches the store, running alone the method.

    Parameters
    ----------
    folder : where outputs and small pictures are kept; None: of pairs, none are
    disturbance : of what the method is given, never of the reference
    """

    def __init__(
        self, method: Method, store: Store, metrics: Sequence[Metric], folder: Path | None,
        disturbance: Disturbance | None = None,
    ) -> None:  # fmt: skip
        self.method, self.store, self.metrics, self.folder = method, store, metrics, folder
        self.disturbance = disturbance
        self.calls = 0  # of the method

    def read(self, pair: str, *, rendered: bool = False) -> Given:
        """Read a pair; `rendered`, the picture a picture method reads of a frame is made, too."""
        use = self.method.info.reference_use
        sample = read_sample(
            self.store, pair,
            reference=use in ("mean", "histogram"), degradation=use == "degradation",
        )  # fmt: skip
        sample = disturbed(sample, self.disturbance)
        row = pair_row(self.store, pair)
        return Given(
            row,
            self._rendered(sample) if rendered else sample,
            reference_picture(self.store, row),
            self._long(row),
        )

    def run(self, given: Given) -> Made:
        """Run the method, and take the time of it.

        The accelerator's work is included, and so is the rendering of what a picture method
        reads: a raw method needs none, so only thus are their times those of one image.

        Raises
        ------
        MethodError
            If the method's output is no finite picture of the size of the reference.
        """
        synchronise()
        start = time.perf_counter()
        sample = self._rendered(given.sample)
        output = self.method(sample)
        synchronise()
        seconds = time.perf_counter() - start
        self.calls += 1
        where = f"{self.method.info.name} on {sample.pair}"
        check_output(output, given.reference.shape[:2], where)
        raw = None if given.long is None else self._raw(sample, where)
        return Made(replace(given, sample=sample), output, raw, seconds, self.calls > 1)

    def score(self, made: Made) -> Scored:
        """Score what was made, and keep its pictures."""
        sample, reference = made.given.sample, made.given.reference
        picture = made.output.transpose(1, 2, 0)
        given = None if sample.srgb is None else sample.srgb.transpose(1, 2, 0)
        long = made.given.long
        planes = None if made.raw is None or long is None else (made.raw, long)
        scores = score_images(picture, reference, self.metrics, input=given, raw=planes)
        shown = to_uint8(picture), to_uint8(reference)
        if self.folder is not None:
            pictures.keep(self.folder, sample, *shown)
        camera = sample.frame.camera if sample.frame else None
        identical, sha256 = bool(np.array_equal(*shown)), pictures.pixels_sha256(shown[0])
        return Scored(scores, identical, made.seconds, camera or None, output_sha256=sha256)

    def clip(self, pair: str) -> Scored:
        """Read, run and score one clip frame by frame, and keep its frames."""
        if self.folder is None:
            raise ValueError("the frames of a clip are kept, or its flicker could not be scored")
        self.calls += 1
        return score_clip_pair(
            self.method, self.store, pair, self.metrics, self.folder, self.disturbance
        )

    def _rendered(self, sample: Sample) -> Sample:
        info = self.method.info
        if info.domain != "srgb" or sample.frame is None or sample.srgb is not None:
            return sample
        drawn = sample_of_frame(sample.frame, sample.pair, sample.ratio, picture=info.input)
        return replace(sample, srgb=drawn.srgb)

    def _long(self, row: Any) -> Planes | None:
        """Return packed planes (C, h, w) of the long mosaic, if a metric asks."""
        if not any("raw_output" in metric.reads for metric in self.metrics):
            return None
        return cfa.normalise(self.store.frame(row.scene, row.long, "long"))

    def _raw(self, sample: Sample, where: str) -> Planes:
        found: Planes = self.method.raw(sample)  # type: ignore[attr-defined]  # was checked
        if not np.isfinite(found).all():
            raise MethodError(
                where, "its raw planes hold NaN or infinite values", "they must be finite",
                "Correct the method",
            )  # fmt: skip
        return found


def check_output(
    output: NDArray[np.float32], size: tuple[int, ...], where: str, who: str = "reference"
) -> None:
    """Refuse what a method may not return.

    Raises
    ------
    MethodError
        If it is no finite (3, H, W) picture of a size (H, W), that of `who`.
    """
    expected = (3, *size)
    if output.shape != expected:
        found, wanted = f"its output has shape {output.shape}", f"the {who} asks for {expected}"
    elif not np.isfinite(output).all():
        found, wanted = "its output holds NaN or infinite values", "a picture must be finite"
    else:
        return
    raise MethodError(where, found, wanted, "Correct the method or train it again")
