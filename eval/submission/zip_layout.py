"""The layout of a zip file from elsewhere: plain stored members, one after the other, no more.

With nothing compressed, nothing between or around the members and no second name for any of them
there is no bomb, no hidden content and no reader that sees something else than another one.
"""

from __future__ import annotations

import contextlib
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from lldata.errors import ScoreError

LARGEST = 2**32 - 2  # bytes; a larger file has another layout
MOST_MEMBERS = 50_000
LARGEST_DIRECTORY = 16 * 2**20  # bytes of the list of members
LONGEST_NAME = 400  # bytes
_END = struct.Struct("<4s4H2IH")  # end of central directory. Source: APPNOTE.TXT 4.3.16
_LOCAL = 30  # bytes of a member's own header, without its name
_UTF8 = 0x800  # flag: the name is UTF-8
_LFS = b"version https://git-lfs"


@contextlib.contextmanager
def check_layout(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose layout and names hold nothing that could surprise.

    Raises
    ------
    ScoreError
        If the file is no such zip file.
    FileNotFoundError
        If there is none.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        refuse(path, "it is no regular file", "a bundle is one")
    with path.open("rb") as file:
        _check_end(path, file)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
            refuse(path, f"it is no sound zip file ({error})", "submit writes one")
        with archive:
            members = archive.infolist()
            _check_names(path, members)
            _check_places(path, members, archive.start_dir)
            try:
                yield archive
            except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
                refuse(path, f"it is no sound zip file ({error})", "submit writes one")


def refuse(path: Path, found: str, expected: str) -> NoReturn:
    """Raise that a bundle is refused."""
    raise ScoreError(
        path.name, found, expected, "Make it with lleval leaderboard submit, and do not edit it"
    )


def _check_end(path: Path, file: BinaryIO) -> None:
    """Check the size, and the last 22 bytes, before any library reads the list of members."""
    size = path.stat().st_size
    if file.read(len(_LFS)) == _LFS:
        refuse(path, "it is a pointer of Git LFS", "the file itself is needed (git lfs pull)")
    if not _END.size <= size <= LARGEST:
        refuse(path, f"it has {size} bytes", f"a bundle has from {_END.size} to {LARGEST}")
    file.seek(size - _END.size)
    mark, disk, start_disk, here, members, length, start, comment = _END.unpack(file.read())
    whole = (mark, disk, start_disk, comment) == (b"PK\5\6", 0, 0, 0) and here == members
    if not whole or start + length + _END.size != size:
        refuse(path, "it does not end as a plain zip file does", "nothing stands around it")
    if members > MOST_MEMBERS or length > LARGEST_DIRECTORY:
        refuse(path, f"it has {members} members", f"{MOST_MEMBERS} at most")
    file.seek(0)


def _check_names(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        problem = _problem(member, seen)
        if problem:
            shown = "".join(c if c.isprintable() else "?" for c in member.orig_filename[:60])
            refuse(path, f"its member {shown!r} {problem}", "plain files are expected")
        seen.add(member.filename.casefold())


def _problem(member: zipfile.ZipInfo, seen: set[str]) -> str | None:
    """Return why a member is none of a bundle, or None."""
    name, mode = member.orig_filename, member.external_attr >> 16
    parts = name.split("/")
    if not name.isprintable() or set(name) & set('<>:"|?*\\') or name != member.filename:
        return "has a name with letters that no plain name has"
    if any(p in ("", ".", "..") or p[0] in ". " or p[-1] in ". " for p in parts):
        return "is no plain relative name"
    if unicodedata.normalize("NFKC", name) != name or len(name.encode()) > LONGEST_NAME:
        return "has a name that systems read differently"
    if name.casefold() in seen:
        return "is there twice"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or member.is_dir():
        return "is no regular file"
    if member.flag_bits & ~_UTF8 or member.compress_type != zipfile.ZIP_STORED:
        return "is encrypted or compressed"
    if member.file_size != member.compress_size or member.extra or member.comment:
        return "has more to it than its content"
    return None


def _check_places(path: Path, members: Sequence[zipfile.ZipInfo], directory: int) -> None:
    at = 0
    for member in members:
        if member.header_offset != at:
            refuse(path, "its members overlap, or something stands between them",
                   "one follows the other")  # fmt: skip
        coded = member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8 else "cp437")
        at += _LOCAL + len(coded) + member.file_size
    if at != directory:
        refuse(path, "something stands between its members and their list", "nothing does")
