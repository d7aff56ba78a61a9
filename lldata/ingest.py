"""From a folder of frames to findings (`check`) and to datasets (`ingest`).

The unit of work is a scene: read in a disposable process, audited, built in memory and published
whole. What is stored is skipped when the same folder is ingested again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lldata import raw, store, upkeep
from lldata.audit import Finding, duplicates
from lldata.engine import Engine, Unit, WorkerError, run_units
from lldata.errors import FrameError, LowLightError, StoreError
from lldata.measures.likeness import prints
from lldata.pairing import SceneFiles
from lldata.protocol import Protocol
from lldata.reading import origin
from lldata.reading.clip_frames import file_status
from lldata.sets.job import Outcome, SceneJob, left_out
from lldata.sets.kinds import KINDS, kind_of
from lldata.sets.planning import Plan, plan


def check(plans: Sequence[Plan], engine: Engine, *, deep: bool) -> Iterator[Outcome]:
    """Audit the scenes of some plans without storing anything.

    Yields an outcome as each scene is done; what names alone tell comes first.
    """
    for found in plans:
        for finding in found.findings:
            yield Outcome(finding.scene, "named", (finding,))
        seen: dict[str, Any] = {}
        for outcome in _run(_jobs(found, None, deep=deep), engine):
            seen[outcome.scene] = outcome.facts
            yield outcome
        for finding in _found_again(found, seen):
            yield Outcome(finding.scene, "named", (finding,))


def _found_again(found: Plan, facts: dict[str, Any]) -> list[Finding]:
    """Return which scenes of a plan are in it twice, or in a dataset in another split."""
    mine = [
        each
        for s in found.scenes
        for each in prints(
            "", s.scene, s.group, s.split, found.origins.get(s.scene, ""), facts.get(s.scene, {})
        )
    ]
    return duplicates.audit(mine, upkeep.neighbours(), upkeep.limit_in(found.protocol.text))


def _jobs(
    found: Plan, folder: Path | None, *, deep: bool, audits: bool = True
) -> list[SceneJob[Any]]:
    return [
        SceneJob(
            s, found.protocol, folder, found.origins.get(s.scene, ""), deep,
            check_render=not i, audits=audits,
        )
        for i, s in enumerate(found.scenes)
    ]  # fmt: skip


def _bytes(job: SceneJob[Any]) -> int:
    with contextlib.suppress(OSError):  # who reads the scene says what is wrong
        return sum(path.stat().st_size for path in job.files.files)
    return 0


def _run(jobs: Sequence[SceneJob[Any]], engine: Engine) -> Iterator[Outcome]:
    jobs = sorted(jobs, key=_bytes, reverse=True)  # so that no long scene is left for the end
    units = (Unit(job.files.scene, KINDS[kind_of(job.protocol)].run_scene, (job,)) for job in jobs)
    longest = (KINDS[kind_of(job.protocol)].longest_s(job.files) for job in jobs)
    patient = replace(engine, timeout_s=max([engine.timeout_s, *longest]))
    for unit, result in run_units(units, patient):
        if isinstance(result, WorkerError):
            yield left_out(unit.key, "integrity", result)
        elif isinstance(result, BaseException):
            raise result
        else:
            yield result


@dataclass(frozen=True)
class Dataset:
    """One dataset an ingest makes or adds to."""

    name: str
    path: Path
    plan: Plan
    known: frozenset[str]  # scenes stored before, from the same sources


def prepare(
    src: Path, protocol: str | None, name: str | None, engine: Engine, lists: Path | None = None
) -> list[Dataset]:
    """Decide which datasets a folder gives and which of their scenes are stored already.

    Raises
    ------
    StoreError
        If a stored scene's files have changed, or a dataset was made under another protocol.
    """
    if name is not None:
        store.check_name(name)
    plans = plan(src, protocol, engine, lists)
    datasets = []
    for found, label in zip(plans, _labels(plans, name), strict=True):
        path = store.home() / label
        unread: list[Finding] = []
        known = {s.scene for s in found.scenes if _stored(path, s, found.protocol, unread)}
        found = replace(found, findings=(*found.findings, *unread))
        datasets.append(Dataset(label, path, found, frozenset(known)))
    return datasets


def _labels(plans: Sequence[Plan], name: str | None) -> list[str]:
    """Return the names of the datasets: X, or X_iso200 and so on where there are several.

    What follows the camera in the protocol's name is enough where it tells them apart.
    """
    own = [found.protocol.name for found in plans]
    if name is None or len(own) == 1:
        return own if name is None else [name]
    ends = [label.partition("_")[2] or label for label in own]
    return [f"{name}_{end}" for end in (ends if len(set(ends)) == len(ends) else own)]


def _stored(path: Path, files: SceneFiles, protocol: Protocol, unread: list[Finding]) -> bool:
    """Whether a scene stands in the store from these very files.

    One that stands stays though a file cannot be read any more; `unread` gets a finding.
    """
    standing = store.scene_path(path, files.scene)
    if not standing.is_file():
        return False
    scene = store.read_scene(standing)
    if scene.protocol != protocol.name:
        raise StoreError(
            path,
            f"it was made under the protocol {scene.protocol}",
            f"these frames come under {protocol.name}",
            "Choose another --name",
        )
    current = {f"{p.parent.name}/{p.name}": p for p in files.files}
    try:
        changed = scene.sources.keys() ^ current.keys() or {
            n for n, p in current.items() if not _same_file(p, scene.sources[n])
        }
    except FrameError as error:
        said = f"{error} What is stored stays."
        unread.append(Finding(files.scene, "", "integrity", "warn", None, None, said))
        return True
    if scene.group != files.group:
        changed.add(f"its group ({scene.group}, now {files.group})")
    if scene.split != files.split:
        changed.add(f"its split ({scene.split}, now {files.split})")
    if changed:
        raise StoreError(
            f"{path.name}: scene {files.scene}",
            f"{', '.join(sorted(changed))} changed since",
            "a stored scene never changes",
            f"Restore the file, name the new scene otherwise, or delete {standing}",
        )
    return True


def _same_file(path: Path, source: dict[str, Any]) -> bool:
    size, mtime_ns = file_status(path)
    if size != source["size"]:
        return False
    return bool(
        mtime_ns == source["mtime_ns"]
        or upkeep.file_digest(path) == source["sha256"]
        or _holds_frame(path, source["sha256"])
    )


def _holds_frame(path: Path, sha256: str) -> bool:
    """Whether an exported file holds the frame of that original still."""
    try:
        return origin.is_exported(path) and raw.read_frame(path).sha256 == sha256
    except FrameError:
        return False


def ingest(
    dataset: Dataset, engine: Engine, *, deep: bool, audits: bool = True
) -> Iterator[Outcome]:
    """Store every scene of a prepared dataset that is not there yet, then rebuild its index.

    Yields an outcome as each scene is done. Stopped at any moment, what was stored stays, and
    the next call goes on from there. Without `audits` pairs are stored as unknown.

    Raises
    ------
    FrameError
        If no scene could be stored and the dataset has none.
    """
    found = dataset.plan
    jobs = [
        j for j in _jobs(found, dataset.path, deep=deep, audits=audits)
        if j.files.scene not in dataset.known
    ]  # fmt: skip
    whole = list(found.findings)
    for scene in sorted(dataset.known):
        standing = store.read_scene(store.scene_path(dataset.path, scene))
        yield Outcome(scene, "kept", standing.findings, len(standing.pairs))
    failed: list[Finding] = []
    first: LowLightError | None = None
    written: dict[str, tuple[int, str]] = {}
    try:
        for outcome in _run(jobs, engine):
            if outcome.file is not None:
                written[outcome.scene] = outcome.file
            failed += outcome.findings if outcome.state == "left out" else ()
            first = first or outcome.reason
            yield outcome
    finally:
        if any(store.scene_path(dataset.path, s.scene).is_file() for s in found.scenes):
            upkeep.build_index(
                dataset.path, datetime.now(UTC).isoformat(timespec="seconds"),
                whole + failed, written,
            )  # fmt: skip
    if first is not None and len(failed) == len(found.scenes):
        raise first.and_more(f"no scene of {dataset.name} could be stored") from None
