"""Which frames in a folder belong together, by their names."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lldata.audit import Finding
from lldata.errors import FrameError
from lldata.protocol import RawProtocol

READY = (".png", ".tif", ".tiff")  # references rendered by others; no RAW file is one of these
TRUTH = "simulated.json"  # what the simulator planted; beside the captures, no frame
SIDE_TABLE = "tiles.csv"  # of scenes and the groups they belong to
_DEEPEST = 2


class Find(NamedTuple):
    """What the file names of one capture folder tell."""

    folder: Path
    scenes: list[SceneFiles]
    findings: list[Finding]


@dataclass(frozen=True)
class Listed:
    """One line of a list file."""

    split: str
    where: str  # file and line, for messages
    name: str  # stem of the short; of a plain list the whole line
    camera: str = ""  # folder that holds short/ and long/; "" in plain lists
    long: str = ""  # stem of the long
    iso: float | None = None
    f_number: float | None = None


@dataclass(frozen=True)
class SceneFiles:
    """The files of one scene: one long exposure (or ready reference) and its shorts.

    Of ready pictures and clips the normally lit one is the long and the dark one its short.
    """

    scene: str
    split: str
    group: str
    folder: Path  # holds short/ and long/
    long: Path
    shorts: tuple[Path, ...]
    members: tuple[Path, ...] = ()  # every file, where long and short are folders of frames
    listed: tuple[Listed, ...] = ()  # the rows of SID's lists about it

    @property
    def ready(self) -> bool:
        """Whether the long is a ready 16-bit picture instead of a RAW file."""
        return self.long.suffix.lower() in READY

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the scene, the long first."""
        return self.members or (self.long, *self.shorts)


def check_folder(src: Path, of: str) -> None:
    """Refuse a path that is no folder; `of` says what it is to hold.

    Raises
    ------
    FrameError
        If it is none.
    """
    if not src.is_dir():
        found = "it is no folder" if src.exists() else "there is no such folder"
        raise FrameError(src, found, f"a folder of {of} is needed", "Correct the path")


def folders_with(src: Path, names: tuple[str, str], of: str, expected: str) -> list[Path]:
    """Return the folders in `src`, itself included, that hold both folders of these names.

    Parameters
    ----------
    of, expected : what lies in them, and how, for messages

    Raises
    ------
    FrameError
        If `src` is no folder or holds none.
    """
    check_folder(src, of)
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
            expected,
            "Sort the files so, or name the folder that is",
        )
    return folders


def capture_folders(src: Path, protocol: RawProtocol | None = None) -> list[Path]:
    """Return the folders in `src`, itself included, that hold short/ and long/.

    With a protocol, those it names, where there are any of them.

    Raises
    ------
    FrameError
        If `src` is no folder or holds none.
    """
    names = ("short", "long") if protocol is None else (protocol.files.short, protocol.files.long)
    folders = folders_with(
        src, names, "frames", "the short exposures lie in one and the long ones in the other"
    )
    if protocol is not None:
        named = [f for f in folders if f.name in protocol.files.folders]
        return named or folders
    return folders


def find_captures(src: Path, protocol: RawProtocol) -> list[Find]:
    """Return what the file names in each capture folder of `src` tell under a protocol.

    Raises
    ------
    FrameError
        If `src` is no folder or holds no short/ and long/.
    """
    return finds_in(capture_folders(src, protocol), protocol)


def finds_in(folders: Sequence[Path], protocol: RawProtocol) -> list[Find]:
    """Return what the file names in some folders tell under a protocol."""
    both = (protocol.files.short, protocol.files.long)
    return [
        Find(folder, *find_scenes(folder, protocol))
        for folder in folders
        if all((folder / name).is_dir() for name in both)
    ]


def find_scenes(folder: Path, protocol: RawProtocol) -> tuple[list[SceneFiles], list[Finding]]:
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
        problem = _problem(shorts.get(name, []), longs.get(name, []), protocol)
        if problem:
            findings.append(_finding(name, "quarantine", f"{problem}; the scene is left out"))
            continue
        parts = _parts(longs[name][0], protocol)
        scenes.append(SceneFiles(
            name, protocol.splits.digits[parts["split"]], _group(name, parts, groups, folder),
            folder, longs[name][0], tuple(shorts[name]),
        ))  # fmt: skip
    return scenes, findings


def _parts(path: Path, protocol: RawProtocol) -> dict[str, str]:
    return protocol.parse_name(path.stem) or {}


def _group(
    scene: str, parts: Mapping[str, str], groups: Mapping[str, str] | None, folder: Path
) -> str:
    """Return a scene's group: of the side table, else of its file name, else the scene itself."""
    if groups is None:
        return parts.get("group") or scene
    if not groups.get(scene):
        raise FrameError(
            f"{folder / SIDE_TABLE}: scene {scene}",
            "the table names no group for it",
            "it names one for every scene, ids written as in the file names",
            "Complete the table, or remove it",
        )
    return groups[scene]


def _finding(scene: str, status: str, message: str) -> Finding:
    return Finding(scene, "", "metadata", status, None, None, message)  # type: ignore[arg-type]


def _problem(shorts: Sequence[Path], longs: Sequence[Path], protocol: RawProtocol) -> str | None:
    """Return why the files of one scene cannot be used, or None."""
    if not longs:
        return f"{shorts[0].name} has no long exposure"
    if len(longs) > 1:
        return "two long exposures: " + ", ".join(p.name for p in longs)
    if not shorts:
        return f"{longs[0].name} has no short exposure"
    stems = Counter(p.stem for p in (*shorts, *longs))
    if len(stems) < len(shorts) + len(longs):
        return f"two files are called {stems.most_common(1)[0][0]}"
    digit = _parts(longs[0], protocol)["split"]
    if digit not in protocol.splits.digits:
        return f"the split digit {digit} of {longs[0].name} stands for no split"
    return None


def _by_scene(
    folder: Path, protocol: RawProtocol, findings: list[Finding], *, ready: bool
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


def read_groups(folder: Path, protocol: RawProtocol) -> dict[str, str] | None:
    """Return scene -> group from the side table beside short/ and long/, None without one.

    Only its columns `id` and the protocol's group column are read.

    Raises
    ------
    FrameError
        If the table is no UTF-8 text or lacks one of both columns.
    """
    table, column = folder / SIDE_TABLE, protocol.files.group
    if column == "scene" or not table.is_file():
        return None
    reader = csv.DictReader(text_of(table, "a CSV table in UTF-8 is needed").splitlines())
    missing = {"id", column} - set(reader.fieldnames or ())
    if missing:
        raise FrameError(
            table,
            f"it has no column {', '.join(sorted(missing))}",
            f"the columns id and {column} name the groups",
            "Correct the table",
        )
    return {row["id"]: (row[column] or "").strip() for row in reader}


def text_of(path: Path, expected: str) -> str:
    """Return the text of a table or list beside the frames.

    Raises
    ------
    FrameError
        If it is no UTF-8 text, in the words of what is `expected`.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FrameError(path, "it is no UTF-8 text", expected, "Save it as UTF-8") from error
