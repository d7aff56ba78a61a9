"""What one file tells of how it was taken, besides its pixels and the fields of its frame."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lldata.frame import Frame
from lldata.reading import containers, maker_notes, tiff
from lldata.reading.coding import coding
from lldata.reading.tiff import Directory

UNKNOWN = "unknown"
_ORIENTATION, _BODY_SERIAL, _SUBSECONDS = 274, 42033, 37521
_DNG_SERIAL, _DNG_NOISE_REDUCTION = 50735, 50935
_FRAME_FIELDS = (
    "camera", "lens", "f_number", "focal_length_mm", "iso", "exposure_s", "white_balance",
)  # fmt: skip


@dataclass(frozen=True)
class FileFacts:
    """What a file tells; `unknown`, or None for a number, where it does not."""

    compression: str = UNKNOWN
    lossy: bool | None = None
    bit_depth: int | None = None
    unfinished_pieces: int = 0  # strips and tiles of JPEG data without an end marker
    decoded_twice: bool = False  # alike; else the file is refused
    crop: str = UNKNOWN  # mode of the camera, "full" for none
    high_iso_noise_reduction: str = UNKNOWN  # "off" or "on (how)"
    long_noise_reduction: str = UNKNOWN  # dark-frame subtraction of long exposures
    noise_reduced: float | None = None  # share that a DNG says was removed
    orientation: int | None = None  # EXIF, 1 upright
    serial: str = UNKNOWN  # of the body
    shutter: str = UNKNOWN
    time: str | None = None  # ISO 8601, camera clock, with fractions where the file has them

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> FileFacts:
        """Return the facts in what `facts_of` returned, more than them being kept there."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def facts_of(data: bytes, frame: Frame) -> dict[str, Any]:
    """Return what a RAW file tells, JSON-ready: every field of `FileFacts` and of the capture.

    Parameters
    ----------
    data : the whole file
    frame : what was read from it
    """
    packed, directories = coding(data), _directories(data)
    found = {
        "compression": packed.name, "lossy": packed.lossy, "bit_depth": packed.bits,
        "unfinished_pieces": packed.unfinished, "time": _time(frame.time, directories),
        **_of_exif(directories), **maker_notes.notes(data),
    }  # fmt: skip
    height, width = frame.mosaic.shape
    capture = {name: getattr(frame, name) for name in _FRAME_FIELDS}
    return {**capture, "height": height, "width": width, **asdict(FileFacts(**found))}


def _directories(data: bytes) -> list[Directory]:
    """Return the directories of pictures and EXIF, up to a damaged one."""
    found: list[Directory] = []
    for block in containers.exif_tiffs(data):
        try:
            for directory in tiff.directories(block):
                found.append(directory)
                found += [Directory(block, at) for at in directory.integers(tiff.EXIF)]
        except struct.error:
            continue
    return found


def _of_exif(directories: Sequence[Directory]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for directory in directories:
        with contextlib.suppress(struct.error):  # a value outside the file tells nothing
            told = {
                "serial": directory.text(_BODY_SERIAL) or directory.text(_DNG_SERIAL),
                "orientation": next(iter(directory.integers(_ORIENTATION)), None),
                "noise_reduced": directory.number(_DNG_NOISE_REDUCTION),
            }
            found = {**{n: v for n, v in told.items() if v is not None}, **found}
    return found


def _time(seconds: str | None, directories: Sequence[Directory]) -> str | None:
    """Return a frame's time with the fraction of a second that EXIF keeps apart."""
    if seconds is None:
        return None
    fractions = (directory.text(_SUBSECONDS) for directory in directories)
    digits = next((f for f in fractions if f and f.isdigit()), None)
    return f"{seconds}.{digits}" if digits else seconds
