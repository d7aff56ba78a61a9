"""A submission to the leaderboard: one zip file of a record and the outputs it was scored on.

manifest.json, record.json and outputs/SCENE/SHORT.png, each stored as it is, one after the other:
the same run gives the same bytes. Nothing is unpacked to a disk, and nothing of it can run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.record import Record
from eval.strict_json import strict_object
from eval.submission.plain_text import check_texts
from eval.submission.zip_layout import check_layout, refuse
from eval.typed import checked
from eval.valid import valid
from lldata import publish
from lldata.console import to_json
from lldata.upkeep import file_digest

FORMAT = 1
MANIFEST, RECORD, OUTPUTS = "manifest.json", "record.json", "outputs/"
LARGEST_TEXT = 16 * 2**20  # bytes of one JSON member
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time
_PIECE = 2**20


@dataclass(frozen=True)
class Member:
    """A picture of a bundle, as the manifest tells of it."""

    sha256: str  # of the file
    bytes: int
    height: int
    width: int


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself."""

    record_sha256: str
    files: Mapping[str, Member]
    owner: str | None = None  # account that may correct the entry; None: nobody
    corrects: str | None = None  # sha256 of the bundle of an older entry of the same owner
    format: int = FORMAT


@dataclass(frozen=True)
class Bundle:
    """A bundle whose layout, manifest and record hold; its pictures have not been looked at."""

    path: Path
    sha256: str
    manifest: Manifest
    record: Record

    @property
    def name(self) -> str:
        """How the entry is called in sentences."""
        return f"{self.record.track}/{self.record.file_name} ({self.sha256[:12]})"


def write_bundle(path: Path, manifest: Manifest, record: bytes, files: Mapping[str, Path]) -> None:
    """Write a bundle, whole or not at all.

    Parameters
    ----------
    record : content of record.json
    files : member -> the picture file it is made of
    """
    publish.make_folder(path.parent)
    temporary = publish.temporary_beside(path)
    document = {"format": manifest.format, **asdict(manifest)}
    try:
        with temporary.open("xb") as file:
            with zipfile.ZipFile(file, "w", allowZip64=False) as archive:
                archive.writestr(_entry(MANIFEST), (to_json(document) + "\n").encode())
                archive.writestr(_entry(RECORD), record)
                for name in sorted(files):
                    archive.writestr(_entry(name), files[name].read_bytes())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        publish.sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    return entry


def read_bundle(path: Path) -> Bundle:
    """Read the manifest and the record of a bundle, having checked how the file is laid out.

    Raises
    ------
    ScoreError
        If it is no bundle as `submit` writes them: whatever its layout hides, its members are
        called or its texts hold.
    FileNotFoundError
        If there is no such file.
    """
    with check_layout(path) as archive:
        manifest = _manifest(path, _text(path, archive, MANIFEST))
        content = _text(path, archive, RECORD)
        _check_members(path, archive, manifest)
    if hashlib.sha256(content).hexdigest() != manifest.record_sha256:
        refuse(path, f"{RECORD} is not the one its manifest names", "both are of one submission")
    where = f"{path.name}: {RECORD}"
    check_texts(where, strict_object(where, content))
    record = valid(Path(where), content)
    return Bundle(path, file_digest(path), manifest, record)


def _text(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    found = next((m for m in archive.infolist() if m.filename == name), None)
    if found is None or found.file_size > LARGEST_TEXT:
        refuse(path, f"it has no {name} of a sane size", "submit writes one")
    return archive.read(found)


def _manifest(path: Path, content: bytes) -> Manifest:
    where = f"{path.name}: {MANIFEST}"
    document = strict_object(where, content)
    check_texts(where, document)
    if document.get("format") != FORMAT or document["format"] is True:
        refuse(path, f"its manifest has format {document.get('format')!r}", f"{FORMAT} is read")
    manifest: Manifest = checked(Manifest, document, where)
    return manifest


def _check_members(path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    sizes = {m.filename: m.file_size for m in archive.infolist()}
    told = {name: member.bytes for name, member in manifest.files.items()}
    pictures = {name: size for name, size in sizes.items() if name not in (MANIFEST, RECORD)}
    strange = sorted(pictures.keys() ^ told.keys())
    if strange:
        refuse(path, f"{strange[0]!r} is in its manifest or its members only", "both name the same")
    wrong = sorted(name for name in told if told[name] != pictures[name])
    if wrong:
        refuse(path, f"{wrong[0]!r} has another size than its manifest says", "they agree")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a bundle that was read before, to read its pictures."""
    with zipfile.ZipFile(path) as archive:
        yield archive


def picture_content(archive: zipfile.ZipFile, path: Path, name: str, told: Member) -> bytes:
    """Return the content of a picture's file, having checked its hash.

    Raises
    ------
    ScoreError
        If it is not the one the manifest names, or its checksum is wrong.
    """
    try:
        content = archive.read(name)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        refuse(path, f"{name!r} cannot be read ({error})", "a whole file is needed")
    if hashlib.sha256(content).hexdigest() != told.sha256:
        refuse(path, f"{name!r} is not the picture its manifest names", "their hashes agree")
    return content
