"""One pair, from the store to its kept row: the unit of work of a run."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from baselines import method as methods
from baselines.method import Method
from eval.machine import peak_memory_bytes
from eval.metrics import find_metrics
from eval.record import Row
from eval.running.clip_pairs import Scored
from eval.running.conditions import Conditions, conditions_of
from eval.running.disturbance import Disturbance
from eval.running.folder import row_path
from eval.running.outside import Looked
from eval.running.stages import Made, Stages
from eval.strict_json import read_strict_json
from lldata import publish
from lldata.console import to_json
from lldata.errors import MethodError, ScoreError
from lldata.sample import pair_row
from lldata.store import Store, open_store


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
    workers: int | None = 1  # pairs computed at once on a machine; None: a cluster's, not known
    outputs: Path | None = None  # of an outside method: its pictures, looked up instead
    disturbance: Disturbance | None = None  # of what the method is given
    pictures: bool = True  # whether outputs and small pictures are kept
    opened: tuple[Method, Store] | None = field(default=None, compare=False)  # already, here


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
    stages = stages_of(job)
    if stages.store.kind == "clips":
        scored, row = stages.clip(pair), pair_row(stages.store, pair)
        return _keep(job, row, scored, stages.calls > 1, conditions_of(stages.method, job.workers))
    made = stages.run(stages.read(pair))
    return finish(job, made, conditions_of(stages.method, job.workers))


def finish(job: Job, made: Made, conditions: Conditions, *, timed: bool = True) -> Finished:
    """Score what was made of a pair and keep everything in the run's folder, its row last.

    Parameters
    ----------
    conditions : under which it was made
    timed : whether nothing else of this run was computed beside the method
    """
    scored = stages_of(job).score(made)
    if not timed:
        scored = replace(scored, seconds=None)
    return _keep(job, made.given.row, scored, made.warm, conditions)


def _keep(
    job: Job,
    source: Any,
    scored: Scored,
    warm: bool,
    conditions: Conditions,
) -> Finished:
    row = Row(
        pair=source.pair,
        group=source.group,
        ratio=_known(source.ratio),
        iso=_known(source.iso),
        split=source.split,
        scores={k: value if np.isfinite(value) else None for k, value in scored.scores.items()},
        identical=scored.identical,
        seconds=scored.seconds,
        camera=scored.camera,
        frames_left_out=scored.frames_left_out,
        output_sha256=scored.output_sha256,
    )
    created = datetime.now(UTC).isoformat(timespec="seconds")
    finished = Finished(job.fingerprint, row, warm, peak_memory_bytes(), conditions, created)
    text = to_json(asdict(finished)) + "\n"
    publish.write_replacing(row_path(job.folder, row.pair), text.encode())
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


def sharing(found: Iterable[Finished]) -> Iterator[Finished]:
    """Yield each, what many have in common held once: a run may have any number of pairs."""
    conditions: list[Conditions] = []
    texts: dict[Any, Any] = {}
    for one in found:
        if one.conditions not in conditions:
            conditions.append(one.conditions)
        row = replace(
            one.row,
            split=texts.setdefault(one.row.split, one.row.split),
            camera=texts.setdefault(one.row.camera, one.row.camera),
        )
        yield replace(
            one, row=row, conditions=conditions[conditions.index(one.conditions)],
            fingerprint=texts.setdefault(one.fingerprint, one.fingerprint),
        )  # fmt: skip


@functools.lru_cache(maxsize=1)
def stages_of(job: Job) -> Stages:
    """Return what is done to each pair of a job, made once in each process."""
    method, store = job.opened or _opened(job)
    return Stages(
        method, store, find_metrics(job.metrics), job.folder if job.pictures else None,
        job.disturbance,
    )  # fmt: skip


def _opened(job: Job) -> tuple[Method, Store]:
    store = open_store(job.dataset)
    if job.outputs is not None:
        return Looked(job.method, job.outputs, store), store
    return load_method(job.method, dict(job.options), job.weights)[0], store
