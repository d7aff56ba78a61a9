"""Where an enhanced clip goes, frame after frame; what is finished stays when work stops."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eval import images
from eval.enhancing import image_files
from eval.images import Picture
from lldata import publish
from lldata.errors import LowLightError
from lldata.locks import locked
from lldata.outputs.video import Coding, Segment, join

SEGMENT = 12  # frames; so many at most are computed again after an interruption

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]


class Target(Protocol):
    """Takes the frames of a clip in order."""

    done: int  # frames that are finished, from the first on

    def put(self, frame: Planes, like: Picture) -> None:
        """Write the next frame."""
        ...

    def finish(self) -> list[Path]:
        """Return the files of the finished clip."""
        ...

    def close(self) -> None:
        """Leave nothing unfinished."""
        ...


@contextlib.contextmanager
def sole_writer(target: Path, *, video: bool) -> Iterator[None]:
    """Hold the place of a clip, so that no other process writes into it meanwhile.

    Parameters
    ----------
    target : the video, or the folder of the frames

    Raises
    ------
    LowLightError
        If another process holds it.
    """
    lock = target.with_name(f".{target.name}.lock") if video else target / ".enhance.lock"
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(lock, keep=False, wait=False))
        except BlockingIOError as error:
            raise LowLightError(
                target, "another lleval enhance is writing it", "one writes a clip at a time",
                "Wait until it has ended, or name another output",
            ) from error  # fmt: skip
        yield


class Journal:
    """How many frames of one very task are finished; kept beside them until all are."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint

    def read(self) -> int:
        """Return the number of finished frames, 0 of another task."""
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            return int(kept["done"]) if kept["fingerprint"] == self.fingerprint else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def write(self, done: int) -> None:
        """Keep the number of finished frames."""
        text = json.dumps({"fingerprint": self.fingerprint, "done": done})
        publish.write_replacing(self.path, text.encode())

    def remove(self) -> None:
        """Forget the task."""
        self.path.unlink(missing_ok=True)


class Frames:
    """A folder of pictures, each whole or not there."""

    def __init__(self, files: list[Path], fingerprint: str) -> None:
        self.files = files
        self.journal = Journal(files[0].parent / ".enhance.json", fingerprint)
        publish.remove_leftovers(files[0].parent)
        there = next((n for n, file in enumerate(files) if not file.is_file()), len(files))
        self.done = min(self.journal.read(), there)
        # said before the first frame: those of another task that lie there are not finished
        self.journal.write(self.done)

    def put(self, frame: Planes, like: Picture) -> None:
        """Write the next frame in the depth it came in."""
        image_files.write(self.files[self.done], frame.transpose(1, 2, 0), like)
        self.done += 1
        self.journal.write(self.done)

    def finish(self) -> list[Path]:
        """Return the pictures."""
        self.journal.remove()
        return self.files

    def close(self) -> None:
        """Nothing is ever left unfinished."""


class Video:
    """A video, made of segments in a hidden folder beside it until all are finished."""

    def __init__(
        self, path: Path, how: Coding, rate: Fraction, size: tuple[int, int], fingerprint: str
    ) -> None:
        self.path, self.how, self.rate, self.size = path, how, rate, size
        self.folder = path.with_name(f".{path.name}.parts")
        self.journal = Journal(self.folder / "journal.json", fingerprint)
        self.done = self.journal.read()
        if not all(self._segment(n).is_file() for n in range(0, self.done, SEGMENT)):
            self.done = 0
        self.journal.write(self.done)
        self.open: Segment | None = None

    def put(self, frame: Planes, like: Picture) -> None:
        """Encode the next frame as it is meant to be seen: a video carries no EXIF."""
        if self.open is None:
            self.open = Segment(self._segment(self.done), self.how, self.rate, self.size)
        dtype: type[np.uint8 | np.uint16] = like.pixels.dtype.type
        white = np.float32(np.iinfo(dtype).max)
        pixels = np.rint(frame.transpose(1, 2, 0).clip(0, 1) * white).astype(dtype)
        self.open.add(images.upright(replace(like, pixels=pixels)))
        if self.open.frames == SEGMENT:
            self._end_segment()

    def finish(self) -> list[Path]:
        """Join the segments; return the video."""
        self._end_segment()
        publish.remove_leftovers(self.path.parent, self.path.name)
        segments = [self._segment(first) for first in range(0, self.done, SEGMENT)]
        join(segments, self.path, self.rate, self.done)
        shutil.rmtree(self.folder)
        return [self.path]

    def close(self) -> None:
        """Drop a segment that is not full."""
        if self.open is not None:
            self.open.abandon()

    def _end_segment(self) -> None:
        if self.open is not None:
            self.open.finish()
            self.done += self.open.frames
            self.open = None
            self.journal.write(self.done)

    def _segment(self, first: int) -> Path:
        return self.folder / f"{first:09d}.mkv"
