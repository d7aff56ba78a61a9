"""A record made again from scratch, its method run on every pair, and held against the first."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from baselines import method as methods
from eval import tracks
from eval.pages.words import is_ad_hoc
from eval.progress import Progress
from eval.record import Record, Row
from eval.run import run
from eval.running.clip_pairs import Scored
from eval.running.option_files import recorded
from eval.running.settings import Settings
from eval.verification.findings import Finding, first_of, judged
from eval.verification.recompute import SAME, Difference, differences
from lldata.console import counted
from lldata.errors import MethodError
from lldata.store import Store

NETWORK = 1e-4  # dB, of a network with other threads, or on another machine (DESIGN 11)


def run_again(
    record: Record,
    store: Store,
    weights: Path | None,
    told: Mapping[str, Any],
    device: str | None,
    progress: Progress,
) -> tuple[list[Finding], list[Difference]]:
    """Run the method of a record again in a temporary folder, and compare score by score.

    Parameters
    ----------
    weights : those of the record, where it has any
    told : files the record knows by name and hash only
    device : None: the one it was made on

    Raises
    ------
    LowLightError
        If the method or the track is not in the toolkit, or weights or a file it read are not at
        hand.
    """
    _check_at_hand(record, weights)
    options = options_of(record, told)
    shipped = record.track in tracks.names()
    with TemporaryDirectory(prefix="lleval-verify-") as folder:
        again = run(
            Settings(
                record.method, store.path, record.track if shipped else None, record.split,
                weights, tuple(record.metrics), options, record.seed or 0, Path(folder),
                len(record.rows) if record.partial else None,
                device=device or str(record.hardware.get("device") or "auto"),
            ),
            progress=progress,
        ).record  # fmt: skip
    return _compared(record, again)


def _check_at_hand(record: Record, weights: Path | None) -> None:
    where = f"--rerun of {record.method}"
    if record.outside is not None:
        raise MethodError(
            where, "it is an outside method", "its program is not in the toolkit",
            "Use --from-outputs",
        )  # fmt: skip
    if record.track not in tracks.names() and not is_ad_hoc(record):
        raise MethodError(
            where, f"this version has no track {record.track}", "it says which pairs are run",
            "Use --from-outputs, or repeat the study that made it",
        )  # fmt: skip
    if record.weights_sha256 is not None and weights is None:
        raise MethodError(
            where, f"its weights, sha256 {record.weights_sha256[:12]}, are not at hand",
            "the method needs them", "Name them with --weights",
        )  # fmt: skip


def options_of(record: Record, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a record as its method takes them.

    Raises
    ------
    MethodError
        If one is a file that is not told, or another file.
    """
    known = inspect.signature(methods.module(record.method).build).parameters
    options = {key: value for key, value in record.options.items() if key in known}
    precision = record.hardware.get("precision")
    if "precision" in known and precision in ("fp32", "bf16", "fp16"):
        options.setdefault("precision", precision)  # auto is what the processor is quick at
    for key in [key for key in options if f"{key}_sha256" in record.options]:
        sha256 = record.options[f"{key}_sha256"]
        given = recorded(record.method, {key: told[key]} if key in told else {})
        if given.get(f"{key}_sha256") != sha256:
            raise MethodError(
                f"--set {key}", f"file {options[key]} with sha256 {str(sha256)[:12]} is not told",
                "the record knows it by name and hash only", f"Give it: --set {key}=PATH",
            )  # fmt: skip
        options[key] = told[key]
    return options


def allowed(record: Record, again: Record) -> float:
    """Return by how much a score may differ: nothing on the same machine with the same software."""
    same = all(
        one == other
        for one, other in (
            (record.software, again.software),
            (record.hardware, again.hardware),
            (record.timing.get("threads"), again.timing.get("threads")),
        )
    )
    if str(record.hardware.get("device")).startswith("cuda"):
        same = False  # its sums are not ordered
    network = record.hardware.get("precision") is not None
    return 0.0 if same else NETWORK if network else SAME


def _compared(record: Record, again: Record) -> tuple[list[Finding], list[Difference]]:
    within = allowed(record, again)
    made = {row.pair: row for row in again.rows}
    found: list[Difference] = []
    for row in record.rows:
        scores = {n: float("nan") if v is None else v for n, v in made[row.pair].scores.items()}
        found += differences(row, Scored(scores, made[row.pair].identical, 0.0), within)
    told = {k: v for k, v in record.options.items() if k.endswith("_sha256")}
    other = sorted(k for k, v in told.items() if again.options.get(k) != v)
    read = f"the method reads another {', '.join(other)}" if other else None
    labels = [
        f"its {name.replace('_', ' ')} is {getattr(again, name)}, not {getattr(record, name)}"
        for name in ("reference_use", "domain", "input", "parameters")
        if getattr(again, name) != getattr(record, name)
    ]
    rows = [text for row in record.rows for text in _row(row, made[row.pair], exact=not within)]
    how = f"within {within:g} of every score" if within else "the same to the last bit"
    said = f"{counted(len(record.rows), 'pair')} run again, {how}"
    return [
        judged("files read", read, "as recorded"),
        judged("told", first_of([*labels, *rows]), "method and rows are what the record says"),
        judged("scores", first_of([one.text for one in found]), said),
    ], found


def _row(row: Row, again: Row, *, exact: bool) -> Iterator[str]:
    """Yield what a row tells otherwise than its pair does; pictures may differ by machine."""
    if row.camera != again.camera:
        yield f"the camera of {row.pair} is {again.camera}, not {row.camera}"
    if exact and row.identical != again.identical:
        yield f"{row.pair}: identical is {again.identical}, not {row.identical}"
    if exact and row.output_sha256 not in (None, again.output_sha256):
        yield f"the output of {row.pair} is not the one that was scored"
