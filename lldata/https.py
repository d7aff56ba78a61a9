"""One file over https, in pieces if need be: what is there is kept, the rest is asked for.

Only https is spoken, to whatever address a server sends us on; certificates are checked against
the system's authorities (or those of SSL_CERT_FILE).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector

from lldata import publish
from lldata.errors import DownloadError
from lldata.sources import RemoteFile

_CHUNK = 2**18
_NOTE = ".json"  # beside a part: of which version of the file it is
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # states of a server that may pass
_LOST = (OSError, http.client.HTTPException)  # a connection broke, stalled or was not made


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


class _BrokenError(Exception):
    """The connection gave less than was promised; another attempt goes on from there."""


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
    _check_scheme(file, file.address)
    opener = _opener(file)
    failures, most = 0, _length(part)
    while True:
        try:
            return _attempt(file, part, report, patience, opener)
        except _BrokenError as error:
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
    with _answer(file, part, have, patience, opener) as answer:
        start, total = _extent(file, answer, have)
        if start and {**_noted(part), **_version(answer), "total": total} != _noted(part):
            forget(part)
            raise _BrokenError("the server has another version now")
        publish.check_room(part.parent, total - start)
        with part.open("r+b" if start else "wb") as stream:  # empty before it is noted anew
            _note_down(part, answer, total)
            stream.seek(start)
            _copy(answer, stream, (start, total), report, patience)
        if _read(answer, 1):
            raise _wrong(file, f"the server sends more than {total} bytes", f"{total} bytes")


def _answer(
    file: RemoteFile, part: Path, have: int, patience: Patience, opener: OpenerDirector
) -> Any:
    """Ask for the file from a byte on and return the response."""
    request = urllib.request.Request(file.address)  # noqa: S310  # https, checked by fetch
    request.add_header("User-Agent", "lldata")
    request.add_header("Accept-Encoding", "identity")
    if have:
        request.add_header("Range", f"bytes={have}-")
        if "version" in _noted(part):
            request.add_header("If-Range", str(_noted(part)["version"]))
    try:
        return opener.open(request, timeout=patience.silence_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # what we have reaches beyond the server's file
            part.unlink(missing_ok=True)
            raise _BrokenError("the server's file is shorter than the part") from error
        if error.code in _AGAIN:
            raise _BrokenError(f"the server answered {error.code} {error.reason}") from error
        found = f"the server answered {error.code} {error.reason}"
        raise _wrong(file, found, "the file") from error
    except _LOST as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            said = f"its certificate is refused ({reason.verify_message})"
            raise _wrong(file, said, "a trusted one") from error
        raise _BrokenError(str(reason) or type(reason).__name__) from error


def _read(answer: Any, most: int) -> bytes:
    try:
        data: bytes = answer.read1(most)
    except _LOST as error:
        raise _BrokenError(str(error) or type(error).__name__) from error
    return data


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
            data = _read(answer, min(_CHUNK, total - have))
            if not data:
                raise _BrokenError(f"the connection ended after {have} of {total} bytes")
            stream.write(data)
            have += len(data)
            report(have, total)
            if time.monotonic() - since > patience.window_s:
                if have - at_start < patience.slowest_bytes:
                    raise _BrokenError(f"only {have - at_start} bytes in {patience.window_s:g} s")
                since, at_start = time.monotonic(), have
    finally:
        stream.flush()
        os.fsync(stream.fileno())


# ---- what we have


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


def _note_down(part: Path, answer: Any, total: int) -> None:
    note = {"total": total, **_version(answer)}
    publish.write_replacing(_note(part), json.dumps(note).encode())


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


# ---- what the server says


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
            raise _wrong(file, "the server sent another range than was asked for", "the rest")
        start, total = have, int(said[2])
    elif length.isdigit():
        start, total = 0, int(length)
    elif file.size is not None:
        start, total = 0, file.size
    else:
        raise _wrong(file, "the server does not say how long it is", "a stated length")
    if length.isdigit() and int(length) != total - start:
        raise _wrong(file, f"the server sends {length} bytes", f"{total - start} bytes")
    if file.size is not None and total != file.size:
        raise _wrong(file, f"the server's has {total} bytes", f"{file.size} bytes")
    if total > file.at_most_bytes:
        raise _wrong(file, f"the server's has {total} bytes", f"at most {file.at_most_bytes}")
    return start, total


def _wrong(file: RemoteFile, found: str, expected: str) -> DownloadError:
    return DownloadError(
        f"{file.name} from {urlsplit(file.address).netloc}", found, f"{expected} is expected",
        "Get it elsewhere and name it with --from, or try again later",
    )  # fmt: skip


def _given_up(file: RemoteFile, part: Path, error: Exception) -> DownloadError:
    return DownloadError(
        f"{file.name} from {urlsplit(file.address).netloc}",
        str(error),
        "the whole file is needed",
        f"Try again later: the {_length(part)} bytes had so far stay and are not asked for again",
    )


# ---- https and nothing else


def _check_scheme(file: RemoteFile, address: str) -> None:
    scheme = urlsplit(address).scheme.lower()
    if scheme != "https":
        raise DownloadError(
            file.name, f"its address begins with {scheme or 'nothing'}://",
            "files are fetched over https only", "Get it elsewhere and name it with --from",
        )  # fmt: skip


def _opener(file: RemoteFile) -> urllib.request.OpenerDirector:
    class SecureRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
        ) -> urllib.request.Request | None:
            _check_scheme(file, newurl)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        SecureRedirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
