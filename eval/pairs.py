"""One pair: read, run the method, score, keep. The unit of work of a run."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines import method as methods
from baselines.method import Method
from eval import pictures
from eval.clip_pairs import Scored, score_clip_pair
from eval.conditions import Conditions, conditions_of
from eval.folder import row_path
from eval.machine import peak_memory_bytes, synchronise
from eval.metrics import find_metrics, score_images
from eval.metrics.pixels import to_uint8
from eval.record import Row, read_strict_json
from lldata import cfa, publish
from lldata.console import to_json
from lldata.errors import MethodError, ScoreError
from lldata.sample import Sample, pair_row, read_sample, reference_picture, sample_of_frame
from lldata.scene import Picture
from lldata.store import Store, open_store

Planes = NDArray[np.float32]  # (C, h, w) packed, linear


@dataclass(frozen=True)
class Job:
    """What every pair of a run has in common; small, hashable, sent to each worker."""

    method: str
    options: tuple[tuple[str, Any], ...]
    weights: Path | None
    dataset: Path
    metrics: tuple[str, ...]
    folder: Path
    fingerprint: str  # of all that fixes the scores; kept rows of another one are not used
    workers: int = 1


@dataclass(frozen=True)
class Finished:
    """A scored pair as it is kept."""

    fingerprint: str
    row: Row
    warm: bool  # not the first pair its process ran
    peak_memory_bytes: int | None
    conditions: Conditions
    created: str  # ISO 8601, UTC


def load_method(
    name: str, options: Mapping[str, Any], weights: Path | None
) -> tuple[Method, Mapping[str, Any]]:
    """Return the method, with its weights where it takes any, and what their config says.

    Raises
    ------
    MethodError
        If the method, an option or the weights do not exist or do not fit.
    """
    method: Any = methods.build(name, **options)
    if weights is None:
        return method, {}
    if not hasattr(method, "load"):
        raise MethodError(
            f"--weights {weights}",
            f"{name} takes no weights",
            "only a trained method does",
            "Leave --weights out",
        )
    return method, method.load(weights)


def accepted(name: str, options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with those defaults the method's build knows (device, seed)."""
    known = inspect.signature(methods.module(name).build).parameters
    return {**{key: value for key, value in defaults.items() if key in known}, **options}


def score_pair(job: Job, pair: str) -> Finished:
    """Run the method on one pair, score its output and keep everything in the run's folder.

    Raises
    ------
    MethodError
        If the method's output is no finite picture of the size of the reference.
    """
    runner = _runner(job)
    scored = runner.clip(job, pair) if runner.store.kind == "clips" else runner.pair(job, pair)
    source = pair_row(runner.store, pair)
    row = Row(
        pair=pair,
        group=source.group,
        ratio=_known(source.ratio),
        iso=_known(source.iso),
        split=source.split,
        scores={k: value if np.isfinite(value) else None for k, value in scored.scores.items()},
        identical=scored.identical,
        seconds=scored.seconds,
        camera=scored.camera,
        frames_left_out=scored.frames_left_out,
    )
    finished = Finished(
        job.fingerprint,
        row,
        runner.calls > 1,
        peak_memory_bytes(),
        conditions_of(runner.method, job.workers),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    text = to_json(asdict(finished)) + "\n"
    publish.write_replacing(row_path(job.folder, pair), text.encode())
    return finished


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def kept(job: Job, pair: str) -> Finished | None:
    """Return the result an earlier, interrupted run left of a pair, if it is of this very job."""
    path = row_path(job.folder, pair)
    if not path.is_file():
        return None
    try:
        document = read_strict_json(path)
        if document["fingerprint"] != job.fingerprint:
            return None
        parts = {"row": Row(**document["row"]), "conditions": Conditions(**document["conditions"])}
        return Finished(**{**document, **parts})
    except (ScoreError, TypeError, KeyError):
        return None


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


class _Runner:
    """A job's method, store and metrics, made once in each process."""

    def __init__(self, job: Job) -> None:
        self.metrics = find_metrics(job.metrics)
        self.store: Store = open_store(job.dataset)
        self.method, _ = load_method(job.method, dict(job.options), job.weights)
        self.calls = 0

    def pair(self, job: Job, pair: str) -> Scored:
        """Run and score one pair of frames or pictures, and keep its pictures."""
        sample, reference = self.read(pair)
        sample, output, seconds = self.run(sample)
        check_output(output, reference.shape[:2], f"{job.method} on {pair}")
        picture = output.transpose(1, 2, 0)
        given = None if sample.srgb is None else sample.srgb.transpose(1, 2, 0)
        planes = self.planes(sample, pair)
        scores = score_images(picture, reference, self.metrics, input=given, raw=planes)
        shown = to_uint8(picture), to_uint8(reference)
        pictures.keep(job.folder, sample, *shown)
        camera = sample.frame.camera if sample.frame else None
        return Scored(scores, bool(np.array_equal(*shown)), seconds, camera or None)

    def planes(self, sample: Sample, pair: str) -> tuple[Planes, Planes] | None:
        """Return packed planes (C, h, w) of the method and of the long mosaic, if a metric asks."""
        if not any("raw_output" in metric.reads for metric in self.metrics):
            return None
        row = pair_row(self.store, pair)
        found: Planes = self.method.raw(sample)  # type: ignore[attr-defined]  # was checked
        if not np.isfinite(found).all():
            raise MethodError(
                f"{self.method.info.name} on {pair}", "its raw planes hold NaN or infinite values",
                "they must be finite", "Correct the method",
            )  # fmt: skip
        return found, cfa.normalise(self.store.frame(row.scene, row.long, "long"))

    def clip(self, job: Job, pair: str) -> Scored:
        """Run and score one clip, and keep its frames."""
        self.calls += 1
        return score_clip_pair(self.method, self.store, pair, self.metrics, job.folder)

    def read(self, pair: str) -> tuple[Sample, Picture]:
        """Return what the method may see, not rendered yet, and the reference (H, W, 3)."""
        use = self.method.info.reference_use
        sample = read_sample(
            self.store, pair,
            reference=use in ("mean", "histogram"), degradation=use == "degradation",
        )  # fmt: skip
        return sample, reference_picture(self.store, pair_row(self.store, pair))

    def run(self, sample: Sample) -> tuple[Sample, NDArray[np.float32], float]:
        """Return what the method was given, its picture, and the seconds it took.

        The accelerator's work is included, and so is the rendering of what a picture method
        reads: a raw method needs none, so only thus are their times those of one image.
        """
        synchronise()
        start = time.perf_counter()
        given = self._rendered(sample)
        output = self.method(given)
        synchronise()
        seconds = time.perf_counter() - start
        self.calls += 1
        return given, output, seconds

    def _rendered(self, sample: Sample) -> Sample:
        info = self.method.info
        if info.domain != "srgb" or sample.frame is None:
            return sample
        drawn = sample_of_frame(sample.frame, sample.pair, sample.ratio, picture=info.input)
        return replace(sample, srgb=drawn.srgb)


@functools.lru_cache(maxsize=1)
def _runner(job: Job) -> _Runner:
    return _Runner(job)
