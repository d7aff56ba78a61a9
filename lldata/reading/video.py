"""Decode video files frame by frame, refusing the damage that FFmpeg would conceal."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata.errors import FrameError, LowLightError, MetadataError

DEMUXERS = {".mp4": "mov", ".mov": "mov", ".m4v": "mov", ".mkv": "matroska", ".avi": "avi"}
_LOCAL = {"protocol_whitelist": "file"}  # nothing in a file makes FFmpeg open another address
_STRICT = {"err_detect": "explode"}  # FFmpeg shows invented pixels otherwise
_RGB, _BT709, _UNSPECIFIED, _BT601 = 0, 1, 2, 5  # of AVColorSpace
_MATRICES = {_RGB: "rgb", _BT709: "bt709", _BT601: "bt601", 6: "bt601", 9: "bt2020"}
_HD_ROWS = 720  # from here players take BT.709 where a file names no matrix
_FULL_RANGE = 2  # of AVColorRange
_LIMITED_WHITE = 65283  # as measured on grey ramps of 8, 10, 12 and 16 bits
_SMALLEST_DEEP = 9  # bits; below, RGB of 8 bits holds what a frame says


class Announced(NamedTuple):
    """What a video tells without being decoded."""

    frames: int
    rate: Fraction | None  # frames per second, on average
    sound: bool


def check_extra(path: Path) -> None:
    """Check that videos can be read here.

    Raises
    ------
    LowLightError
        If PyAV, the extra `video`, is not installed.
    """
    if importlib.util.find_spec("av") is None:
        raise LowLightError(
            path, "the package av is not installed", "reading a video needs the extra 'video'",
            "Install it: pip install 'lowlight-toolkit[video]'",
        )  # fmt: skip


def decoded(path: Path) -> Iterator[tuple[NDArray[np.uint16], dict[str, Any]]]:
    """Yield every frame of a video as (H, W, 3) RGB uint16, with what the file tells.

    Frames of 8 bits are scaled by 257; deeper ones keep their precision. Where a file names no
    colour matrix, BT.709 is taken from 720 rows, else BT.601, as players do; the facts say so.

    Raises
    ------
    FrameError
        If a frame is damaged, or fewer are there than the file announces.
    """
    check_extra(path)
    import av

    count = expected = 0
    try:
        with _opened(path) as file:
            stream = _stream(path, file)
            expected = stream.frames
            for count, frame in enumerate(file.decode(stream), 1):
                if frame.is_corrupt:
                    raise _damaged(path, f"frame {count - 1} is damaged")
                yield _rgb(path, frame), _facts(stream, frame)
    except av.FFmpegError as error:
        raise _damaged(path, f"frame {count} cannot be decoded ({error.strerror})") from error
    if count < max(expected, 1):
        raise _damaged(path, f"it holds {count} of {expected} frames")


def _opened(path: Path) -> Any:
    import av

    if path.suffix.lower() not in DEMUXERS:
        known = ", ".join(e[1:] for e in DEMUXERS)
        raise MetadataError(
            path, "this container is not known", f"videos end in {known}", "Convert the video"
        )
    return av.open(str(path), format=DEMUXERS[path.suffix.lower()], options=_LOCAL)


def _stream(path: Path, file: Any) -> Any:
    if len(file.streams.video) != 1:
        raise MetadataError(
            path, f"it has {len(file.streams.video)} pictures side by side",
            "a clip has one video stream", "Export that one alone",
        )  # fmt: skip
    stream = file.streams.video[0]
    stream.codec_context.options = _STRICT
    stream.codec_context.thread_count = 1  # frame threads each hold frames of 8K
    return stream


def _damaged(path: Path, found: str) -> FrameError:
    return FrameError(
        path, found, "every frame must be whole", "Copy the video from the card again"
    )


def _bits(frame: Any) -> int:
    return max(int(component.bits) for component in frame.format.components)


def _matrix(frame: Any) -> tuple[int, bool]:
    """Return the AVColorSpace of a frame, and whether its file names it."""
    if frame.format.is_rgb:
        return _RGB, True
    named: int = int(frame.colorspace)
    if named != _UNSPECIFIED:
        return named, True
    return (_BT709 if frame.height >= _HD_ROWS else _BT601), False


def _rgb(path: Path, frame: Any) -> NDArray[np.uint16]:
    deep = _bits(frame) >= _SMALLEST_DEEP
    layout, matrix = "rgb48le" if deep else "rgb24", _matrix(frame)[0]
    options = {} if frame.format.is_rgb else {"src_colorspace": matrix}
    pixels: NDArray[Any] = frame.to_ndarray(format=layout, **options)
    if pixels.ndim != 3:
        raise _damaged(path, f"a frame has the shape {pixels.shape}")
    if not deep:
        return pixels.astype(np.uint16) * np.uint16(257)
    if (white := _white(frame)) == 65535:
        return pixels
    return np.asarray(cv2.addWeighted(pixels, 65535 / white, pixels, 0, 0), np.uint16)  # saturates


def _white(frame: Any) -> int:
    """Return what FFmpeg's conversion to 16 bits makes of white: not always 65535."""
    if frame.format.is_rgb:
        return 65535
    if frame.color_range == _FULL_RANGE:
        bits = _bits(frame)
        return ((1 << bits) - 1) << (16 - bits)
    return _LIMITED_WHITE


def _facts(stream: Any, frame: Any) -> dict[str, Any]:
    matrix, named = _matrix(frame)
    rate = stream.average_rate
    return {
        "format": str(stream.codec_context.name), "bits": _bits(frame),
        "pixel_format": str(frame.format.name),
        "matrix": _MATRICES.get(matrix, f"AVColorSpace {matrix}") + ("" if named else " (assumed)"),
        "range": "full" if matrix == _RGB or frame.color_range == _FULL_RANGE else "limited",
        "frames_per_s": float(rate) if rate else None, "rotation_deg": int(frame.rotation),
    }  # fmt: skip


def announced(path: Path) -> Announced:
    """Return what a video says of itself; frames are counted where it does not say.

    Raises
    ------
    FrameError
        If it is no whole video.
    """
    check_extra(path)
    import av

    try:
        with _opened(path) as file:
            stream = _stream(path, file)
            count = stream.frames or sum(1 for packet in file.demux(stream) if packet.size)
            return Announced(count, stream.average_rate, bool(file.streams.audio))
    except av.FFmpegError as error:
        raise _damaged(path, f"it cannot be opened ({error.strerror})") from error
