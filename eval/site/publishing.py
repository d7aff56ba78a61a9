"""A folder of pages, replaced file by file so that at every moment each link leads somewhere.

`SHA256SUMS` lists what a build wrote (`sha256sum -c` checks it). The next build removes what is
listed, unchanged and no longer wanted, and never a file that somebody else put there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eval.site.addresses import FRONT, SUMS
from lldata import publish

WRITERS = 8
Files = Mapping[str, bytes]


def write_site(out: Path, files: Files) -> Path:
    """Write `files` (content by address) below `out`, the front page last of the pages.

    Returns
    -------
    the path of the front page
    """
    old = _listed(out)
    new = {(_hash(data), name) for name, data in files.items()}
    _list(out, old | new)  # a build that is killed leaves no file that no list knows
    with ThreadPoolExecutor(WRITERS) as pool:  # each waits for the disk, not for another
        list(pool.map(lambda name: _write(out / name, files[name]), sorted(set(files) - {FRONT})))
    _write(out / FRONT, files[FRONT])
    for digest, name in sorted(old - new):
        path = out / name
        if name not in files and path.is_file() and _hash(path.read_bytes()) == digest:
            path.unlink()
    _list(out, new)
    return out / FRONT


def _write(path: Path, data: bytes) -> None:
    """Write a file unless it is there as it should be: an unchanged site takes no writing."""
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    publish.write_replacing(path, data)


def _listed(out: Path) -> set[tuple[str, str]]:
    path = out / SUMS
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = {(line[:64], line[66:]) for line in lines}
    return {(digest, name) for digest, name in found if _inside(name)}


def _inside(name: str) -> bool:
    """Whether a listed name can only mean a file of the site."""
    parts = name.split("/")
    return len(parts) <= 3 and not any(part in ("", ".", "..") for part in parts)


def _list(out: Path, entries: set[tuple[str, str]]) -> None:
    ordered = sorted(entries, key=lambda entry: (entry[1], entry[0]))
    _write(out / SUMS, "".join(f"{digest}  {name}\n" for digest, name in ordered).encode())


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
