"""Unpack a zip archive from elsewhere: regular files with plain names, of bounded size, streamed.

Every name and size is checked before the first byte is written.
"""

from __future__ import annotations

import os
import stat
import uuid
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lldata import publish
from lldata.errors import DownloadError

_CHUNK = 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FORBIDDEN = set('<>:"|?*\\') | {chr(code) for code in range(32)}
_CLUTTER = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Bounds:
    """What an archive of photographs does not exceed."""

    files: int = 100_000
    ratio: float = 20.0  # of all bytes unpacked to those of the archive
    member_ratio: float = 200.0


BOUNDS = Bounds()


def unpack(archive: Path, folder: Path, bounds: Bounds = BOUNDS) -> int:
    """Unpack an archive into a folder and return how many files it holds.

    Files that are there with the same content are left alone, so that a stopped run can be
    repeated.

    Raises
    ------
    DownloadError
        If the archive is damaged, a member is no regular file, is encrypted, has a name that is
        not plain or a size out of bounds, or another file stands in the way.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir() and not _clutter(m)]
            _check(archive, members, bounds)
            publish.check_room(folder, sum(m.file_size for m in members))
            for member in members:
                _write(archive, opened, member, folder / member.filename)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as error:
        raise _refused(archive, f"it is damaged ({error})", "it can be read to its end") from error
    return len(members)


def _clutter(member: zipfile.ZipInfo) -> bool:
    """Whether a member is what systems leave in folders: hidden files, never frames."""
    parts = PurePosixPath(member.filename).parts
    return any(p in _CLUTTER or (p[0] == "." and p != "..") for p in parts)


def _check(archive: Path, members: list[zipfile.ZipInfo], bounds: Bounds) -> None:
    if len(members) > bounds.files:
        raise _refused(archive, f"it holds {len(members)} files", f"{bounds.files} at most")
    seen: set[str] = set()
    for member in members:
        problem = _problem(member, seen, bounds)
        if problem:
            raise _refused(archive, f"{member.filename!r} {problem}", "plain files are expected")
        seen.add(member.filename.casefold())
    size, packed = sum(m.file_size for m in members), archive.stat().st_size
    if size > bounds.ratio * packed:
        raise _refused(
            archive, f"it unpacks to {size / packed:.0f} times its size",
            f"{bounds.ratio:g} times at most",
        )  # fmt: skip


def _problem(member: zipfile.ZipInfo, seen: set[str], bounds: Bounds) -> str | None:
    """Return why a member is not unpacked, or None."""
    name, mode = member.filename, member.external_attr >> 16
    parts = name.split("/")
    if _FORBIDDEN & set(name) or any(p in ("", ".", "..") or len(p) > 200 for p in parts):
        return "is no plain relative name"
    if any(p[-1] in ". " for p in parts):
        return "is a name that systems read differently"
    if name.casefold() in seen:
        return "is there twice"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is no regular file"
    if member.flag_bits & 1 or member.compress_type not in _METHODS:
        return "is encrypted or packed in an unusual way"
    if member.file_size > bounds.member_ratio * max(member.compress_size, 1):
        return f"unpacks to {member.file_size / max(member.compress_size, 1):.0f} times its size"
    return None


def _write(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    if target.exists():
        if target.is_file() and _same(target, member):
            return
        raise _refused(
            archive, f"{target} is there with another content", "nothing is overwritten",
            "Move it away, or choose another folder with --out",
        )  # fmt: skip
    publish.make_folder(target.parent)
    temporary = target.with_name(f".{uuid.uuid4().hex}{publish.TEMPORARY}")
    try:
        with opened.open(member) as source, temporary.open("xb") as file:
            left = member.file_size
            while data := source.read(_CHUNK):
                left -= len(data)
                if left < 0:
                    break
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if left:
            raise _refused(archive, f"{member.filename} has another size", "that of its entry")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _same(path: Path, member: zipfile.ZipInfo) -> bool:
    if path.stat().st_size != member.file_size:
        return False
    crc = 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            crc = zlib.crc32(data, crc)
    return crc == member.CRC


def _refused(
    archive: Path, found: str, expected: str, remedy: str = "Do not use this archive"
) -> DownloadError:
    return DownloadError(archive.name, found, expected, remedy)
