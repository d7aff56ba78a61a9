"""Videos written in segments: what is finished stays when the work is interrupted.

Each segment is a video of its own, in the codec of the whole; at the end they are joined without
being encoded again. No frame refers to a later one (no B-frames), so that segments follow each
other as they are.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lldata import publish
from lldata.errors import LowLightError
from lldata.reading.video import check_extra

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv")
_MUXERS = {".mp4": "mp4", ".mov": "mov", ".m4v": "mp4", ".mkv": "matroska"}
_BT709, _LIMITED = 1, 1  # of AVColorSpace, AVColorPrimaries, AVColorTransfer; of AVColorRange

Pixels = NDArray[Any]  # (H, W, 3) RGB, uint8 or uint16


@dataclass(frozen=True)
class Coding:
    """How frames become a video."""

    codec: str
    pixels: str  # FFmpeg's name of the pixel format
    options: dict[str, str] = field(default_factory=dict)

    @property
    def rgb(self) -> bool:
        """Whether it holds RGB as it is."""
        return self.codec == "ffv1"


def coding(path: Path, *, deep: bool, size: tuple[int, int]) -> Coding:
    """Return how a video of this name is coded.

    .mkv keeps every value of 8 or 16 bits (FFV1). The others are made for players: H.264 of
    8 bits, or of 10 for deeper frames, near lossless to the eye (CRF 14), colours at half the
    resolution as players take them, unless a side is odd.

    Parameters
    ----------
    deep : whether frames have 16 bits
    size : (H, W)

    Raises
    ------
    LowLightError
        If no video is written with this suffix, or the extra `video` is missing.
    """
    check_suffix(path)
    check_extra(path)
    if path.suffix.lower() == ".mkv":
        return Coding("ffv1", "gbrp16le" if deep else "bgr0", {"level": "3", "slicecrc": "1"})
    layout = "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
    # x265, of which players take 10 bits more readily, corrupts memory at widths below 64
    return Coding("libx264", layout + "10le" * deep, {"crf": "14", "bf": "0"})


def check_suffix(path: Path) -> None:
    """Refuse a name under which no video is written.

    Raises
    ------
    LowLightError
        If its suffix is another one.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise LowLightError(
            path, f"its suffix is '{path.suffix}'", f"videos are written as {', '.join(SUFFIXES)}",
            "Give the output one of these suffixes",
        )  # fmt: skip


class Segment:
    """A piece of a video being written; its file appears when it is finished."""

    def __init__(self, path: Path, how: Coding, rate: Fraction, size: tuple[int, int]) -> None:
        import av

        self.path, self.how, self.frames = path, how, 0
        self._temporary = publish.temporary_beside(path)
        publish.make_folder(path.parent)
        self._file: Any = av.open(str(self._temporary), "w", format="matroska")
        self._stream = _stream(self._file, how, rate, size)

    def add(self, pixels: Pixels) -> None:
        """Encode the next frame."""
        from av import VideoFrame

        layout = "rgb48le" if pixels.dtype == np.uint16 else "rgb24"
        frame: Any = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=layout)
        if self.how.rgb:
            frame = frame.reformat(format=self.how.pixels)
        else:
            frame = frame.reformat(
                format=self.how.pixels, dst_colorspace=_BT709, dst_color_range=_LIMITED
            )
        frame.pts = self.frames
        self._file.mux(self._stream.encode(frame))
        self.frames += 1

    def finish(self) -> None:
        """Write what is left and give the file its name."""
        self._file.mux(self._stream.encode(None))
        self._file.close()
        _name(self._temporary, self.path)

    def abandon(self) -> None:
        """Leave nothing of an unfinished segment."""
        with contextlib.suppress(Exception):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def _stream(file: Any, how: Coding, rate: Fraction, size: tuple[int, int]) -> Any:
    stream = file.add_stream(how.codec, rate=rate, options=how.options)
    stream.height, stream.width = size
    stream.pix_fmt = how.pixels
    stream.thread_count = 1  # the same bytes whatever the machine
    if not how.rgb:
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
    return stream


def join(segments: Sequence[Path], target: Path, rate: Fraction, frames: int) -> None:
    """Make one video of segments of one coding, which appears whole or not at all.

    Parameters
    ----------
    segments : in order, at least one
    target : its suffix says which container
    rate : frames per second
    frames : that all segments hold together

    Raises
    ------
    LowLightError
        If they do not hold so many.
    """
    import av

    count = 0
    temporary = publish.temporary_beside(target)
    try:
        with av.open(str(temporary), "w", format=_MUXERS[target.suffix.lower()]) as file:
            with av.open(str(segments[0]), format="matroska") as first:
                stream: Any = file.add_stream_from_template(first.streams.video[0])
            stream.time_base = 1 / rate  # a segment counts in milliseconds
            for count, packet in enumerate(_packets(segments), 1):
                packet.stream = stream
                packet.time_base = 1 / rate
                packet.pts = packet.dts = count - 1
                packet.duration = 1
                file.mux(packet)
        if count != frames:
            raise LowLightError(
                target, f"its segments hold {count} of {frames} frames", "none may be lost",
                f"Check the disk, delete {segments[0].parent} and run it again",
            )  # fmt: skip
        _name(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _packets(segments: Sequence[Path]) -> Iterator[Any]:
    import av

    for path in segments:
        with av.open(str(path), format="matroska") as file:
            yield from (packet for packet in file.demux(video=0) if packet.size)


def _name(temporary: Path, path: Path) -> None:
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    publish.sync_folder(path.parent)
