"""Exposure brackets: one folder of RAW files, many exposures of each scene, by their names.

Every longer exposure that has shorter ones becomes a scene, SCENE-EXPOSUREs, with those as its
shorts; all scenes of one bracket are one group and so share a split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from lldata.audit import Finding
from lldata.errors import FrameError
from lldata.pairing import Find, SceneFiles, check_folder
from lldata.protocol import RawProtocol

Shots = dict[float, list[Path]]  # exposure as names give it, s -> its takes


def find(src: Path, protocol: RawProtocol) -> list[Find]:
    """Return the brackets in a folder, or in the folders directly in it.

    Raises
    ------
    FrameError
        If `src` is no folder, or neither it nor a folder in it holds a frame of that name.
    """
    check_folder(src, "frames")
    inside = sorted(p for p in src.iterdir() if p.is_dir() and not p.name.startswith("."))
    finds = [_in_folder(folder, protocol) for folder in (src, *inside)]
    told = [each for each in finds if each.scenes]
    if told:
        return told
    named = [each for each in finds if each.findings]
    if named:
        return named
    raise FrameError(
        src,
        "it holds no exposures of one scene",
        "RAW files such as 00001_00_0.25s and 00001_00_0.5s lie in it side by side",
        f"Rename the files (lldata protocols {protocol.name})",
    )


def _in_folder(folder: Path, protocol: RawProtocol) -> Find:
    """Return the brackets of one folder; that of a paired capture holds none."""
    both = {protocol.files.short, protocol.files.long}
    if folder.name in both and all((folder.parent / name).is_dir() for name in both):
        return Find(folder, [], [])
    allowed = {f".{e.lower()}" for e in protocol.files.extensions}
    shots: dict[str, Shots] = defaultdict(lambda: defaultdict(list))
    unnamed = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in allowed or path.is_dir():
            continue
        parts = protocol.parse_name(path.stem)
        if parts is None or not float(parts["exposure_s"]):
            unnamed.append(path)
        else:
            shots[parts["scene"]][float(parts["exposure_s"])].append(path)
    if not shots:
        return Find(folder, [], [])
    findings = [
        _finding(p.stem, "warn", f"{p.name} is left out: its name says no scene and exposure")
        for p in unnamed
    ]
    scenes: list[SceneFiles] = []
    for name, ladder in shots.items():
        rungs = _scenes(name, ladder, protocol, folder)
        scenes += rungs
        if not rungs:
            findings.append(_finding(name, "quarantine", _alone(ladder, protocol)))
    return Find(folder, scenes, findings)


def _scenes(
    name: str, ladder: Mapping[float, list[Path]], protocol: RawProtocol, folder: Path
) -> list[SceneFiles]:
    """Return a scene for each exposure that has shorter ones; of several takes the first."""
    scenes = []
    for long_s in sorted(ladder):
        shorts = [
            path
            for short_s in sorted(ladder, reverse=True)
            if long_s >= short_s * _smallest(protocol)
            for path in ladder[short_s]
        ]
        if shorts:
            long = ladder[long_s][0]
            label = f"{name}-{(protocol.parse_name(long.stem) or {})['exposure_s']}s"
            scenes.append(SceneFiles(label, "", name, folder, long, tuple(shorts)))
    return scenes


def _smallest(protocol: RawProtocol) -> float:
    """Return the least ratio of a pair; shutter times as named are rounded."""
    return min(protocol.exposure.ratios) * (1 - protocol.limits.name_exposure)


def _alone(ladder: Mapping[float, list[Path]], protocol: RawProtocol) -> str:
    shown = ", ".join(f"{s:g} s" for s in sorted(ladder))
    least = min(protocol.exposure.ratios)
    return (
        f"its exposures ({shown}) give no pair of a ratio of {least:g} or more; the scene is left "
        "out"
    )


def _finding(scene: str, status: str, message: str) -> Finding:
    return Finding(scene, "", "metadata", status, None, None, message)  # type: ignore[arg-type]
