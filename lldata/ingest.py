"""From a folder of frames to findings (`check`) and to datasets (`ingest`).

The unit of work is a scene: read in a disposable process, audited, built in memory and published
whole. What is stored is skipped when the same folder is ingested again.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lldata import raw, store, upkeep
from lldata.audit import Finding, duplicates
from lldata.engine import Engine, Unit, WorkerError, run_units
from lldata.errors import FrameError, LowLightError, ProtocolError, StoreError
from lldata.measures.likeness import prints
from lldata.pairing import TRUTH, Find, SceneFiles, capture_folders, find_captures, finds_in
from lldata.protocol import (
    PictureProtocol,
    Protocol,
    RawProtocol,
    SynthesisProtocol,
    load,
    names,
)
from lldata.reading import clip_files, origin
from lldata.reading.clip_frames import file_status
from lldata.sets import brackets, clips, examine, missing, pictures, splits
from lldata.sets.detection import Header, choose
from lldata.sets.job import Outcome, SceneJob, left_out
from lldata.synthesis import pairs as synthesised


class _Kind(NamedTuple):
    """How scenes of one kind of protocol are found and done."""

    find: Callable[[Path, Any], list[Find]]
    run_scene: Callable[[SceneJob[Any]], Outcome]
    expected: str  # what a folder without scenes lacks
    longest_s: Callable[[SceneFiles], float] = lambda _: 0.0  # where beyond the engine's limit


KINDS = {
    "bracket": _Kind(
        brackets.find, examine.run_scene,
        "names such as 00001_00_0.25s and 00001_00_0.5s in one folder are needed",
    ),
    "clips": _Kind(
        clip_files.find, clips.run_scene,
        "each scene's folder holds low and target, as folders of frames or as videos",
        clips.longest_s,
    ),
    "paired": _Kind(
        find_captures, examine.run_scene,
        "names such as 00001_00_0.1s in short/ and 00001_00_10s in long/ are needed",
    ),
    "pictures": _Kind(
        pictures.find, pictures.run_scene, "pictures of the same names in both folders are needed"
    ),
    "synthesised": _Kind(
        synthesised.find, synthesised.run_scene, "photographs of different names are needed"
    ),
}  # fmt: skip


def _kind(protocol: Protocol) -> str:
    """Return the key of a protocol's kind: its class and what it says of itself decide."""
    return "pictures" if isinstance(protocol, PictureProtocol) else protocol.kind


@dataclass(frozen=True)
class Plan:
    """The scenes of one protocol found in a folder, and what their names alone tell."""

    protocol: Protocol
    scenes: tuple[SceneFiles, ...]
    findings: tuple[Finding, ...]
    origins: dict[str, str]


# ---- planning


def plan(src: Path, protocol: str | None, engine: Engine, lists: Path | None = None) -> list[Plan]:
    """Find the scenes in a folder and the protocols they were taken under.

    Parameters
    ----------
    lists : folder of list files that decide the splits; else those in `src`, else the protocol

    Raises
    ------
    FrameError, ProtocolError
        If the folder holds no frames, or no protocol, or several, match them.
    """
    src = src.resolve()
    if protocol is not None:
        chosen = load(protocol)
        return [_plan(src, chosen, find(src, chosen), None, lists, engine)]
    every = {name: load(name) for name in names()}
    protocols = {
        n: p for n, p in every.items() if isinstance(p, RawProtocol) and p.kind == "paired"
    }
    near = {
        n: f
        for n, p in every.items()
        if n not in protocols and not isinstance(p, SynthesisProtocol)  # nobody asked to darken
        and (f := _found(src, p))
    }  # fmt: skip
    others = {n: finds for n, finds in near.items() if any(f.scenes for f in finds)}
    try:
        folders = capture_folders(src)
    except FrameError:
        if not src.is_dir():
            raise
        if not others:
            raise _no_scene(src, every, near) from None
        if len(others) > 1:
            raise _several(src, list(others)) from None
        ((name, finds_of_other),) = others.items()
        return [_plan(src, every[name], finds_of_other, None, lists, engine)]
    finds = {name: finds_in(folders, p) for name, p in protocols.items()}
    found = {name: [s for each in some for s in each.scenes] for name, some in finds.items()}
    scenes = {(s.folder, s.scene): s for some in found.values() for s in some}
    if not scenes:
        raise missing.content(src, list(every.values()))
    headers, unread = _headers(list(scenes.values()), engine)
    by_protocol, lost = choose(src, found, headers, unread, protocols)
    plans = [
        _plan(src, protocols[name], finds[name], mine, lists, engine)
        for name, mine in sorted(by_protocol.items())
    ]
    return [replace(plans[0], findings=(*plans[0].findings, *lost)), *plans[1:]]


def find(src: Path, protocol: Protocol) -> list[Find]:
    """Return what the names in `src` tell under a protocol of any kind.

    Raises
    ------
    FrameError
        If it holds nothing of the kind.
    """
    return KINDS[_kind(protocol)].find(src, protocol)


def _found(src: Path, protocol: Protocol) -> list[Find]:
    """Return what a protocol's own folders hold, [] where it is not this protocol's folder."""
    try:
        return [f for f in find(src, protocol) if f.scenes or f.findings]
    except FrameError:
        return []


def _no_scene(
    src: Path, every: Mapping[str, Protocol], near: Mapping[str, list[Find]]
) -> FrameError:
    """Return what a folder lacks that is no protocol's; `near` those whose folders it has."""
    lone = missing.lone_folder(src)
    if lone is not None:
        return lone
    for name in sorted(near, key=lambda n: not isinstance(every[n], PictureProtocol)):
        return _not_whole(src, every[name], [f for each in near[name] for f in each.findings])
    return missing.content(src, list(every.values()))


def _not_whole(src: Path, protocol: Protocol, findings: Sequence[Finding]) -> FrameError:
    said = ""
    if findings:
        first = findings[0]
        more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
        said = f": {first.scene}: {first.message.removesuffix('; the scene is left out')}{more}"
    return FrameError(
        src,
        f"it holds no whole scene of {protocol.name}{said}",
        KINDS[_kind(protocol)].expected,
        f"Add what is missing, or rename the files (lldata protocols {protocol.name})",
    )


def _several(src: Path, candidates: Sequence[str]) -> ProtocolError:
    return ProtocolError(
        src, "it matches several protocols", f"the candidates are {', '.join(candidates)}",
        "Choose one with --protocol",
    )  # fmt: skip


def _plan(
    src: Path,
    protocol: Protocol,
    finds: Sequence[Find],
    chosen: Sequence[SceneFiles] | None,
    lists: Path | None,
    engine: Engine,
) -> Plan:
    """Plan the chosen scenes of what was found (None: all); findings about others are theirs."""
    scenes = [s for f in finds for s in f.scenes] if chosen is None else chosen
    others = {s.scene for each in finds for s in each.scenes} - {s.scene for s in scenes}
    mine = {s.folder for s in scenes} or {each.folder for each in finds}
    findings = [
        f for each in finds if each.folder in mine for f in each.findings if f.scene not in others
    ]
    if not scenes:
        raise _not_whole(src, protocol, findings)
    ((name, count),) = Counter(s.scene for s in scenes).most_common(1)
    if count > 1:
        places = sorted({str(s.folder) for s in scenes if s.scene == name})
        raise FrameError(
            src,
            f"scene {name} is in {' and '.join(places)}",
            "one name stands for one scene",
            "Rename one, or ingest the folders apart",
        )
    scenes, said_of_splits = splits.assigned(scenes, protocol, src, lists, engine)
    findings += said_of_splits
    if not scenes:
        raise _not_whole(src, protocol, findings)
    return Plan(protocol, tuple(scenes), tuple(findings), _origins(scenes[0].folder))


def _headers(
    scenes: Sequence[SceneFiles], engine: Engine
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
    units = (Unit(job.files.scene, KINDS[_kind(job.protocol)].run_scene, (job,)) for job in jobs)
    longest = (KINDS[_kind(job.protocol)].longest_s(job.files) for job in jobs)
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
