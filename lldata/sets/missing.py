"""Why a folder holds no scene: which folder or which files it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from lldata.errors import FrameError
from lldata.protocol import ClipProtocol, PictureProtocol, Protocol, RawProtocol

_MOST = 100_000  # entries looked at
_BESIDE = {  # a folder -> those of which one lies beside it, and what they are for
    "short": ("long/ (their long exposures)", ("long",)),
    "long": ("short/ (their short exposures)", ("short",)),
    "low": ("high/ (pairs of pictures) nor target/ (clips)", ("high", "target", "truth")),
    "high": ("low/ (their dark pictures)", ("low",)),
    "target": ("low/ (their dark clip)", ("low",)),
}


def lone_folder(src: Path) -> FrameError | None:
    """Return the error of a folder whose other half is missing, None where none is."""
    for folder in _entries(src):
        wanted, others = _BESIDE.get(folder.name, ("", ()))
        beside = {p.stem for p in folder.parent.iterdir()} if others and folder.is_dir() else set()
        if beside and not beside & set(others):
            said = f"neither {wanted}" if "nor" in wanted else f"no {wanted}"
            return FrameError(
                folder, f"{said} lies beside it", "frames are kept in two folders",
                "Add the other folder (lldata protocols tells how frames are kept)",
            )  # fmt: skip
    return None


def content(src: Path, protocols: Sequence[Protocol]) -> FrameError:
    """Return the error of a folder by what lies in it instead of scenes."""
    files = [p for p in _entries(src) if p.is_file()]
    kinds = {
        "RAW files": (
            _extensions(protocols, RawProtocol),
            "names such as 00001_00_0.1s in short/ and 00001_00_10s in long/ are needed",
        ),
        "videos": (
            _extensions(protocols, ClipProtocol),
            "the clips of a scene are called low and target and lie in a folder of its name",
        ),
        "pictures": (
            _extensions(protocols, PictureProtocol),
            "pairs of pictures lie in low/ and high/, clips in low/ and target/ of each scene",
        ),
    }
    for kind, (extensions, expected) in kinds.items():
        found = [p for p in files if p.suffix[1:].lower() in extensions]
        if found:
            return FrameError(
                src, f"it holds {kind}, such as {found[0].relative_to(src)}, that make no scene",
                expected, "Sort and name the files so (lldata protocols tells how)",
            )  # fmt: skip
    return FrameError(
        src, "there are no frames in it", "RAW files, pictures or videos are needed",
        "Correct the path",
    )  # fmt: skip


def _entries(src: Path) -> list[Path]:
    found = islice(src.rglob("*"), _MOST)
    return sorted(p for p in found if not any(q[0] == "." for q in p.relative_to(src).parts))


def _extensions(protocols: Sequence[Protocol], kind: type[Protocol]) -> set[str]:
    """Return the endings, in small letters, of the files that mark a kind of protocol."""
    found: set[str] = set()
    for protocol in protocols:
        if isinstance(protocol, ClipProtocol) and kind is ClipProtocol:
            found |= set(protocol.files.video_extensions)
        elif isinstance(protocol, RawProtocol | PictureProtocol) and isinstance(protocol, kind):
            found |= set(protocol.files.extensions)
    return {each.lower() for each in found}
