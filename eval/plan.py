"""What a run will do, settled before its first pair: data, metrics, weights, label, folder."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baselines import method as methods
from baselines.method import Method, MethodInfo
from eval import tracks
from eval.machine import software
from eval.metrics import find_metrics
from eval.metrics.definition import Metric
from eval.pairs import Job, accepted, load_method
from eval.tracks import Track
from lldata.errors import MethodError, ScoreError
from lldata.store import Store, home, open_store


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
    job = Job(
        settings.method,
        tuple(options.items()),
        weights,
        store.path,
        tuple(metric.name for metric in metrics),
        folder,
        _fingerprint(settings.method, options, config, store, metrics),
    )
    partial = len(chosen) < len(pairs)
    return Plan(settings, store, track, metrics, chosen, partial, method, config, label, job)


def _fingerprint(
    method: str,
    options: Mapping[str, Any],
    config: Mapping[str, Any],
    store: Store,
    metrics: Iterable[Metric],
) -> str:
    """Return the hash of all that fixes the scores: pairs kept under another are not used."""
    facts = {
        "method": method,
        "options": sorted((key, str(value)) for key, value in options.items()),
        "weights": config.get("sha256"),
        "data": [store.digest, store.reference_digest],
        "metrics": [metric.definition for metric in metrics],
        "software": software(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


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
