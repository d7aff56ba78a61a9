"""Bundles taken apart and put together again, for tests of what may be in one."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from eval.submission.bundle import MANIFEST, RECORD, _entry


class Parts:
    """The members of a bundle and what its JSON says, to be changed."""

    def __init__(self, bundle: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.manifest: dict[str, Any] = json.loads(self.members.pop(MANIFEST))
        self.record: dict[str, Any] = json.loads(self.members.pop(RECORD))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of its record."""
        found: list[dict[str, Any]] = self.record["rows"]
        return found

    @property
    def first(self) -> str:
        """The first picture's member."""
        return next(iter(self.members))

    def told(self) -> Parts:
        """Let the manifest tell of the members as they are now, at the sizes it told before."""
        size = next(iter(self.manifest["files"].values()))
        files = {
            name: {
                "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content),
                **{side: self.manifest["files"].get(name, size)[side] for side in
                   ("height", "width")},
            }
            for name, content in self.members.items()
        }  # fmt: skip
        self.manifest["files"] = files
        return self

    def texts(self, record: str | None = None, manifest: str | None = None) -> dict[str, bytes]:
        """Return all members, the record's hash in the manifest unless that is given as text."""
        content = (json.dumps(self.record) if record is None else record).encode()
        self.manifest["record_sha256"] = hashlib.sha256(content).hexdigest()
        said = json.dumps(self.manifest) if manifest is None else manifest
        return {MANIFEST: said.encode(), RECORD: content, **self.members}

    def zipped(self, record: str | None = None, manifest: str | None = None) -> bytes:
        """Return the bundle of these parts."""
        return zipped(list(self.texts(record, manifest).items()))


def zipped(members: list[tuple[str | zipfile.ZipInfo, bytes]], **options: Any) -> bytes:
    """Return a zip file as `submit` lays it out, of members that may be anything."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in members:
            archive.writestr(_entry(name) if isinstance(name, str) else name, content)
    return file.getvalue()


def written(path: Path, content: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(content)
    return path
