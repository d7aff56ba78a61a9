"""Files that one process at a time holds: the system frees them when their holder dies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lldata.publish import make_folder


@contextlib.contextmanager
def locked(path: Path, *, keep: bool = True, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock among processes; the system frees it when the holder dies.

    The file may be deleted at any time; without `keep` the holder does so at its end.

    Raises
    ------
    BlockingIOError
        If another holds it and `wait` is false.
    """
    make_folder(path.parent)
    while True:
        with path.open("a+b") as file:
            if os.name == "posix":
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not _is_named(file, path):  # deleted while it was waited for
                    continue
            try:
                yield
            finally:
                if not keep:
                    with contextlib.suppress(OSError):  # Windows deletes no open file
                        path.unlink()
            return


def _is_named(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
