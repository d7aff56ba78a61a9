"""What a run of an outside method will do, and what its record may say of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from eval.machine import software
from eval.metrics import find_metrics
from eval.record import Outside, Record
from eval.running.elsewhere import engine_of, workers_of
from eval.running.folder import check_folder
from eval.running.outside import SUFFIXES, Looked, Told, check_pictures, picture_files, read_told
from eval.running.pairs import Job
from eval.running.plan import Plan
from eval.running.readable import check_metrics
from eval.running.settings import Settings, check_counts, run_folder, settled_track
from lldata.console import counted
from lldata.errors import ScoreError
from lldata.store import Store, open_store

LABEL = "outputs"


@dataclass(frozen=True)
class OutsidePlan(Plan):
    """A plan of pictures that another program made."""

    told: Told


def plan_outside(settings: Settings, tell: Callable[[str], None]) -> OutsidePlan:
    """Settle everything a run needs, having checked that every picture is there.

    Raises
    ------
    LowLightError
        If a picture is missing, twice or of another size, or flags are of a method that is run.
    """
    folder = _outputs(settings)
    engine = engine_of(settings.engine, settings.workers)
    told = read_told(folder, settings.method or None)
    settings = replace(settings, method=str(told.name))
    store = open_store(settings.dataset)
    track = settled_track(settings, store, tell)
    metrics = find_metrics(settings.metrics or track.metrics, download=settings.download)
    rows = track.select(store)
    pairs = tuple(rows["pair"])
    chosen = pairs[: settings.limit]
    method = Looked(settings.method, folder, store)
    check_metrics(metrics, method, store, rows)
    content = check_pictures(folder, store, chosen)
    _say_left_out(folder, store, chosen, tell)
    partial = len(chosen) < len(pairs)
    job = Job(
        settings.method, (), None, store.path, tuple(metric.name for metric in metrics),
        settings.out or run_folder(settings, store, track, LABEL, partial=partial),
        _fingerprint(content, store, [metric.definition for metric in metrics]),
        workers_of(engine), folder, opened=(method, store),
    )  # fmt: skip
    return OutsidePlan(
        settings, store, track, metrics, chosen, partial, method, {}, LABEL, {}, engine, job, told
    )


def as_told(record: Record, told: Told) -> Record:
    """Return a record with what is told of an outside method; what is not told is null."""
    return replace(
        record,
        domain=None,
        input=None,
        reference_use=told.reference_use,
        trained_on=told.trained_on,
        seed=None,
        hardware={},
        timing={"median_s": None, "pairs": 0},
        parameters=told.parameters,
        peak_memory_bytes=None,
        level="recomputed",
        outside=Outside(told.source, told.licence),
        rows=tuple(replace(row, seconds=None) for row in record.rows),
    )


def _outputs(settings: Settings) -> Path:
    given = {
        "--weights": settings.weights is not None,
        "--set": bool(settings.options),
        "--seed": settings.seed != 0,
        "--device": settings.device != "auto",
    }
    for flag in (flag for flag, is_given in given.items() if is_given):
        raise ScoreError(
            flag, "an outside method is not run here", "with --outputs its pictures are scored",
            "Leave it out",
        )  # fmt: skip
    check_counts(settings.limit, settings.workers)
    if settings.out is not None:
        check_folder(settings.out, f"--out {settings.out}")
    return Path(settings.outputs or "")


def _fingerprint(content: str, store: Store, definitions: list[str]) -> str:
    facts = [content, store.digest, store.reference_digest, definitions, software()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _say_left_out(
    folder: Path, store: Store, pairs: tuple[str, ...], tell: Callable[[str], None]
) -> None:
    """Say how many pictures of the folder are of no pair scored."""
    used = {file for pair in pairs for file in picture_files(folder, store, pair)}
    there = {path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES}
    left = sorted(there - used)
    if left:
        tell(f"{counted(len(left), 'picture')} of no pair scored left out, first {left[0]}")
