"""Which files make the clips of which scene, by the names of folders and files alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lldata.audit import Finding
from lldata.errors import FrameError
from lldata.pairing import TRUTH, Find, SceneFiles, check_folder
from lldata.protocol import ClipProtocol
from lldata.reading.clip_frames import Clip
from lldata.reading.video import check_extra

TRUTH_CLIP = "truth"  # folder and name, in a simulated scene, of the low clip normally lit
_SCENE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # names a file, and half of a pair's id
_DEEPEST = 2  # layers of folders below the one that is named
_NUMBER = re.compile(r"(\d+)")


def find(src: Path, protocol: ClipProtocol) -> list[Find]:
    """Return the scenes of clips in a folder, itself included, and what does not fit.

    A scene with one clip, or with one of them twice, is a `metadata` finding that costs it.

    Raises
    ------
    FrameError
        If `src` is no folder or no clip lies in it; `LowLightError` if there are videos and the
        extra `video` is missing.
    """
    check_folder(src, "clips")
    folders = list(_scene_folders(src, protocol, _DEEPEST))
    if not folders:
        files = protocol.files
        raise FrameError(
            src, f"no folder in it holds {files.low} or {files.target}",
            "each scene's folder holds both, as folders of frames or as videos",
            f"Sort the files so (lldata protocols {protocol.name})",
        )  # fmt: skip
    scenes: list[SceneFiles] = []
    findings: list[Finding] = []
    for folder in folders:
        _add_scene(folder, src, protocol, scenes, findings)
    return [Find(src, scenes, findings)]


def _scene_folders(folder: Path, protocol: ClipProtocol, deeper: int) -> Iterator[Path]:
    names = (protocol.files.low, protocol.files.target)
    entries = sorted(folder.iterdir(), key=lambda p: natural(p.name))
    if any(_is_clip(entry, name, protocol) for entry in entries for name in names):
        yield folder
    elif deeper:
        for entry in entries:
            if entry.is_dir() and entry.name[0] != ".":
                yield from _scene_folders(entry, protocol, deeper - 1)


def _is_clip(path: Path, name: str, protocol: ClipProtocol) -> bool:
    if path.name == name:
        return path.is_dir()
    return path.stem == name and _extension(path) in protocol.files.video_extensions


def _extension(path: Path) -> str:
    return path.suffix[1:].lower()


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names by the numbers in them: frame 9 comes before frame 10."""
    return [
        (0, int(part), part) if part.isdigit() else (1, 0, part) for part in _NUMBER.split(name)
    ]


def _add_scene(
    folder: Path, src: Path, protocol: ClipProtocol, scenes: list[SceneFiles],
    findings: list[Finding],
) -> None:  # fmt: skip
    """Add the scene of one folder, or a finding that says why it is none."""
    name, simulated = folder.name, _source(folder)
    try:
        clips = {
            kind: _clip(folder, kind, protocol)
            for kind in (protocol.files.low, protocol.files.target)
        }
        has_truth = (folder / TRUTH_CLIP).is_dir()
        truth = _clip(folder, TRUTH_CLIP, protocol).files if has_truth and simulated else ()
        if not _SCENE_NAME.fullmatch(name):
            raise _UnfitError(
                "a scene's name is made of letters, digits, _ and -: rename the folder"
            )
    except _UnfitError as error:
        findings.append(_finding(name, "quarantine", f"{error}; the scene is left out"))
        return
    low, target = clips.values()
    for clip in (low, target):
        if clip.video:
            check_extra(clip.files[0])
    if has_truth and not simulated:
        said = f"{TRUTH_CLIP}/ is not read: only a simulation ({TRUTH}) knows the truth"
        findings.append(_finding(name, "warn", said))
    scenes.append(SceneFiles(
        name, "", simulated or name, src, target.files[0], (low.files[0],),
        (*target.files, *low.files, *truth),
    ))  # fmt: skip


class _UnfitError(Exception):
    """Why a folder is no scene."""


def _clip(folder: Path, name: str, protocol: ClipProtocol) -> Clip:
    places = [entry for entry in sorted(folder.iterdir()) if _is_clip(entry, name, protocol)]
    if len(places) != 1:
        found = " and ".join(p.name for p in places)
        raise _UnfitError(
            f"{name} is there twice, as {found}" if places else f"it has no {name} clip"
        )
    if not places[0].is_dir():
        return Clip(name, (places[0],), video=True)
    wanted = protocol.files.frame_extensions
    files = [
        entry for entry in places[0].iterdir()
        if _extension(entry) in wanted and entry.name[0] != "."
    ]  # fmt: skip
    if not files:
        raise _UnfitError(f"{name}/ holds no frame ending in {', '.join(wanted)}")
    ((stem, count),) = Counter(entry.stem for entry in files).most_common(1)
    if count > 1:
        raise _UnfitError(f"two frames of {name} are called {stem}")
    return Clip(name, tuple(sorted(files, key=lambda p: natural(p.stem))), video=False)


def _finding(scene: str, status: str, message: str) -> Finding:
    return Finding(scene, "", "metadata", status, None, None, message)  # type: ignore[arg-type]


# ---- what a scene's files are


def clips_of(files: SceneFiles, protocol: ClipProtocol) -> dict[str, Clip]:
    """Return the clips of a scene that was found: low, target and, of a simulated one, truth."""
    places = {protocol.files.low: "low", protocol.files.target: "target", TRUTH_CLIP: TRUTH_CLIP}
    clips: dict[str, list[Path]] = {name: [] for name in places.values()}
    videos = set()
    for path in files.members:
        video = _extension(path) in protocol.files.video_extensions
        name = places[path.stem if video else path.parent.name]
        clips[name].append(path)
        if video:
            videos.add(name)
    return {n: Clip(n, tuple(paths), video=n in videos) for n, paths in clips.items() if paths}


def source_of(files: SceneFiles, protocol: ClipProtocol) -> str:
    """Return the photograph or procedural scene a simulated scene shows, "" for captures."""
    video = _extension(files.long) in protocol.files.video_extensions
    return _source(files.long.parent if video else files.long.parent.parent)


def _source(folder: Path) -> str:
    """Return what a simulation beside a scene's folder says that the scene shows."""
    for parent in (folder, *list(folder.parents)[:_DEEPEST]):
        table = parent / TRUTH
        if table.is_file():
            try:
                return str(json.loads(table.read_text("utf-8"))["sources"].get(folder.name, ""))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise FrameError(
                    table, f"it names no sources ({type(error).__name__})",
                    "the simulator writes them there",
                    "Restore the file; without it the data cannot be called simulated rightly",
                ) from error  # fmt: skip
    return ""
