"""Fetch the files of public sets: https only, resumed, checked whole, then named.

Nothing unchecked ever has its final name. A file that is there already, or that the user supplies,
is checked and used instead. Where no sha256 is published the first whole file's is remembered
beside it, and a later one must be the same.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lldata import publish
from lldata.errors import DownloadError
from lldata.fetching.fetch import PATIENCE, Patience, fetch, forget
from lldata.fetching.sources import RemoteFile, Source
from lldata.fetching.unpack import unpack
from lldata.locks import locked
from lldata.store import home
from lldata.upkeep import file_digest

Report = Callable[[str, int, int], None]  # file, bytes done, bytes in all
PART, PIN = ".part", ".sha256"


@dataclass(frozen=True)
class Held:
    """A whole, checked file of a public set."""

    name: str
    path: Path
    size: int
    sha256: str
    state: Literal["downloaded", "kept", "supplied"]
    pinned: Literal["published", "first use"]  # what its sha256 was compared with

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**self.__dict__, "path": str(self.path)}


def default_folder(source: Source) -> Path:
    """Return where a set is kept unless the user says otherwise."""
    return home() / ".downloads" / source.protocol


def download(
    source: Source,
    folder: Path,
    supplied: Sequence[Path] = (),
    *,
    report: Report = lambda name, done, total: None,
    patience: Patience = PATIENCE,
) -> list[Held]:
    """Have every file of a set, whole and checked; what is there is not fetched again.

    Parameters
    ----------
    folder : where fetched files go; made if need be
    supplied : files of the set that the user has, or folders that hold them, used where they lie
    report : called with what is done of a file as it grows
    patience : time limits and attempts

    Raises
    ------
    DownloadError
        If a supplied, standing or fetched file is not the one that is pinned, or one cannot be
        had. A part of it stays, and the next call goes on from there.
    """
    for place in supplied:
        if not any(_in(place, file).is_file() for file in source.files):
            raise DownloadError(
                f"--from {place}", "it is no file of the set and holds none" if place.exists()
                else "there is no such file",
                f"the files are {', '.join(f.name for f in source.files)}", "Correct the path",
            )  # fmt: skip
    publish.make_folder(folder)
    held: dict[str, Held] = {}
    for file in sorted(source.files, key=lambda f: not _here(f, folder, supplied)):
        held[file.name] = _have(file, folder, supplied, report, patience)
    return [held[f.name] for f in source.files]


def _here(file: RemoteFile, folder: Path, supplied: Sequence[Path]) -> bool:
    """Whether nothing need be fetched for a file: such ones are not lost with a connection."""
    return any(path.is_file() for path in (*(_in(p, file) for p in supplied), folder / file.name))


def unpack_all(source: Source, held: Sequence[Held], folder: Path) -> int:
    """Unpack the archives of a set into a folder; return how many files they hold.

    The splits that the set's own folders make are written as list files beside them.

    Raises
    ------
    DownloadError
        If an archive holds what it must not, or a file of another content stands in the way.
    """
    by_name = {h.name: h.path for h in held}
    count = sum(unpack(by_name[f.name], folder) for f in source.files if f.archive)
    for split, inside in source.splits.items():
        names = sorted(p.stem for p in (folder / inside).iterdir() if p.name[0] != ".")
        text = "".join(f"{name}\n" for name in names)
        publish.write_replacing(folder / f"{split}.txt", text.encode())
    return count


def _have(
    file: RemoteFile, folder: Path, supplied: Sequence[Path], report: Report, patience: Patience
) -> Held:
    target = folder / file.name
    pin = folder / f"{file.name}{PIN}"
    with locked(folder / f".{file.name}.lock"):
        for own in (_in(place, file) for place in supplied):
            if own.is_file():
                return _checked(file, own, pin, "supplied")
        if target.is_file():
            return _checked(file, target, pin, "kept")
        part = folder / f"{file.name}{PART}"
        fetch(file, part, lambda done, total: report(file.name, done, total), patience)
        try:
            held = _checked(file, part, pin, "downloaded")
        except DownloadError:
            forget(part)  # no more bytes can make it right
            raise
        part.replace(target)
        forget(part)
        publish.sync_folder(folder)
        return Held(**{**held.__dict__, "path": target})


def _in(place: Path, file: RemoteFile) -> Path:
    """Return where a file would be that the user names, or whose folder the user names."""
    return place if place.name == file.name and not place.is_dir() else place / file.name


def _checked(
    file: RemoteFile, path: Path, pin: Path, state: Literal["downloaded", "kept", "supplied"]
) -> Held:
    """Return the file if it is the pinned one; remember it where nothing is pinned yet."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise _other(path, f"it has {size} bytes", f"{file.name} has {file.size}")
    if file.archive and not zipfile.is_zipfile(path):
        raise _other(path, "it is no whole zip archive", f"that of {file.name} is one")
    sha256 = file_digest(path)
    if file.sha256 is not None:
        if sha256 != file.sha256:
            raise _other(path, f"its sha256 is {sha256}", f"that of {file.name} is {file.sha256}")
        return Held(file.name, path, size, sha256, state, "published")
    first = _first_use(pin)
    if first is None:
        publish.write_replacing(pin, f"{sha256}  {file.name}\n".encode())
    elif first != sha256:
        raise _other(
            path, f"its sha256 is {sha256}", f"the first {file.name} had {first} ({pin.name})"
        )
    return Held(file.name, path, size, sha256, state, "first use")


def _first_use(pin: Path) -> str | None:
    """Return the sha256 that was remembered, None at the first use."""
    if not pin.is_file():
        return None
    words = pin.read_text("utf-8", "replace").split()
    if not words or len(words[0]) != 64 or set(words[0]) - set("0123456789abcdef"):
        raise DownloadError(
            pin, "it holds no sha256", "the first download left one there", "Remove it"
        )
    return words[0]


def _other(path: Path, found: str, expected: str) -> DownloadError:
    remedy = "Fetch it again" if path.suffix == PART else "Remove it, or name another with --from"
    return DownloadError(str(path).removesuffix(PART), found, expected, remedy)
