"""What an exported DNG states of the frame it was written from, and when that is believed.

A DNG cannot hold every field of a frame to the last bit, nor the sha256 of the camera's own file.
So an export states them in DNGPrivateData, with the digest of the mosaic they belong to. Whoever
changed the pixels or an EXIF field since is believed instead: then the file counts as it is.

Source: Adobe, Digital Negative Specification 1.4, DNGPrivateData.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from lldata.frame import Frame
from lldata.scene import array_digest, canonical_json

MARK = b"lldata frame\0"  # the specification wants the writer's name first
_HEAD = 1 << 16  # bytes; the directories and their values lie before the pixels
_SAME = 1e-6  # relative; a rational holds what float32 holds


def statement(frame: Frame) -> bytes:
    """Return what a DNG of this frame states."""
    return MARK + canonical_json({"frame": frame.metadata(), "mosaic": array_digest(frame.mosaic)})


def is_exported(path: Path) -> bool:
    """Whether a file states the frame it was written from."""
    with path.open("rb") as file:
        return MARK in file.read(_HEAD)


def restored(frame: Frame, data: bytes) -> Frame:
    """Return the frame that a file was exported from, or the frame as it was read.

    Parameters
    ----------
    frame : as the readers found it
    data : the file
    """
    at = data.find(MARK, 0, _HEAD)
    if at < 0:
        return frame
    text = data[at + len(MARK) : _HEAD].decode("ascii", "replace")
    try:
        stated, _ = json.JSONDecoder().raw_decode(text)
        before = Frame.from_metadata(frame.mosaic, stated["frame"])
        believed = stated["mosaic"] == array_digest(frame.mosaic)
        return before if believed and _agree(before, frame) else frame
    except (ValueError, KeyError, TypeError, RecursionError):
        return frame


def _agree(stated: Frame, read: Frame) -> bool:
    """Whether two frames' fields are the same within what a DNG can hold."""
    one, other = stated.metadata(), read.metadata()
    return len(str(stated.sha256)) in (0, 64) and all(
        _same(one[name], other[name]) for name in one if name != "sha256"
    )


def _same(stated: Any, read: Any) -> bool:
    if isinstance(stated, tuple) and isinstance(read, tuple):
        return len(stated) == len(read) and all(map(_same, stated, read))
    if isinstance(stated, int | float) and isinstance(read, int | float):
        return math.isclose(stated, read, rel_tol=_SAME, abs_tol=_SAME)
    return type(stated) is type(read) and bool(stated == read)
