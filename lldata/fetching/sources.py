"""Where the public sets are, as sources.toml says: addresses, sizes and sha256 as far as known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from lldata import protocol
from lldata.errors import DownloadError


@dataclass(frozen=True)
class RemoteFile:
    """One file of a public set."""

    name: str  # under which it is kept; never the server's word
    address: str  # https
    at_most_bytes: int  # never is more than this written
    size: int | None = None  # bytes; None: not known
    sha256: str | None = None  # None: not known, the first whole download is remembered

    @property
    def archive(self) -> bool:
        """Whether there are files to unpack in it."""
        return self.name.endswith(".zip")


@dataclass(frozen=True)
class Source:
    """One public set: what it is, who says so, and its files."""

    protocol: str
    title: str
    page: str
    licence: str
    files: tuple[RemoteFile, ...] = ()
    splits: Mapping[str, str] = field(default_factory=dict)  # split -> folder that has its names


def sources() -> dict[str, Source]:
    """Return protocol -> the public set that was taken under it."""
    table = tomllib.loads((files("lldata.fetching") / "sources.toml").read_text("utf-8"))
    return {
        name: Source(name, **{**entry, "files": tuple(RemoteFile(**f) for f in entry["files"])})
        if "files" in entry
        else Source(name, **entry)
        for name, entry in table.items()
    }


def source_of(name: str) -> Source:
    """Return the public set of a protocol.

    Raises
    ------
    DownloadError, ProtocolError
        If there is no such protocol, or no https address is known for its set.
    """
    known = sources()
    if name in known and known[name].files:
        return known[name]
    protocol.load(name)
    page = f" ({known[name].page} says how to get it)" if name in known else ""
    raise DownloadError(
        f"download {name}",
        f"no direct address of its frames is known{page}",
        f"there is one for {', '.join(n for n, s in known.items() if s.files)}",
        "Fetch it by hand, or simulate it (lldata simulate)",
    )
