"""A small https server on this machine that can misbehave in every way a download must survive."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Site:
    """What the server gives and how; tests change it between requests."""

    body: bytes = b""
    etag: str | None = '"one"'
    ranges: bool = True  # whether it honours Range
    heeds_if_range: bool = True
    drop_after: int | None = None  # bytes of the body in each answer before the line breaks
    status: int = 200
    redirect: str = ""
    promise: int | None = None  # Content-Length instead of the true one; -1: none
    extra: bytes = b""  # sent after the body
    pause_s: float = 0.0  # before each tenth of the body
    asked: list[str] = field(default_factory=list)  # the Range of each request, "" without
    address: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def address_of_file(self) -> str:
        return f"{self.address}/file"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of 127.0.0.1 that signs itself, with its key."""
    crt, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return crt, key


@contextmanager
def serving(crt: Path, key: Path) -> Iterator[Site]:
    """Serve a site over https until the block ends."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

        def do_GET(self) -> None:
            answer(self, site)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda request, client: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        site.address = f"https://127.0.0.1:{server.server_address[1]}"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def answer(handler: BaseHTTPRequestHandler, site: Site) -> None:
    wanted = handler.headers.get("Range", "")
    site.asked.append(wanted)
    if site.redirect and handler.path == "/file":
        handler.send_response(302)
        handler.send_header("Location", site.redirect)
        handler.end_headers()
        return
    start, status = 0, site.status
    same = handler.headers.get("If-Range") in (None, site.etag) or not site.heeds_if_range
    if wanted and site.ranges and same and status == 200:
        start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
    body = site.body[start:]
    if status == 206 and not body:
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(site.body)}")
        handler.end_headers()
        return
    handler.send_response(status)
    if status == 206:
        last = len(site.body)
        handler.send_header("Content-Range", f"bytes {start}-{last - 1}/{last}")
    length = len(body) if site.promise is None else site.promise
    if length >= 0:
        handler.send_header("Content-Length", str(length))
    if site.etag is not None:
        handler.send_header("ETag", site.etag)
    handler.end_headers()
    if status >= 400:
        return
    piece = max(1, len(body) // 10)
    sent = body[: site.drop_after] if site.drop_after is not None else body + site.extra
    for place in range(0, len(sent), piece):
        time.sleep(site.pause_s)
        handler.wfile.write(sent[place : place + piece])
        handler.wfile.flush()
