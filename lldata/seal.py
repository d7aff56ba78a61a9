"""The seal of a file: the sha256 of its bytes, after its last byte, where HDF5 does not look.

It tells damage from soundness before any library parses the file. It keeps nobody out: whoever
makes a file can seal it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

BYTES = hashlib.sha256().digest_size
_STEP = 1 << 20


def sealed(data: bytes | memoryview) -> bytes:
    """Return a file's bytes with their seal."""
    return bytes(data) + hashlib.sha256(data).digest()


def of(file: BinaryIO, size: int) -> bytes:
    """Return the seal of the first bytes of a file, and leave it after them."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (data := file.read(min(_STEP, size))):
        digest.update(data)
        size -= len(data)
    return digest.digest()


def holds(path: Path) -> bool:
    """Whether a file ends with the seal of what stands before it."""
    with path.open("rb") as file:
        return of(file, path.stat().st_size - BYTES) == file.read()
