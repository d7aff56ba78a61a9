"""What a run will do, settled before its first pair: data, metrics, weights, label, folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines import method as methods
from baselines.inputs import check_data
from baselines.method import Method, MethodInfo
from eval.machine import software, threads
from eval.metrics import find_metrics
from eval.metrics.definition import Metric
from eval.running.elsewhere import THREADS, check_device, engine_of, workers_of
from eval.running.folder import check_folder
from eval.running.label import label_of
from eval.running.option_files import read_by, recorded
from eval.running.pairs import Job, accepted, load_method
from eval.running.readable import check_metrics
from eval.running.settings import Settings, check_counts, run_folder, settled_track
from eval.running.trained import check_own, is_own, missing, own_weights, warn_of_leak
from eval.tracks import Track
from lldata.engine import Engine
from lldata.store import Store, open_store


@dataclass(frozen=True)
class Plan:
    """Everything a run needs to know of itself."""

    settings: Settings
    store: Store
    track: Track
    metrics: list[Metric]
    pairs: tuple[str, ...]
    partial: bool
    method: Method
    config: Mapping[str, Any]  # of the weights
    label: str
    options: Mapping[str, Any]  # as the record keeps them: those given, and what else it reads
    engine: Engine | None  # None: this very process
    job: Job

    @property
    def info(self) -> MethodInfo:
        """What the method is."""
        return self.method.info


def make_plan(settings: Settings, tell: Callable[[str], None]) -> Plan:
    """Settle everything a run needs, or name what is missing.

    Raises
    ------
    LowLightError
        If the method, dataset, track, weights or a metric cannot be had, or flags contradict.
    """
    info = methods.info(settings.method)
    check_counts(settings.limit, settings.workers)
    engine = engine_of(settings.engine, settings.workers)
    if settings.out is not None:
        check_folder(settings.out, f"--out {settings.out}")
    store = open_store(settings.dataset)
    own = own_weights(settings.method, store) if info.trainable else None
    if own is None and settings.weights is None:
        check_data(_as_asked(settings, info), store)
    track = settled_track(settings, store, tell)
    metrics = find_metrics(settings.metrics or track.metrics, download=settings.download)
    rows = track.select(store)
    pairs = tuple(rows["pair"])
    chosen = pairs[: settings.limit]
    options = accepted(
        settings.method, settings.options, {"device": settings.device, "seed": settings.seed}
    )
    weights, method, config = _loaded(settings, options, store, own, trainable=info.trainable)
    check_device(method, engine)
    check_metrics(metrics, method, store, rows)
    warn_of_leak(config, chosen, store, tell)
    read = read_by(method, cameras(store, rows[: settings.limit]))
    given = recorded(settings.method, settings.options)
    named = weights is not None and not is_own(weights, own, config, store)
    hashes = {key: value for key, value in read.items() if key.endswith("_sha256")}
    label = label_of(given | hashes, config, settings.seed, named=named)
    partial = len(chosen) < len(pairs)
    folder = settings.out or run_folder(settings, store, track, label, partial=partial)
    job = Job(
        settings.method,
        tuple(options.items()),
        weights,
        store.path,
        tuple(metric.name for metric in metrics),
        folder,
        _fingerprint(
            recorded(settings.method, options) | read, method, config, store, metrics,
            threads_each=None if engine is None else THREADS,
        ),
        workers_of(engine),
        opened=(method, store),
    )  # fmt: skip
    return Plan(
        settings, store, track, metrics, chosen, partial, method, config, label, given | read,
        engine, job,
    )  # fmt: skip


def cameras(store: Store, rows: Any) -> Iterator[str]:
    """Yield the camera of the frame of each row of the pair table, none of pictures and clips."""
    if store.kind == "raw":
        nothing = (slice(0, 0), slice(0, 0))
        for row in rows.itertuples(index=False):
            yield store.frame(row.scene, row.short, window=nothing).camera


def _loaded(
    settings: Settings,
    options: Mapping[str, Any],
    store: Store,
    own: Path | None,
    *,
    trainable: bool,
) -> tuple[Path | None, Method, Mapping[str, Any]]:
    """Return weights, method and their config; what it reads is settled now, and checked."""
    weights = settings.weights or own
    if trainable and weights is None:
        raise missing(settings.method, settings.dataset, store, settings.options)
    method, config = load_method(settings.method, options, weights)
    check_data(method.info, store)
    if weights is not None and settings.weights is None:
        check_own(settings.method, config, store, settings.dataset)
    return weights, method, config


def _as_asked(settings: Settings, info: MethodInfo) -> MethodInfo:
    """Return what a method is under the options given, without weights."""
    if not settings.options:
        return info
    return methods.build(settings.method, **settings.options).info


def _fingerprint(
    options: Mapping[str, Any],
    method: Method,
    config: Mapping[str, Any],
    store: Store,
    metrics: Iterable[Metric],
    *,
    threads_each: int | None,
) -> str:
    """Return the hash of all that fixes the scores: pairs kept under another are not used.

    Parameters
    ----------
    threads_each : those each pair is computed with; None: those of this process
    """
    network = hasattr(method, "device")
    facts = {
        "method": [method.info.name, method.info.input],
        "options": sorted((key, str(value)) for key, value in options.items()),
        "weights": config.get("sha256"),
        "device": str(getattr(method, "device", "cpu")),
        "precision": getattr(method, "precision", None),
        "threads": (threads_each or threads(network=True)) if network else None,
        "data": [store.digest, store.reference_digest],
        "metrics": [metric.definition for metric in metrics],
        "software": software(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
