"""From a folder of frames to findings (`check`) and to datasets (`ingest`).

The unit of work is a scene: read in a disposable process, audited, built in memory and published
whole. What is stored is skipped when the same folder is ingested again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lldata import raw, store, upkeep
from lldata.audit import Finding
from lldata.detection import Header, choose
from lldata.engine import Local, Unit, WorkerError, run_units
from lldata.errors import FrameError, StoreError
from lldata.examine import Outcome, SceneJob, left_out, run_scene
from lldata.pairing import TRUTH, SceneFiles, capture_folders, find_scenes
from lldata.protocol import Protocol, load, names


@dataclass(frozen=True)
class Plan:
    """The scenes of one protocol found in a folder, and what their names alone tell."""

    protocol: Protocol
    scenes: tuple[SceneFiles, ...]
    findings: tuple[Finding, ...]
    origins: dict[str, str]


# ---- planning


def plan(src: Path, protocol: str | None, engine: Local) -> list[Plan]:
    """Find the scenes in a folder and the protocols they were taken under.

    Raises
    ------
    FrameError, ProtocolError
        If the folder holds no frames, or no protocol, or several, match them.
    """
    src = src.resolve()
    if protocol is not None:
        chosen = load(protocol)
        named = _finds(capture_folders(src, chosen), chosen)
        return [_plan(src, chosen, named, [s for find in named for s in find.scenes])]
    protocols = {name: p for name in names() if (p := load(name)).kind == "paired"}
    folders = capture_folders(src)
    finds = {name: _finds(folders, p) for name, p in protocols.items()}
    found = {name: [s for find in some for s in find.scenes] for name, some in finds.items()}
    every = {(s.folder, s.scene): s for scenes in found.values() for s in scenes}
    headers, unread = _headers(list(every.values()), engine)
    by_protocol, lost = choose(src, found, headers, unread, protocols)
    plans = [
        _plan(src, protocols[name], finds[name], scenes)
        for name, scenes in sorted(by_protocol.items())
    ]
    return [replace(plans[0], findings=(*plans[0].findings, *lost)), *plans[1:]]


class _Find(NamedTuple):
    """What the file names of one capture folder tell."""

    folder: Path
    scenes: list[SceneFiles]
    findings: list[Finding]


def _finds(folders: Sequence[Path], protocol: Protocol) -> list[_Find]:
    both = (protocol.files.short, protocol.files.long)
    return [
        _Find(folder, *find_scenes(folder, protocol))
        for folder in folders
        if all((folder / name).is_dir() for name in both)
    ]


def _plan(
    src: Path, protocol: Protocol, finds: Sequence[_Find], scenes: Sequence[SceneFiles]
) -> Plan:
    """Plan the chosen scenes of what was found; findings about others' scenes are theirs."""
    others = {s.scene for find in finds for s in find.scenes} - {s.scene for s in scenes}
    mine = {s.folder for s in scenes} or {find.folder for find in finds}
    findings = [
        f for find in finds if find.folder in mine for f in find.findings if f.scene not in others
    ]
    if not scenes:
        said = f" ({findings[0].message})" if findings else ""
        raise FrameError(
            src,
            f"it holds no whole scene of {protocol.name}{said}",
            "names such as 00001_00_0.1s in short/ and 00001_00_10s in long/ are needed",
            f"Rename the files (lldata protocols {protocol.name})",
        )
    ((name, count),) = Counter(s.scene for s in scenes).most_common(1)
    if count > 1:
        places = sorted({str(s.folder) for s in scenes if s.scene == name})
        raise FrameError(
            src,
            f"scene {name} is in {' and '.join(places)}",
            "one name stands for one scene",
            "Rename one, or ingest the folders apart",
        )
    return Plan(protocol, tuple(scenes), tuple(findings), _origins(scenes[0].folder))


def _headers(
    scenes: Sequence[SceneFiles], engine: Local
) -> tuple[dict[Path, Header], list[Exception]]:
    """Return the headers of each scene's long and first short, and why others have none."""
    units = [
        Unit(str(path), raw.read_header, (path,))
        for scene in scenes
        for path in ((scene.shorts[0],) if scene.ready else (scene.long, scene.shorts[0]))
    ]
    headers: dict[Path, Header] = {}
    unread: list[Exception] = []
    for unit, result in run_units(units, replace(engine, timeout_s=30.0)):
        if isinstance(result, Exception):
            unread.append(result)
        else:
            headers[Path(unit.key)] = Header(*result)
    return headers, unread


def _origins(folder: Path) -> dict[str, str]:
    """Return scene -> source photograph of a simulated folder, {} for captures."""
    for parent in (folder, *list(folder.parents)[:_TRUTH_LEVELS]):
        table = parent / TRUTH
        if table.is_file():
            try:
                sources = json.loads(table.read_text("utf-8"))["sources"]
                return {str(scene): str(source) for scene, source in sources.items()}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise FrameError(
                    table,
                    f"it names no sources ({type(error).__name__})",
                    "the simulator writes them there",
                    "Restore the file; without it the data cannot be called simulated rightly",
                ) from error
    return {}


_TRUTH_LEVELS = 2


# ---- whole folders


def check(plans: Sequence[Plan], engine: Local, *, deep: bool) -> Iterator[Outcome]:
    """Audit the scenes of some plans without storing anything.

    Yields an outcome as each scene is done; what names alone tell comes first.
    """
    for found in plans:
        for finding in found.findings:
            yield Outcome(finding.scene, "named", (finding,))
        yield from _run(_jobs(found, None, deep=deep), engine)


def _jobs(found: Plan, folder: Path | None, *, deep: bool) -> list[SceneJob]:
    return [
        SceneJob(
            s, found.protocol, folder, found.origins.get(s.scene, ""), deep, check_render=not i
        )
        for i, s in enumerate(found.scenes)
    ]


def _run(jobs: Sequence[SceneJob], engine: Local) -> Iterator[Outcome]:
    units = (Unit(job.files.scene, run_scene, (job,)) for job in jobs)
    for unit, result in run_units(units, engine):
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


def prepare(src: Path, protocol: str | None, name: str | None, engine: Local) -> list[Dataset]:
    """Decide which datasets a folder gives and which of their scenes are stored already.

    Raises
    ------
    StoreError
        If a stored scene's files have changed, or a dataset was made under another protocol.
    """
    plans = plan(src, protocol, engine)
    datasets = []
    for found in plans:
        label = found.protocol.name
        if name is not None:
            label = name if len(plans) == 1 else f"{name}_{label.partition('_')[2] or label}"
        path = store.home() / store.check_name(label)
        known = {s.scene for s in found.scenes if _stored(path, s, found.protocol)}
        datasets.append(Dataset(label, path, found, frozenset(known)))
    return datasets


def _stored(path: Path, files: SceneFiles, protocol: Protocol) -> bool:
    """Whether a scene stands in the store from these very files."""
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
    changed = scene.sources.keys() ^ current.keys() or {
        n for n, p in current.items() if not _same_file(p, scene.sources[n])
    }
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
    status = raw.check_regular(path)
    if status.st_size != source["size"]:
        return False
    return bool(
        status.st_mtime_ns == source["mtime_ns"] or upkeep.file_digest(path) == source["sha256"]
    )


def ingest(dataset: Dataset, engine: Local, *, deep: bool) -> Iterator[Outcome]:
    """Store every scene of a prepared dataset that is not there yet, then rebuild its index.

    Yields an outcome as each scene is done. Stopped at any moment, what was stored stays, and
    the next call goes on from there.

    Raises
    ------
    FrameError
        If no scene could be stored and the dataset has none.
    """
    found = dataset.plan
    jobs = [j for j in _jobs(found, dataset.path, deep=deep) if j.files.scene not in dataset.known]
    whole = list(found.findings)
    for scene in sorted(dataset.known):
        standing = store.read_scene(store.scene_path(dataset.path, scene))
        yield Outcome(scene, "kept", standing.findings, len(standing.pairs))
    failed: list[Finding] = []
    try:
        for outcome in _run(jobs, engine):
            failed += outcome.findings if outcome.state == "left out" else ()
            yield outcome
    finally:
        if any(store.scene_path(dataset.path, s.scene).is_file() for s in found.scenes):
            upkeep.build_index(
                dataset.path, datetime.now(UTC).isoformat(timespec="seconds"),
                whole + failed,
            )  # fmt: skip
    if len(failed) == len(found.scenes):
        raise FrameError(
            f"{dataset.name}: every scene",
            failed[0].message.rstrip("."),
            "at least one scene must be readable",
            "Mend the files named",
        )
