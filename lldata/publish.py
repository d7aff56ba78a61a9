"""Files appear whole or not at all: a temporary name beside the target, fsync, then the name.

HDF5 is never written to disk by its own library: killed inside a write it loses earlier scenes,
and it swallows a full disk. Bytes built in memory and published like this lost nothing.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lldata.errors import LowLightError, StoreError

TEMPORARY = ".tmp"
LONGEST_NAME = 255  # bytes, of a file or folder on every common disk
_LONGEST = LONGEST_NAME - 32 - len(f"..{TEMPORARY}")  # of a file's own name in its temporary one
_PIECE = 1 << 20  # bytes compared at a time
_BLOCK = 1 << 16  # bytes of small pieces that are written together


def make_folder(folder: Path) -> None:
    """Make a folder, and those it lies in.

    Raises
    ------
    LowLightError
        If none can be there, or it takes no files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
        raise LowLightError(
            folder,
            f"no file can be made in it ({str(error.strerror).lower()})",
            "a folder that takes files is needed",
            "Choose another path",
        ) from error


def write_replacing(path: Path, data: bytes | memoryview | Iterable[bytes]) -> None:
    """Write a file, in pieces if it is large, replacing an older one of that name in one step."""
    with _written(path, data) as temporary:
        temporary.replace(path)


def write_once(path: Path, data: bytes | memoryview) -> bool:
    """Write a file unless one of that name stands there; return whether this call wrote it.

    Raises
    ------
    StoreError
        If what was written does not read back as it was given.
    """
    with _written(path, data) as temporary:
        if not _reads_back(temporary, data):
            raise StoreError(
                path,
                "what was written reads back differently",
                "a disk gives back what it took",
                "Check the disk",
            )
        return name_once(temporary, path)


def name_once(temporary: Path, path: Path) -> bool:
    """Give a finished file its name unless another has it; return whether it has it now."""
    try:
        os.link(temporary, path)  # unlike a rename it never replaces another writer's file
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        temporary.replace(path)
    return True


def _reads_back(path: Path, data: bytes | memoryview) -> bool:
    """Whether a file holds exactly these bytes."""
    expected = np.frombuffer(data, np.uint8)
    piece = np.empty(min(_PIECE, max(len(expected), 1)), np.uint8)
    at = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece.data):
            if not _same(piece[:count], expected[at : at + count]):
                return False
            at += count
    return at == len(expected)


def _same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two arrays hold the same bytes: eight of them are compared at once."""
    whole = len(one) // 8 * 8
    return (
        len(one) == len(other)
        and np.array_equal(one[:whole].view(np.uint64), other[:whole].view(np.uint64))
        and np.array_equal(one[whole:], other[whole:])
    )


def temporary_beside(path: Path) -> Path:
    """Return a hidden name beside a file for one that is not finished; systems take 255 bytes."""
    return path.with_name(f".{_start_of(path.name)}.{uuid.uuid4().hex}{TEMPORARY}")


def _start_of(name: str) -> str:
    """Return as much of a file's name as fits into a temporary one, whole letters."""
    return os.fsencode(name)[:_LONGEST].decode("utf-8", "ignore")


@contextlib.contextmanager
def _written(path: Path, data: bytes | memoryview | Iterable[bytes]) -> Iterator[Path]:
    make_folder(path.parent)
    temporary = temporary_beside(path)
    try:
        with temporary.open("wb") as file:
            for block in _blocks(data):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _blocks(data: bytes | memoryview | Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """Yield what is written at a time: all that is one, else small pieces together."""
    if isinstance(data, bytes | memoryview):
        yield data
        return
    block = bytearray()
    for piece in data:
        block += piece
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path, of: str = "", older_than_s: float = 3600.0) -> None:
    """Delete temporary files that killed writers left, once no living writer can own them.

    With `of`, those of a file of that name only.
    """
    import time

    for leftover in folder.glob(f".{glob.escape(_start_of(of))}*{TEMPORARY}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > older_than_s:
                leftover.unlink()


def check_room(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk has no room for.

    Raises
    ------
    LowLightError
        If fewer bytes are free than are needed.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise LowLightError(
            folder,
            f"{free / 1e9:.3g} GB are free",
            f"{needed / 1e9:.3g} GB are needed",
            "Make room, or choose a folder on another disk",
        )
