"""Run a method on a track: scores of every pair, a record, pictures and a report."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from baselines import method as methods
from baselines.method import Method, MethodInfo
from eval import tracks
from eval.folder import RECORD, TABLE
from eval.machine import hardware, software, threads
from eval.metrics import find_metrics
from eval.metrics.definition import Metric
from eval.pairs import Finished, Job, accepted, kept, load_method, score_pair
from eval.record import MetricUse, Record, pairs_sha256
from eval.report import write_report
from eval.tracks import Track
from lldata import publish
from lldata.engine import Local, Unit, run_units
from lldata.errors import MethodError, ScoreError
from lldata.store import Store, home, open_store

TIMEOUT_S = 6 * 3600.0  # of one pair; methods that are fitted to each image take their time

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Settings:
    """What `lleval run` is told; its flags are these fields."""

    method: str
    dataset: str | Path
    track: str | None = None
    split: str | None = None  # None: the track's, else test
    weights: Path | None = None
    metrics: tuple[str, ...] = ()  # empty: the track's
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    out: Path | None = None
    limit: int | None = None
    workers: int = 1
    device: str = "auto"
    download: bool = False


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    record: Record
    record_path: Path
    report_path: Path


@dataclass(frozen=True)
class _Plan:
    """Everything settled before the first pair is read."""

    settings: Settings
    store: Store
    track: Track
    metrics: list[Metric]
    pairs: tuple[str, ...]
    partial: bool
    method: Method
    config: Mapping[str, Any]  # of the weights
    label: str
    job: Job

    @property
    def info(self) -> MethodInfo:
        return self.method.info


def run(
    settings: Settings,
    *,
    tell: Callable[[str], None] = lambda _: None,
    progress: Progress = lambda _label, _total: nullcontext(lambda: None),
) -> Outcome:
    """Run a method on a track and write record.json, rows.csv, outputs, pictures and a report.

    Finished pairs are kept: an interrupted run goes on where it stopped.

    Parameters
    ----------
    settings : method, dataset and the rest of the flags
    tell : gets each line the user should know of before the work
    progress : label and number of pairs -> context giving a function to call after each pair

    Raises
    ------
    LowLightError
        Whatever is missing is named before any work starts.
    """
    plan = _plan(settings, tell)
    finished = sorted(_scored(plan, progress), key=lambda one: one.row.pair)
    record = _record(plan, finished)
    folder = plan.job.folder
    publish.write_replacing(folder / TABLE, _table(record).encode())
    path = record.write(folder / RECORD)
    return Outcome(record, path, write_report(record, folder))


def _plan(settings: Settings, tell: Callable[[str], None]) -> _Plan:
    info = _checked_info(settings)
    store = open_store(settings.dataset)
    track = _track(settings, store, tell)
    metrics = find_metrics(settings.metrics or track.metrics, download=settings.download)
    pairs = tuple(track.select(store)["pair"])
    chosen = pairs[: settings.limit]
    weights = settings.weights or (_own_weights(settings, store) if info.trainable else None)
    options = accepted(
        settings.method, settings.options, {"device": settings.device, "seed": settings.seed}
    )
    method, config = load_method(settings.method, options, weights)
    _warn_of_leak(config, chosen, store, tell)
    label = label_of(settings.options, config, settings.seed)
    folder = settings.out or home() / ".runs" / track.name / f"{settings.method}--{label}"
    facts = {
        "method": settings.method,
        "options": sorted((key, str(value)) for key, value in options.items()),
        "weights": config.get("sha256"),
        "data": [store.digest, store.reference_digest],
        "metrics": [metric.definition for metric in metrics],
        "software": software(),
    }
    fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    job = Job(
        settings.method,
        tuple(options.items()),
        weights,
        store.path,
        tuple(metric.name for metric in metrics),
        folder,
        fingerprint,
    )
    partial = len(chosen) < len(pairs)
    return _Plan(settings, store, track, metrics, chosen, partial, method, config, label, job)


def _checked_info(settings: Settings) -> MethodInfo:
    info = methods.info(settings.method)
    if info.domain == "clip":
        raise MethodError(
            f"--model {settings.method}",
            "it reads clips",
            "datasets of pairs hold none",
            "Choose a method of domain raw or srgb (lleval models)",
        )
    if settings.limit is not None and settings.limit < 1:
        raise ScoreError(
            f"--limit {settings.limit}",
            "no pair would be scored",
            "at least 1 is needed",
            "Give a larger number, or leave it out",
        )
    if settings.workers < 1:
        raise ScoreError(
            f"--workers {settings.workers}",
            "nobody would work",
            "at least 1 is needed",
            "Give a larger number, or leave it out",
        )
    if settings.workers > 1 and info.trainable:
        raise MethodError(
            f"--workers {settings.workers}",
            f"{settings.method} is a network",
            "networks use every core for one pair",
            "Leave --workers out",
        )
    return info


def _track(settings: Settings, store: Store, tell: Callable[[str], None]) -> Track:
    split = settings.split or "test"
    track = tracks.choose(store, split, settings.track)
    if settings.split and track.split != settings.split:
        raise ScoreError(
            f"--split {settings.split}",
            f"track {track.name} is of split '{track.split}'",
            "a track has one split",
            "Leave --split out, or choose another track",
        )
    if not track.pinned:
        tell(
            f"track {track.name}: all usable pairs of {store.name}, split {split} (no track of "
            "these data is kept)"
        )
    return track


def _own_weights(settings: Settings, store: Store) -> Path:
    """Return the newest finished weights of this method trained on this very dataset."""
    methods.module(settings.method)  # names the missing extra before weights are missed
    from baselines.training.weights import newest

    name = settings.method.partition("@")[0]
    found = newest(name, store.name)
    if found is None:
        raise MethodError(
            f"--model {name}",
            f"there are no weights of it trained on {store.name}",
            "a trained method needs some",
            f"Train them: lleval train --model {name} --dataset {settings.dataset}, or name "
            "others with --weights",
        )
    return found


def _warn_of_leak(
    config: Mapping[str, Any], pairs: Iterable[str], store: Store, tell: Callable[[str], None]
) -> None:
    if config.get("trained_on") != store.name:
        return
    seen = len(set(config.get("pairs", ())) & set(pairs))
    if seen:
        tell(f"the weights were trained on {seen} of these pairs: these scores are no test")
    if config.get("digest") not in (None, store.digest):
        tell(f"the weights were trained on another state of {store.name} (its digest differs)")


def label_of(options: Mapping[str, Any], config: Mapping[str, Any], seed: int) -> str:
    """Return what tells runs of one method apart: what it was trained on, and its options.

    The dataset, and preset and seed where they are not quick and 0; then the options given.
    """
    parts = []
    if config:
        parts.append(str(config.get("trained_on") or f"weights-{config['sha256'][:8]}"))
        parts += [config["preset"]] if config.get("preset", "quick") != "quick" else []
        parts += [f"seed{config['seed']}"] if config.get("seed") else []
    elif seed:
        parts.append(f"seed{seed}")
    parts += [f"{key}={value}" for key, value in sorted(options.items())]
    return re.sub(r"[^A-Za-z0-9_.=+-]+", "_", "-".join(parts)) or "default"


def _scored(plan: _Plan, progress: Progress) -> Iterator[Finished]:
    """Yield every pair, those of an earlier run first, in whatever order they end."""
    left = []
    with progress(f"{plan.settings.method} on {plan.store.name}", len(plan.pairs)) as advance:
        for pair in plan.pairs:
            earlier = kept(plan.job, pair)
            if earlier is None:
                left.append(pair)
            else:
                advance()
                yield earlier
        for finished in _work(plan, left):
            advance()
            yield finished


def _work(plan: _Plan, pairs: list[str]) -> Iterator[Finished]:
    if plan.settings.workers == 1:
        for pair in pairs:
            yield score_pair(plan.job, pair)
        return
    units = (Unit(pair, score_pair, (plan.job, pair)) for pair in pairs)
    for _, result in run_units(units, Local(plan.settings.workers, TIMEOUT_S)):
        if isinstance(result, BaseException):
            raise result
        yield result


def _record(plan: _Plan, finished: list[Finished]) -> Record:
    settings, store, info, config = plan.settings, plan.store, plan.info, plan.config
    device = str(getattr(plan.method, "device", "cpu"))
    peaks = [one.peak_memory_bytes for one in finished if one.peak_memory_bytes]
    return Record(
        track=plan.track.name,
        dataset=store.name,
        protocol=store.protocol,
        split=plan.track.split,
        method=settings.method,
        label=plan.label,
        options=dict(settings.options),
        domain=info.domain,
        input=info.input if info.domain == "srgb" else None,
        reference_use=info.reference_use,
        metrics={m.name: MetricUse(m.definition, m.unit, m.better) for m in plan.metrics},
        digest=store.digest,
        reference_digest=store.reference_digest,
        synthetic=bool(store.synthetic),
        distinct_sources=store.distinct_sources,
        pairs_sha256=pairs_sha256(plan.pairs),
        weights_sha256=config.get("sha256"),
        trained_on=_trained_on(config),
        seed=int(config.get("seed", settings.seed)),
        software=software(),
        hardware=hardware(device),
        timing=_timing(plan, finished),
        parameters=getattr(plan.method, "parameters", None),
        flops=None,
        peak_memory_bytes=max(peaks, default=None),
        level="rerun",
        partial=plan.partial,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=tuple(one.row for one in finished),
    )


def _trained_on(config: Mapping[str, Any]) -> tuple[str, ...]:
    if not config:
        return ()
    if "trained_on" not in config:
        return ("unknown",)
    return (f"{config['trained_on']}/{config.get('split', 'train')}",)


def _timing(plan: _Plan, finished: list[Finished]) -> dict[str, float | int | str | bool | None]:
    """Return the median seconds the method took for a pair, the first of a process left out."""
    warm = [one.row.seconds for one in finished if one.warm and one.row.seconds is not None]
    cold = [one.row.seconds for one in finished if one.row.seconds is not None]
    return {
        "median_s": median(warm or cold) if cold else None,
        "pairs": len(warm or cold),
        "warm": bool(warm),
        "synchronised": True,
        "workers": plan.settings.workers,
        "threads": threads(),
    }


def _table(record: Record) -> str:
    """Return the rows as CSV, one line a pair."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = list(record.metrics)
    writer.writerow(["pair", "group", "ratio", "iso", "split", "identical", "seconds", *names])
    for row in record.rows:
        scores = [row.scores[name] for name in names]
        writer.writerow(
            [
                row.pair,
                row.group,
                row.ratio,
                row.iso,
                row.split,
                row.identical,
                row.seconds,
                *scores,
            ]
        )
    return text.getvalue()
