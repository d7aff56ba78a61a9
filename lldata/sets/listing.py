"""What list files say of scenes: which split each has, which frames lack, what disagrees."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from lldata.audit import Finding
from lldata.errors import FrameError
from lldata.pairing import Listed, SceneFiles
from lldata.protocol import Protocol
from lldata.scene import Pixels
from lldata.sets.lists import list_files, read_lists

_SAME_ISO, _SAME_APERTURE = 0.01, 0.03  # relative; lists round the f-number to a tenth
_MOST_NAMED = 5
_log = logging.getLogger(__name__)


def rows_about(
    scenes: Sequence[SceneFiles], protocol: Protocol, src: Path, lists: Path | None
) -> list[Listed]:
    """Return the lines about these frames' camera, from the first folder whose lists name any.

    Parameters
    ----------
    lists : the only folder to look in; None: `src`, beside the frames, the parent of `src`

    Raises
    ------
    FrameError
        If `lists` names no frame of these scenes.
    """
    beside = sorted({s.folder for s in scenes})
    places = [src, *beside, src.parent] if lists is None else [lists]
    folders = getattr(getattr(protocol, "files", None), "folders", ())
    cameras = {*folders, *(f.name for f in beside)}
    for place in dict.fromkeys(places):
        rows = [r for r in read_lists(place) if not r.camera or r.camera in cameras]
        if lines_of(scenes, rows):
            _log.info("the lists in %s decide the splits of %s", place, protocol.name)
            return rows
    if lists is not None:
        held = ", ".join(p.name for p in list_files(lists))
        raise FrameError(
            f"--lists {lists}",
            f"no list in it ({held}) names a frame of {protocol.name}" if held
            else "it holds no list",
            "a list names these frames, one a line" if held
            else "lists are called train.txt or Sony_train_list.txt, and so for val and test",
            "Name the folder of the lists, or leave the option out",
        )  # fmt: skip
    return []


def lines_of(scenes: Sequence[SceneFiles], rows: Iterable[Listed]) -> dict[str, list[Listed]]:
    """Return scene -> the lines that name it."""
    known: dict[str, set[str]] = defaultdict(set)
    longs = {s.scene: s.long.stem for s in scenes}
    for s in scenes:
        for name in (s.scene, s.group, *(p.stem for p in (s.long, *s.shorts))):
            known[name].add(s.scene)
    found: dict[str, list[Listed]] = defaultdict(list)
    for row in rows:
        names = (row.name, row.long, row.name.rpartition(".")[0])
        named = next((known[name] for name in names if name in known), set())
        exact = {scene for scene in named if longs[scene] == row.long}  # a bracket shares frames
        for scene in exact or named:
            found[scene].append(row)
    return found


def one_split(scene: str, lines: Sequence[Listed]) -> str:
    """Return the split that the lines about a scene give it.

    Raises
    ------
    FrameError
        If they give it two.
    """
    first = lines[0]
    other = next((x for x in lines if x.split != first.split), None)
    if other is not None:
        raise FrameError(
            f"scene {scene}",
            f"{first.where} puts it into {first.split} and {other.where} into {other.split}",
            "a scene has one split, or what is trained on is tested on",
            "Take it out of one of the lists",
        )
    return first.split


def missing(scenes: Sequence[SceneFiles], rows: Sequence[Listed], src: Path) -> list[Finding]:
    """Return a warning for each scene whose listed frames lack, and for each list for the rest."""
    here = {p.stem: s for s in scenes for p in (s.long, *s.shorts)}
    names = here.keys() | {s.scene for s in scenes} | {s.group for s in scenes}
    absent = [r for r in rows if not {r.name, r.name.rpartition(".")[0]} & names]
    if absent:  # those of another protocol, and those left out for a reason told elsewhere
        standing = {p.stem for p in src.rglob("*")} | {p.name for p in src.rglob("*")}
        absent = [r for r in absent if r.name not in standing]
    lacking: dict[str, list[str]] = defaultdict(list)
    for row in absent:
        scene = here[row.long].scene if row.long in here else ""
        lacking[scene or row.where.partition(" line ")[0]].append(row.name)
    findings = []
    for name, frames in lacking.items():
        more = f" and {len(frames) - _MOST_NAMED} more" if len(frames) > _MOST_NAMED else ""
        said = f"{', '.join(frames[:_MOST_NAMED])}{more}"
        if name.endswith(".txt"):
            findings.append(warning("", f"{name} names frames that are not here: {said}"))
        else:
            findings.append(warning(name, f"the list names shorts that are not here: {said}"))
    return findings


def against_lists(files: SceneFiles, pixels: Pixels) -> list[Finding]:
    """Return a warning where a list's ISO, aperture or long disagrees with the frames of a scene.

    EXIF and the file names count; the list is what may be wrong.
    """
    said = []
    for row in files.listed:
        frame = pixels.short.get(row.name)
        if row.long and row.long != files.long.stem:
            said.append(f"{row.where} pairs it with {row.long}, not {files.long.stem}")
        if frame is None or row.iso is None or row.f_number is None:
            continue
        if not math.isclose(row.iso, frame.iso, rel_tol=_SAME_ISO):
            said.append(f"{row.where} says ISO {row.iso:g}, {row.name} has {frame.iso:g}")
        if frame.f_number and not math.isclose(
            row.f_number, frame.f_number, rel_tol=_SAME_APERTURE
        ):
            said.append(f"{row.where} says f/{row.f_number:g}, {row.name} has {frame.f_number:g}")
    if not said:
        return []
    more = f"; and {len(said) - _MOST_NAMED} more" if len(said) > _MOST_NAMED else ""
    return [warning(files.scene, "; ".join(said[:_MOST_NAMED]) + more + "; the file counts")]


def warning(scene: str, message: str) -> Finding:
    """Return a warning about a scene's place among the others."""
    return Finding(scene, "", "metadata", "warn", None, None, message)
