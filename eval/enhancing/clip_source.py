"""Clips to enhance: a video, or a folder whose pictures are the frames of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval import images
from eval.enhancing.targets import RAW_SUFFIXES
from eval.images import Picture
from lldata.errors import LowLightError, ScoreError
from lldata.reading.clip_files import natural
from lldata.reading.clip_frames import Clip
from lldata.reading.video import DEMUXERS, announced, decoded
from lldata.sets.clip_audits import missing_numbers

_QUARTER = 90  # degrees


class Taken(NamedTuple):
    """One frame as read."""

    planes: NDArray[np.float32]  # (3, H, W) in [0, 1]
    like: Picture  # without its pixels: what a frame written for it keeps


@dataclass(frozen=True)
class Source:
    """A clip that can be read from any frame on, one frame at a time."""

    path: Path
    files: tuple[Path, ...]  # of its frames; one of a video
    names: tuple[str, ...]  # files its frames are written to, in order
    video: bool
    rate: Fraction | None  # frames per second; unknown of a folder
    sound: bool
    first: Taken

    @property
    def deep(self) -> bool:
        """Whether its frames have more than 8 bits."""
        return bool(self.first.like.pixels.dtype == np.uint16)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its frames, px."""
        return self.first.planes.shape[1], self.first.planes.shape[2]

    @property
    def shown_size(self) -> tuple[int, int]:
        """Height and width of its frames as they are meant to be seen, px."""
        return self.size[::-1] if self.first.like.orientation >= 5 else self.size

    def frames(self, start: int = 0) -> Iterator[Taken]:
        """Yield the frames in order, from one of them on.

        Raises
        ------
        LowLightError
            If a frame cannot be read, or has another size, depth or orientation than the first.
        """
        taken = _video(self.path) if self.video else map(_picture, self.files[start:])
        frames = islice(taken, start if self.video else 0, None)
        return map(self._checked, count(start), frames)  # which keeps none of them

    def _checked(self, number: int, frame: Taken) -> Taken:
        found, wanted = _told(frame), _told(self.first)
        if found != wanted:
            where = self.path if self.video else self.files[number]
            raise ScoreError(
                f"{where}, frame {number}", f"it has {found}", f"the first has {wanted}",
                "A clip is of one size, depth and turn: take the frame out, or cut the clip there",
            )  # fmt: skip
        return frame


def is_video(path: Path) -> bool:
    """Whether a path names a video by its suffix."""
    return path.suffix.lower() in DEMUXERS


def open_clip(path: Path) -> Source:
    """Return the clip in a video or a folder of pictures; frames are ordered by their numbers.

    Raises
    ------
    LowLightError
        If there is none, its first frame cannot be read, or it is not clear what its frames are.
    """
    if path.is_dir():
        files = _frame_files(path)
        names = tuple(file.name for file in files)
        return Source(path, files, names, False, None, False, _picture(files[0]))
    known = announced(path)
    first = next(_video(path))
    suffix = f"{{:0{max(6, len(str(known.frames)))}d}}.png"
    names = tuple(path.stem + "_" + suffix.format(n) for n in range(known.frames))
    return Source(path, (path,), names, True, known.rate, known.sound, first)


def gaps(source: Source) -> list[int]:
    """Return the frame numbers that the names of a folder's frames skip."""
    return missing_numbers(Clip(source.path.name, source.files, source.video))


def _frame_files(folder: Path) -> tuple[Path, ...]:
    known = RAW_SUFFIXES | set(images.FORMATS)
    files = [
        file for file in folder.iterdir()
        if file.suffix.lower() in known and file.name[0] != "." and file.is_file()
    ]  # fmt: skip
    kinds = sorted({file.suffix.lower() for file in files})
    if len(kinds) != 1 or kinds[0] in RAW_SUFFIXES:
        found = f"it holds {' and '.join(kinds)} files" if kinds else "it holds no pictures"
        raise ScoreError(
            folder, found, "the frames of a clip are pictures of one kind, RGB of 8 or 16 bits",
            "Give a folder of PNG or TIFF frames alone",
        )  # fmt: skip
    return tuple(sorted(files, key=lambda file: natural(file.stem)))


def _picture(file: Path) -> Taken:
    picture = images.read(file)
    return Taken(_planes(picture.pixels), replace(picture, pixels=_like(picture.pixels.dtype)))


def _video(path: Path) -> Iterator[Taken]:
    for pixels, facts in decoded(path):
        turned = np.rot90(pixels, facts["rotation_deg"] // _QUARTER)
        yield Taken(_planes(turned), Picture(_like(np.uint16 if facts["bits"] > 8 else np.uint8)))


def _planes(pixels: NDArray[Any]) -> NDArray[np.float32]:
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
    planes /= np.float32(np.iinfo(pixels.dtype).max)
    return planes


def _like(dtype: object) -> NDArray[Any]:
    return np.zeros((1, 1, 3), np.uint16 if dtype == np.uint16 else np.uint8)


def _told(frame: Taken) -> str:
    height, width = frame.planes.shape[1:]
    turned = f", EXIF orientation {frame.like.orientation}" if frame.like.orientation != 1 else ""
    return f"{width}x{height} px of {8 * frame.like.pixels.dtype.itemsize} bits{turned}"


def wanted_rate(text: str | None) -> Fraction | None:
    """Return the frames per second of a text such as 25, 29.97 or 30000/1001.

    Raises
    ------
    LowLightError
        If it is none.
    """
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise LowLightError(
            f"--fps {text}", "this is no frame rate", "a number from above 0 to 1000 is needed",
            "Write for example --fps 25 or --fps 30000/1001",
        )  # fmt: skip
    return rate.limit_denominator(1001)
