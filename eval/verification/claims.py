"""What a record claims about definitions, data, pairs and weights, held against what is at hand."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines import method as methods
from baselines.method import MethodInfo
from eval import tracks
from eval.kept_weights import files_of, finished
from eval.metrics import find_metrics, metrics
from eval.metrics.scoring import THROUGH_PYIQA
from eval.pages.words import is_ad_hoc
from eval.record import Record, Row
from eval.verification.findings import Finding, judged
from lldata.console import counted
from lldata.errors import LowLightError
from lldata.store import Store, open_store
from lldata.upkeep import file_digest

ENOUGH = 3  # pairs or metrics named in one message


def definitions(record: Record) -> Finding:
    """Whether this version knows each metric, under the very definition."""
    wrong: list[str] = []
    missing: list[str] = []
    for name, use in record.metrics.items():
        try:
            (metric,) = find_metrics([name])
        except LowLightError as error:
            known = name in metrics() or name.startswith(THROUGH_PYIQA)
            (missing if known else wrong).append(str(error))
            continue
        if metric.definition != use.definition:
            wrong.append(f"{name} is definition {use.definition}, here {metric.definition}")
        elif (metric.unit, metric.better) != (use.unit, use.better):
            told = [f"{one.unit or 'no unit'} and better {one.better}" for one in (use, metric)]
            wrong.append(f"{name} is told with {told[0]}, here {told[1]}")
    if missing and not wrong:
        return Finding("definitions", "unknown", missing[0])
    said = ", ".join(f"{name} {use.definition}" for name, use in record.metrics.items())
    return judged("definitions", "; ".join(wrong), said)


def open_claimed(record: Record, dataset: str | Path | None) -> Store | None:
    """Return the dataset a record names, or the one named instead; None where there is none.

    Raises
    ------
    LowLightError
        If the one named instead cannot be opened.
    """
    if dataset is not None:
        return open_store(dataset)
    try:
        return open_store(record.dataset)
    except LowLightError:
        return None


def data(record: Record, store: Store | None) -> list[Finding]:
    """Whether the dataset at hand is the one scored, in pixels and in rendered references."""
    if store is None:
        found = f"dataset {record.dataset} is not at hand: ingest it, or name it with --dataset"
        return [Finding("dataset", "unknown", found)]
    findings = [
        judged(check, None if claimed == found else _other(what, store, claimed, found),
               f"{what} of {store.name}: {found[:12]}")
        for check, what, claimed, found in (
            ("dataset", "digest", record.digest, store.digest),
            ("references", "reference digest", record.reference_digest, store.reference_digest),
        )
    ]  # fmt: skip
    if record.digest != store.digest:
        return findings
    return [*findings, _captures(record, store)]


def _captures(record: Record, store: Store) -> Finding:
    """Whether a record says of its captures what the dataset says: simulated ones are no others."""
    told: list[tuple[str, Any, Any]] = [
        ("protocol", record.protocol, store.protocol),
        ("simulated", record.synthetic, bool(store.synthetic)),
    ]
    if store.distinct_sources is not None:
        told.append(("distinct sources", record.distinct_sources, store.distinct_sources))
    wrong = [f"{name} {found}, not {claimed}" for name, claimed, found in told if claimed != found]
    said = "simulated" if store.synthetic else "real"
    right = f"{said}, of protocol {store.protocol}"
    return judged("captures", f"{store.name}: {'; '.join(wrong)}" if wrong else None, right)


def _other(what: str, store: Store, claimed: str, found: str) -> str:
    return f"the {what} of {store.name} is {found[:12]}, not {claimed[:12]}: other data"


def track(record: Record) -> Finding:
    """Whether the track of a record pins the data it was made on."""
    if record.track not in tracks.names():
        if is_ad_hoc(record):
            return Finding("track", "pass", f"{record.track} is ad hoc: all usable pairs")
        return Finding("track", "unknown", f"this version has no track {record.track}")
    known = tracks.load(record.track)
    pinned = (known.digest, known.reference_digest, known.split)
    same = pinned == (record.digest, record.reference_digest, record.split)
    wrong = None if same else f"track {known.name} pins other data, or another split"
    return judged("track", wrong, f"{known.name} pins these data")


def method(record: Record) -> Finding:
    """Whether a method is what its record says: an oracle is none that is blind.

    What weights decide of a trained method is left to them.
    """
    if record.outside is not None:
        return Finding("method", "pass", f"{record.method} is an outside method")
    if record.method.partition("@")[0] not in methods.names():
        return Finding("method", "unknown", f"this version has no method {record.method}")
    try:
        info = _as_asked(record)
    except LowLightError as error:
        return Finding("method", "unknown", str(error))
    expected: dict[str, object] = {"reference_use": info.reference_use}
    if not info.trainable:
        rendering = info.input if info.domain == "srgb" else None
        expected |= {"domain": info.domain, "input": rendering}
    told = {name: getattr(record, name) for name in expected}
    wrong = [
        f"its {name.replace('_', ' ')} is {value}, not {told[name]}"
        for name, value in expected.items() if value != told[name]
    ]  # fmt: skip
    said = f"{info.title}, reference use {info.reference_use}"
    return judged("method", f"{record.method}: {'; '.join(wrong)}" if wrong else None, said)


def _as_asked(record: Record) -> MethodInfo:
    """Return what a method is under its options; a file among them is known by its hash only."""
    info = methods.info(record.method)
    files = {key for key in record.options if f"{key}_sha256" in record.options}
    given = {key: value for key, value in record.options.items() if key not in files}
    if files and info.oracle:  # a file in place of the reference
        return replace(info, reference_use="none")
    known = inspect.signature(methods.module(record.method).build).parameters if given else {}
    options = {key: value for key, value in given.items() if key in known}
    return methods.build(record.method, **options).info if options else info


def pairs(record: Record, store: Store) -> Finding:
    """Whether a record scores each pair of its track once, as the dataset describes it.

    Which pairs a track has that this version does not know, a study's own say, nobody can tell.
    """
    shipped = record.track in tracks.names()
    known = shipped or is_ad_hoc(record)
    table = store.usable(record.split) if known else store.pairs
    if shipped:
        table = tracks.load(record.track).pairs(table)
    told: dict[str, Any] = {str(row.pair): row for row in table.itertuples(index=False)}
    scored = {row.pair for row in record.rows}
    missing = [] if record.partial or not known else sorted(told.keys() - scored)
    strange = sorted(scored - told.keys())
    wrong = None
    if missing or strange:
        wrong = f"{_named(missing)} of the track not scored, {_named(strange)} not of it scored"
    else:
        differing = [row.pair for row in record.rows if not _as_told(row, told[row.pair])]
        if differing:
            wrong = f"{_named(differing)} with another group, ratio, ISO or split than in the data"
    said = f"{counted(len(scored), 'pair')}, each once"
    if wrong is None and not known:
        return Finding("pairs", "unknown", f"{said}; which {record.track} has is not known here")
    return judged("pairs", wrong, said)


def _named(found: Sequence[str]) -> str:
    said = f" ({', '.join(found[:ENOUGH])})" if found else ""
    return counted(len(found), "pair") + said


def _as_told(row: Row, told: Any) -> bool:
    numbers = zip((row.ratio, row.iso), (told.ratio, told.iso), strict=True)
    return (row.group, row.split) == (told.group, told.split) and all(
        math.isclose(one, float(other), rel_tol=1e-9) if one is not None else math.isnan(other)
        for one, other in numbers
    )


def weights(record: Record, named: Path | None) -> tuple[Finding, Path | None]:
    """Whether the weights at hand are those of a record; also returns them.

    Parameters
    ----------
    named : a folder or .safetensors; None: looked for under the home folder
    """
    claimed = record.weights_sha256
    if claimed is None:
        return Finding("weights", "pass", "the method has none"), None
    if named is not None:
        file = named / "model.safetensors" if named.is_dir() else named
        sha256 = file_digest(file)
        if sha256 == claimed:
            return Finding("weights", "pass", f"{file} is {claimed[:12]}"), file
        return Finding("weights", "fail", f"{file} is {sha256[:12]}, not {claimed[:12]}"), None
    found = next(files_of(claimed), None)
    changed = next((one.path for one in finished() if one.sha256 == claimed), None)
    if found is None and changed is not None:
        said = f"{changed} is no longer what was trained: its sha256 is not {claimed[:12]}"
        return Finding("weights", "fail", said), None
    if found is None:
        said = f"none with sha256 {claimed[:12]} is under the home folder: name it with --weights"
        return Finding("weights", "unknown", said), None
    return Finding("weights", "pass", f"{found} is {claimed[:12]}"), found
