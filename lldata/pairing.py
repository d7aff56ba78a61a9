"""Which frames in a folder belong together, and under which protocol they were taken."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lldata.audit import Finding
from lldata.errors import FrameError, ProtocolError
from lldata.protocol import Protocol

READY = (".png", ".tif", ".tiff")  # references rendered by others; no RAW file is one of these
TRUTH = "simulated.json"  # what the simulator planted; beside the captures, no frame
_DEEPEST = 2


@dataclass(frozen=True)
class SceneFiles:
    """The files of one scene: one long exposure (or ready reference) and its shorts."""

    scene: str
    split: str
    group: str
    folder: Path  # holds short/ and long/
    long: Path
    shorts: tuple[Path, ...]

    @property
    def ready(self) -> bool:
        """Whether the long is a ready 16-bit picture instead of a RAW file."""
        return self.long.suffix.lower() in READY

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the scene, the long first."""
        return (self.long, *self.shorts)


@dataclass(frozen=True)
class Header:
    """What decides a frame's protocol."""

    camera: str
    iso: float | None


def capture_folders(src: Path, protocol: Protocol | None = None) -> list[Path]:
    """Return the folders in `src`, itself included, that hold short/ and long/.

    With a protocol, those it names, where there are any of them.

    Raises
    ------
    FrameError
        If `src` is no folder or holds none.
    """
    if not src.is_dir():
        found = "it is no folder" if src.exists() else "there is no such folder"
        raise FrameError(src, found, "a folder of frames is needed", "Correct the path")
    names = ("short", "long") if protocol is None else (protocol.files.short, protocol.files.long)
    layers = [[src]]
    for _ in range(_DEEPEST):
        layers.append(
            sorted(c for f in layers[-1] for c in f.iterdir() if c.is_dir() and c.name[0] != ".")
        )
    folders = [f for layer in layers for f in layer if all((f / n).is_dir() for n in names)]
    if not folders:
        raise FrameError(
            src,
            f"no folder in it holds {names[0]}/ and {names[1]}/",
            "the short exposures lie in one and the long ones in the other",
            "Sort the files so, or name the folder that is",
        )
    if protocol is not None:
        named = [f for f in folders if f.name in protocol.files.folders]
        return named or folders
    return folders


def find_scenes(folder: Path, protocol: Protocol) -> tuple[list[SceneFiles], list[Finding]]:
    """Return the scenes of one capture folder by its file names, and what does not fit.

    A scene without its one long exposure, or without a short, is a `metadata` finding and costs
    that scene; a file whose name says nothing is a warning.
    """
    findings: list[Finding] = []
    shorts = _by_scene(folder / protocol.files.short, protocol, findings, ready=False)
    longs = _by_scene(folder / protocol.files.long, protocol, findings, ready=True)
    groups = read_groups(folder, protocol)
    scenes = []
    for name in sorted(shorts.keys() | longs.keys()):
        problem = _incomplete(shorts.get(name, []), longs.get(name, []))
        if problem:
            findings.append(_finding(name, "quarantine", f"{problem}; the scene is left out"))
            continue
        digit = (protocol.parse_name(longs[name][0].stem) or {})["split"]
        scenes.append(SceneFiles(
            name, protocol.split_of(digit), groups.get(name, name), folder,
            longs[name][0], tuple(shorts[name]),
        ))  # fmt: skip
    return scenes, findings + _divided_groups(scenes)


def _finding(scene: str, status: str, message: str) -> Finding:
    return Finding(scene, "", "metadata", status, None, None, message)  # type: ignore[arg-type]


def _incomplete(shorts: Sequence[Path], longs: Sequence[Path]) -> str | None:
    if not longs:
        return f"{shorts[0].name} has no long exposure"
    if len(longs) > 1:
        return "two long exposures: " + ", ".join(p.name for p in longs)
    return None if shorts else f"{longs[0].name} has no short exposure"


def _by_scene(
    folder: Path, protocol: Protocol, findings: list[Finding], *, ready: bool
) -> dict[str, list[Path]]:
    allowed = {f".{e.lower()}" for e in protocol.files.extensions} | (
        set(READY) if ready else set()
    )
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in allowed:
            continue
        parts = protocol.parse_name(path.stem)
        if parts is None:
            findings.append(_finding(
                path.stem, "warn", f"{path.name} is left out: its name says no scene and exposure"
            ))  # fmt: skip
        else:
            found[parts["scene"]].append(path)
    return found


def _divided_groups(scenes: Sequence[SceneFiles]) -> list[Finding]:
    splits = defaultdict(set)
    for scene in scenes:
        splits[scene.group].add(scene.split)
    return [
        _finding(s.scene, "warn",
                 f"its group {s.group} is divided between {' and '.join(sorted(splits[s.group]))}: "
                 "the same place is in both")
        for s in scenes if len(splits[s.group]) > 1
    ]  # fmt: skip


def read_groups(folder: Path, protocol: Protocol) -> dict[str, str]:
    """Return scene -> group from the side table beside short/ and long/, if there is one.

    Only its columns `id` and the protocol's group column are read.

    Raises
    ------
    FrameError
        If the table lacks one of both columns.
    """
    table, column = folder / "tiles.csv", protocol.files.group
    if column == "scene" or not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"id", column} - set(reader.fieldnames or ())
        if missing:
            raise FrameError(
                table,
                f"it has no column {', '.join(sorted(missing))}",
                f"the columns id and {column} name the groups",
                "Correct the table",
            )
        return {row["id"]: row[column] for row in reader}


# ---- which protocol


def matches(header: Header, protocol: Protocol) -> bool:
    """Whether a frame's camera and ISO are those of a protocol."""
    return protocol.matches_camera(header.camera) and (
        header.iso is None or protocol.matches_iso(header.iso)
    )


def choose(
    src: Path,
    scenes: Mapping[str, Sequence[SceneFiles]],
    headers: Mapping[Path, Header],
    protocols: Mapping[str, Protocol],
) -> dict[str, list[SceneFiles]]:
    """Give every scene the protocol that most of its frames match.

    Parameters
    ----------
    src : the folder, for messages
    scenes : protocol -> the scenes that its file names find
    headers : of the RAW frames that could be read

    Returns
    -------
    protocol -> its scenes. Frames decide (camera and ISO); equal counts go to the protocol that
    names the folder, then to the one that most scenes of the folder have.

    Raises
    ------
    ProtocolError
        If no protocol matches, or several do equally.
    """
    votes: dict[tuple[Path, str], Counter[str]] = defaultdict(Counter)
    found: dict[tuple[Path, str], dict[str, SceneFiles]] = defaultdict(dict)
    for name, items in scenes.items():
        for scene in items:
            key = (scene.folder, scene.scene)
            found[key][name] = scene
            count = sum(matches(headers[p], protocols[name]) for p in scene.files if p in headers)
            if count:
                votes[key][name] = count
    majority: dict[Path, Counter[str]] = defaultdict(Counter)
    for (folder, _), counter in votes.items():
        majority[folder].update(_leaders(counter, folder, protocols))
    chosen: dict[str, list[SceneFiles]] = defaultdict(list)
    for (folder, name), options in found.items():
        leaders = _leaders(votes[folder, name], folder, protocols)
        if len(leaders) != 1:
            leaders = [n for n in _most(majority[folder]) if not leaders or n in leaders]
        if len(leaders) > 1:
            raise _undecided(src, sorted(leaders))
        if leaders and leaders[0] in options:
            chosen[leaders[0]].append(options[leaders[0]])
    if not chosen:
        raise _unmatched(src, headers, protocols)
    return dict(chosen)


def _most(counter: Counter[str]) -> list[str]:
    top = max(counter.values(), default=0)
    return [name for name, count in counter.items() if count == top]


def _leaders(counter: Counter[str], folder: Path, protocols: Mapping[str, Protocol]) -> list[str]:
    leaders = _most(counter)
    named = [n for n in leaders if folder.name in protocols[n].files.folders]
    return named or leaders


def _undecided(src: Path, names: Sequence[str]) -> ProtocolError:
    return ProtocolError(
        src,
        f"its frames match {' and '.join(names)} equally",
        "one protocol is needed",
        f"Name it: --protocol {names[0]}",
    )


def _unmatched(
    src: Path, headers: Mapping[Path, Header], protocols: Mapping[str, Protocol]
) -> ProtocolError:
    seen = sorted(
        {f"{h.camera or 'an unnamed camera'}, ISO {h.iso or '?'}" for h in headers.values()}
    )
    found = (
        f"its frames are from {'; '.join(seen[:3])}" if seen else "no frame in it is named as one"
    )
    known = ", ".join(sorted(protocols))
    return ProtocolError(
        src,
        found,
        f"the protocols are {known}",
        "Name one with --protocol, or add the camera's to capture_protocols/",
    )
