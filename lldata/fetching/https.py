"""Ask for a file over https, or for the rest of it, and read what comes.

Only https is spoken, to whatever address a server sends us on; certificates are checked against
the system's authorities (or those of SSL_CERT_FILE).
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector

from lldata.errors import DownloadError
from lldata.fetching.sources import RemoteFile

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # states of a server that may pass
_TOO_FAR = 416  # what is asked for lies beyond the end of the server's file
_LOST = (OSError, http.client.HTTPException)  # a connection broke, stalled or was not made


class BrokenError(Exception):
    """A connection gave less than was promised; another attempt may go on from there."""


class PastEndError(BrokenError):
    """The server's file ends before the byte that was asked for."""


def opener_for(file: RemoteFile) -> OpenerDirector:
    """Return what opens a file's address and follows redirections, over https alone.

    Raises
    ------
    DownloadError
        If the address is none of https.
    """
    _check_scheme(file, file.address)

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


def _check_scheme(file: RemoteFile, address: str) -> None:
    scheme = urlsplit(address).scheme.lower()
    if scheme != "https":
        raise DownloadError(
            file.name, f"its address begins with {scheme or 'nothing'}://",
            "files are fetched over https only", "Get it elsewhere and name it with --from",
        )  # fmt: skip


def ask(
    opener: OpenerDirector, file: RemoteFile, start: int, version: str | None, silence_s: float
) -> Any:
    """Ask for a file from a byte on, if it is still of that version, and return the response.

    Raises
    ------
    BrokenError
        If another attempt may do better.
    DownloadError
        If none will: no such file, an untrusted certificate, an address without https.
    """
    request = urllib.request.Request(file.address)  # noqa: S310  # the opener speaks https only
    request.add_header("User-Agent", "lldata")
    request.add_header("Accept-Encoding", "identity")
    if start:
        request.add_header("Range", f"bytes={start}-")
        if version is not None:
            request.add_header("If-Range", version)
    try:
        return opener.open(request, timeout=silence_s)
    except urllib.error.HTTPError as error:
        error.close()
        found = f"the server answered {error.code} {error.reason}"
        if error.code == _TOO_FAR:
            raise PastEndError(found) from error
        if error.code in _AGAIN:
            raise BrokenError(found) from error
        raise refused(file, found, "the file") from error
    except _LOST as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            said = f"its certificate is refused ({reason.verify_message})"
            raise refused(file, said, "a trusted one") from error
        host = urlsplit(file.address).netloc
        said = str(reason) or type(reason).__name__
        raise BrokenError(f"no connection to {host} ({said})") from error


def read(answer: Any, most: int) -> bytes:
    """Read at most so many bytes of a response; none at its end."""
    try:
        data: bytes = answer.read1(most)
    except _LOST as error:
        raise BrokenError(str(error) or type(error).__name__) from error
    return data


def refused(file: RemoteFile, found: str, expected: str) -> DownloadError:
    """Return the error of a server that does not give what it should."""
    return DownloadError(
        f"{file.name} from {urlsplit(file.address).netloc}", found, f"{expected} is expected",
        "Get it elsewhere and name it with --from, or try again later",
    )  # fmt: skip
