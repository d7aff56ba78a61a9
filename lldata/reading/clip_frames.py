"""Read clips one frame at a time: folders of 16-bit or 8-bit pictures, and video files.

A video is read with FFmpeg through PyAV (extra `video`), which hides damage unless told not to.
OpenCV reads pictures; it takes a TIFF of separate planes for another picture, and of several
pages the first, so that TIFF directories are looked at before.
"""

from __future__ import annotations

import hashlib
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata.errors import FrameError, MetadataError
from lldata.reading import tiff

_BITS_8_TO_16 = 257  # 255 becomes 65535, exactly
_TIFF = (".tif", ".tiff")
_SUBFILE, _PLANAR = 254, 284  # TIFF tags
_CONTIGUOUS = (1,)  # of PlanarConfiguration
_COPY_AGAIN = "Copy it from the card again"


@dataclass(frozen=True)
class Clip:
    """Where one clip lies: its frames in order, or one video."""

    name: str  # low, target or truth
    files: tuple[Path, ...]
    video: bool


class ClipFrame(NamedTuple):
    """One frame as read."""

    where: str  # its file's name; of a video also its number
    pixels: NDArray[np.uint16]  # (H, W, 3) RGB; of fewer bits scaled so that white is 65535
    facts: dict[str, Any]  # bits, format and what else its file tells; the same in a whole clip
    sha256: str  # of its file; "" in a video


def frames(clip: Clip) -> Iterator[ClipFrame]:
    """Yield the frames of a clip in order, holding one at a time.

    Raises
    ------
    FrameError
        If a file or a frame is damaged; `MetadataError` if it holds no RGB of 8 to 16 bits.
    """
    if not clip.video:
        return map(_picture, clip.files)
    from lldata.reading.video import decoded  # PyAV is an extra

    return (
        ClipFrame(f"{clip.files[0].name} frame {number}", pixels, facts, "")
        for number, (pixels, facts) in enumerate(decoded(clip.files[0]))
    )


def file_status(path: Path) -> tuple[int, int]:
    """Return size in bytes and time of the last change in ns of a regular, filled file.

    Raises
    ------
    FrameError
        If it is none.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise FrameError(
            path, f"it cannot be reached ({error.strerror})", "a file of frames is needed",
            "Correct the path or its links",
        ) from error  # fmt: skip
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        found = "the file is empty (0 bytes)" if not status.st_size else "it is no regular file"
        raise FrameError(path, found, "a file of frames is needed", _COPY_AGAIN)
    return status.st_size, status.st_mtime_ns


def _picture(path: Path) -> ClipFrame:
    """Read one frame of a folder."""
    file_status(path)
    data = path.read_bytes()
    if path.suffix.lower() in _TIFF:
        _check_tiff(path, data)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        picture = None
    if picture is None:
        raise FrameError(
            path, "it cannot be read as a picture", "a frame is a whole 16-bit TIFF or PNG",
            _COPY_AGAIN,
        )  # fmt: skip
    bits, channels = 8 * picture.dtype.itemsize, picture.shape[2] if picture.ndim == 3 else 1
    if picture.dtype not in (np.uint8, np.uint16) or channels != 3:
        raise _no_rgb(path, f"it has {channels} channels of {picture.dtype}")
    pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    facts = {"format": path.suffix.lower()[1:4], "bits": bits}
    return ClipFrame(path.name, _sixteen_bits(pixels), facts, hashlib.sha256(data).hexdigest())


def _sixteen_bits(pixels: NDArray[Any]) -> NDArray[np.uint16]:
    if pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16)
        pixels *= _BITS_8_TO_16
    return pixels


def _no_rgb(where: object, found: str) -> MetadataError:
    return MetadataError(
        where, found, "a frame of a clip is one RGB picture of 8 or 16 bits",
        "Export the frames as 16-bit RGB TIFF or PNG",
    )  # fmt: skip


def _check_tiff(path: Path, data: bytes) -> None:
    """Refuse what OpenCV would read as something else."""
    if not tiff.is_tiff(data):
        raise _no_rgb(path, "it starts as no TIFF of 32-bit offsets")
    try:
        pages = [d for d in tiff.directories(data) if not _is_thumbnail(d)]
        apart = any(d.integers(_PLANAR) not in ((), _CONTIGUOUS) for d in pages)
    except struct.error as error:
        raise FrameError(
            path, "its TIFF directory lies outside the file", "a whole file is needed", _COPY_AGAIN
        ) from error
    if len(pages) != 1 or apart:
        found = f"{len(pages)} pages" if len(pages) != 1 else "its colours in separate planes"
        raise _no_rgb(path, f"it has {found}")


def _is_thumbnail(directory: tiff.Directory) -> bool:
    return bool(directory.integers(_SUBFILE) and directory.integers(_SUBFILE)[0] & 1)
