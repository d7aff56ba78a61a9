"""Which scenes a folder holds, and under which protocol each was taken."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lldata import raw
from lldata.audit import Finding
from lldata.engine import Engine, Unit, run_units
from lldata.errors import FrameError, ProtocolError
from lldata.pairing import TRUTH, Find, SceneFiles, capture_folders, finds_in
from lldata.protocol import (
    PictureProtocol,
    Protocol,
    RawProtocol,
    SynthesisProtocol,
    load,
    names,
)
from lldata.sets import card, missing, splits
from lldata.sets.detection import Header, choose
from lldata.sets.kinds import KINDS, find, kind_of


@dataclass(frozen=True)
class Plan:
    """The scenes of one protocol found in a folder, and what their names alone tell."""

    protocol: Protocol
    scenes: tuple[SceneFiles, ...]
    findings: tuple[Finding, ...]
    origins: dict[str, str]
    by_time: bool = False  # the order of capture made the scenes, no names


def plan(
    src: Path,
    protocol: str | None,
    engine: Engine,
    lists: Path | None = None,
    *,
    by_time: bool = False,
) -> list[Plan]:
    """Find the scenes in a folder and the protocols they were taken under.

    Parameters
    ----------
    lists : folder of list files that decide the splits; else those in `src`, else the protocol
    by_time : whether frames whose names and folders tell no scene, as a camera leaves them, are
        put together by the order in which they were taken

    Raises
    ------
    FrameError, ProtocolError
        If the folder holds no frames, or no protocol, or several, match them.
    """
    src = src.resolve()
    chosen = {protocol: load(protocol)} if protocol is not None else {}
    every = chosen or {name: load(name) for name in names()}
    protocols = {
        n: p for n, p in every.items() if isinstance(p, RawProtocol) and p.kind == "paired"
    }
    try:
        return _by_names(src, every, protocols, engine, lists, chosen=bool(chosen))
    except FrameError:
        taken = _by_time(src, protocols, engine) if by_time else {}
        if not any(each.scenes for finds in taken.values() for each in finds):
            raise
    return [
        replace(_plan(src, protocols[n], finds, None, lists, engine), by_time=True)
        for n, finds in sorted(taken.items()) if any(f.scenes for f in finds)
    ]  # fmt: skip


def _by_time(
    src: Path, protocols: Mapping[str, RawProtocol], engine: Engine
) -> dict[str, list[Find]]:
    """Return protocol -> the scenes of a folder by the order of capture, {} of one without RAW.

    {} too where a name tells a scene: what is wrong with named files is not to be guessed around.
    """
    files = card.raw_files(src, list(protocols.values())) if src.is_dir() else []
    if any(p.parse_name(path.stem) for path in files for p in protocols.values()):
        return {}
    headers, unread = _headers(files, engine)
    return card.scenes_by_time(src, headers, unread, protocols)


def _by_names(
    src: Path,
    every: Mapping[str, Protocol],
    protocols: Mapping[str, RawProtocol],
    engine: Engine,
    lists: Path | None,
    *,
    chosen: bool,
) -> list[Plan]:
    """Plan what file and folder names tell; `chosen`: under the one protocol there is."""
    if chosen:
        ((_, only),) = every.items()
        return [_plan(src, only, find(src, only), None, lists, engine)]
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
    deciding = [
        path
        for scene in scenes.values()
        for path in ((scene.shorts[0],) if scene.ready else (scene.long, scene.shorts[0]))
    ]
    headers, unread = _headers(deciding, engine)
    by_protocol, lost = choose(src, found, headers, list(unread.values()), protocols)
    plans = [
        _plan(src, protocols[name], finds[name], mine, lists, engine)
        for name, mine in sorted(by_protocol.items())
    ]
    return [replace(plans[0], findings=(*plans[0].findings, *lost)), *plans[1:]]


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
        KINDS[kind_of(protocol)].expected,
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
    paths: Sequence[Path], engine: Engine
) -> tuple[dict[Path, Header], dict[Path, Exception]]:
    """Return the headers of RAW files, and why others have none."""
    units = [Unit(str(path), raw.read_header, (path,)) for path in paths]
    headers: dict[Path, Header] = {}
    unread: dict[Path, Exception] = {}
    for unit, result in run_units(units, replace(engine, timeout_s=30.0)):
        if isinstance(result, Exception):
            unread[Path(unit.key)] = result
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
