"""Bring one file here in pieces if need be: what is there is kept, only the rest is asked for.

Beside the part a note says of which version of the remote file it is, so that pieces of two
versions are never joined.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector

from lldata import publish
from lldata.errors import DownloadError
from lldata.fetching.https import BrokenError, PastEndError, ask, opener_for, read, refused
from lldata.fetching.sources import RemoteFile

_CHUNK = 2**18
_NOTE = ".json"


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server."""

    silence_s: float = 30.0  # without a byte
    window_s: float = 60.0  # in which at least `slowest_bytes` come
    slowest_bytes: int = 2**16
    attempts: int = 6  # in a row without that many bytes
    pause_s: float = 1.0  # before the second attempt; doubled before each further one

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many attempts in a row came to nothing."""
        return float(min(self.pause_s * 2 ** (failures - 1), 60.0))


PATIENCE = Patience()


def fetch(
    file: RemoteFile, part: Path, report: Callable[[int, int], None], patience: Patience = PATIENCE
) -> None:
    """Bring `part` to the whole length of a remote file, going on from what is in it.

    Its content is not checked here.

    Raises
    ------
    DownloadError
        If the server cannot be reached or trusted, has no such file or another one than is
        known, sends us to an address without https, or gives up midway too often.
    """
    opener = opener_for(file)
    failures, most = 0, _length(part)
    while True:
        try:
            return _attempt(file, part, report, patience, opener)
        except BrokenError as error:
            if isinstance(error, PastEndError):
                forget(part)
            gained = _length(part) - most
            most = max(most, _length(part))
            failures = 1 if gained >= patience.slowest_bytes else failures + 1
            if failures >= patience.attempts:
                raise _given_up(file, part, error) from error
            time.sleep(patience.pause(failures))


def _attempt(
    file: RemoteFile,
    part: Path,
    report: Callable[[int, int], None],
    patience: Patience,
    opener: OpenerDirector,
) -> None:
    have, whole = _length(part), file.size or _noted(part).get("total")
    if whole is not None and have == whole:
        return  # stopped between its last byte and its name
    have = have if _resumable(file, part) else 0
    version = _noted(part).get("version")
    with ask(opener, file, have, version, patience.silence_s) as answer:
        start, total = _extent(file, answer, have)
        now = {"total": total, **_version(answer)}
        if start and any(now.get(k, v) != v for k, v in _noted(part).items()):
            forget(part)
            raise BrokenError("the server has another version now")
        publish.check_room(part.parent, total - start)
        with part.open("r+b" if start else "wb") as stream:  # empty before it is noted anew
            publish.write_replacing(_note(part), json.dumps(now).encode())
            stream.seek(start)
            _copy(answer, stream, (start, total), report, patience)
        if read(answer, 1):
            raise refused(file, f"the server sends more than {total} bytes", f"{total} bytes")


def _copy(
    answer: Any,
    stream: IO[bytes],
    extent: tuple[int, int],
    report: Callable[[int, int], None],
    patience: Patience,
) -> None:
    have, total = extent
    report(have, total)
    since, at_start = time.monotonic(), have
    try:
        while have < total:
            data = read(answer, min(_CHUNK, total - have))
            if not data:
                raise BrokenError(f"the connection ended after {have} of {total} bytes")
            stream.write(data)
            have += len(data)
            report(have, total)
            if time.monotonic() - since > patience.window_s:
                if have - at_start < patience.slowest_bytes:
                    raise BrokenError(f"only {have - at_start} bytes in {patience.window_s:g} s")
                since, at_start = time.monotonic(), have
    finally:
        stream.flush()
        os.fsync(stream.fileno())


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _note(part: Path) -> Path:
    return part.with_name(part.name + _NOTE)


def _noted(part: Path) -> dict[str, Any]:
    """Return the length and version of the remote file a part is of, as its server named them."""
    try:
        found = json.loads(_note(part).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _version(answer: Any) -> dict[str, str]:
    """Return the version of a file that an answer names, {} if it names none that is exact."""
    tag = answer.headers.get("ETag") or ""
    version = tag if tag.startswith('"') else answer.headers.get("Last-Modified")
    return {"version": version} if version else {}


def _resumable(file: RemoteFile, part: Path) -> bool:
    """Whether to go on from what is there: not where pieces of two versions might be joined."""
    known = file.sha256 is not None or "version" in _noted(part)
    return known and _length(part) < (file.size or file.at_most_bytes)


def forget(part: Path) -> None:
    """Remove a part and what was noted of it."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _extent(file: RemoteFile, answer: Any, have: int) -> tuple[int, int]:
    """Return from which byte an answer goes on, and the length of the whole file.

    Raises
    ------
    DownloadError
        If that is not said, not the known size, or too large.
    """
    length = answer.headers.get("Content-Length") or ""
    if answer.status == 206:
        said = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range") or "")
        if said is None or int(said[1]) != have:
            raise refused(file, "the server sent another range than was asked for", "the rest")
        start, total = have, int(said[2])
    elif length.isdigit():
        start, total = 0, int(length)
    elif file.size is not None:
        start, total = 0, file.size
    else:
        raise refused(file, "the server does not say how long it is", "a stated length")
    if length.isdigit() and int(length) != total - start:
        raise refused(file, f"the server sends {length} bytes", f"{total - start} bytes")
    if file.size is not None and total != file.size:
        raise refused(file, f"the server's has {total} bytes", f"{file.size} bytes")
    if total > file.at_most_bytes:
        raise refused(file, f"the server's has {total} bytes", f"at most {file.at_most_bytes}")
    return start, total


def _given_up(file: RemoteFile, part: Path, error: Exception) -> DownloadError:
    have = _length(part)
    stay = f" (the {have} bytes had so far stay)" if have else ""
    return DownloadError(
        f"{file.name} from {urlsplit(file.address).netloc}",
        str(error),
        "the whole file is needed",
        f"Try again later{stay}, or fetch {file.address} by hand and name the file with --from",
    )
