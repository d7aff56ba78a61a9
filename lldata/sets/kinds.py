"""How the scenes of each kind of protocol are found in a folder, and done one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lldata.pairing import Find, SceneFiles, find_captures
from lldata.protocol import PictureProtocol, Protocol
from lldata.reading import clip_files
from lldata.sets import brackets, clips, examine, pictures
from lldata.sets.job import Outcome, SceneJob
from lldata.synthesis import pairs as synthesised


class Kind(NamedTuple):
    """How scenes of one kind of protocol are found and done."""

    find: Callable[[Path, Any], list[Find]]
    run_scene: Callable[[SceneJob[Any]], Outcome]
    expected: str  # what a folder without scenes lacks
    longest_s: Callable[[SceneFiles], float] = lambda _: 0.0  # where beyond the engine's limit


KINDS = {
    "bracket": Kind(
        brackets.find, examine.run_scene,
        "names such as 00001_00_0.25s and 00001_00_0.5s in one folder are needed",
    ),
    "clips": Kind(
        clip_files.find, clips.run_scene,
        "each scene's folder holds low and target, as folders of frames or as videos",
        clips.longest_s,
    ),
    "paired": Kind(
        find_captures, examine.run_scene,
        "names such as 00001_00_0.1s in short/ and 00001_00_10s in long/ are needed",
    ),
    "pictures": Kind(
        pictures.find, pictures.run_scene, "pictures of the same names in both folders are needed"
    ),
    "synthesised": Kind(
        synthesised.find, synthesised.run_scene, "photographs of different names are needed"
    ),
}  # fmt: skip


def kind_of(protocol: Protocol) -> str:
    """Return the key of a protocol's kind: its class and what it says of itself decide."""
    return "pictures" if isinstance(protocol, PictureProtocol) else protocol.kind


def find(src: Path, protocol: Protocol) -> list[Find]:
    """Return what the names in `src` tell under a protocol of any kind.

    Raises
    ------
    FrameError
        If it holds nothing of the kind.
    """
    return KINDS[kind_of(protocol)].find(src, protocol)
