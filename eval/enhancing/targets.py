"""Where enhanced pictures go: settled and checked for all files before the first is written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval import images
from eval.enhancing import image_files
from eval.running.folder import check_folder
from lldata.errors import ScoreError

_RAW = """3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2
srf srw x3f"""
RAW_SUFFIXES = frozenset(f".{name}" for name in _RAW.split())
LONGEST_NAME = 248  # bytes; systems take 255, and what a video is made in is called .NAME.parts


@dataclass(frozen=True)
class Work:
    """One file to enhance, and all that is written of it."""

    source: Path
    target: Path
    beside: Path | None  # input and output side by side

    @property
    def written(self) -> list[Path]:
        """The files this writes."""
        return [self.target] if self.beside is None else [self.target, self.beside]


def settle(source: Path, target: Path, kept: Iterable[Path], *, compare: bool) -> list[Work]:
    """Return what is enhanced of a file or folder, and where to, none of it over an input.

    Parameters
    ----------
    source, target : a file and a file, or a folder and a folder
    kept : further files the method reads
    compare : whether to write input and output side by side, too

    Raises
    ------
    ScoreError
        If there is nothing to enhance, two pictures would go to one place, or one to a place
        that an input, a folder or no file can take.
    """
    check_paths(source, target)
    if source.is_dir():
        check_folder(target, str(target))
        pairs = list(_inside(source, target))
    else:
        image_files.check_format(_file(target))
        pairs = [(source, target)]
    work = [Work(a, b, _beside(b) if compare else None) for a, b in pairs]
    _check(work, kept)
    return work


def check_paths(source: Path, target: Path) -> None:
    """Refuse a source that is not there, and names no disk takes.

    Raises
    ------
    ScoreError
        If one is given.
    """
    _check_name(source)
    _check_name(target)
    if not source.exists():
        raise ScoreError(
            source, "there is no such file", "a RAW file, an image, a folder or a video is needed",
            "Correct the path",
        )  # fmt: skip


def settle_clip(
    sources: Sequence[Path], target: Path, names: Sequence[str], kept: Iterable[Path]
) -> list[Path]:
    """Return the files the frames of a clip are written to, none of them an input.

    Parameters
    ----------
    sources : files of the clip
    target : folder
    names : of the frames to write
    kept : further files the method reads

    Raises
    ------
    ScoreError
        If a frame would go to a place that an input, another frame, a folder or no file can take.
    """
    check_folder(target, str(target))
    files = [target / name for name in names]
    # a name that another frame takes on some disks shows only if they count as different files
    origins = sources if len(sources) == len(files) else [sources[0]] * len(files)
    _check([Work(a, b, None) for a, b in zip(origins, files, strict=True)], kept)
    return files


def check_unwritten(target: Path, kept: Iterable[Path]) -> None:
    """Refuse a file to write that is an input, a folder, or lies where no folder can be.

    Raises
    ------
    ScoreError
        If it is one.
    """
    _check([Work(target, target, None)], kept, sources=())


def _inside(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield source and target of a folder's RAW files and images."""
    known = RAW_SUFFIXES | set(images.FORMATS)
    found = [f for f in sorted(source.iterdir()) if f.suffix.lower() in known and f.is_file()]
    if not found:
        raise ScoreError(
            source, "it holds no RAW file and no image", "at least one is needed",
            "Give another folder",
        )  # fmt: skip
    for file in found:
        suffix = ".png" if file.suffix.lower() in RAW_SUFFIXES else file.suffix
        yield file, target / (file.stem + suffix)


def _beside(target: Path) -> Path:
    return target.with_name(f"{target.stem}.compare{target.suffix}")


def _check(work: list[Work], kept: Iterable[Path], sources: Iterable[Path] | None = None) -> None:
    read = [one.source for one in work] if sources is None else sources
    inputs = {_identity(path): path for path in (*kept, *read)}
    taken: dict[str, Path] = {}
    for one in work:
        for target in one.written:
            _check_name(_file(target))
            if target.exists() and _identity(target) in inputs:
                raise ScoreError(
                    target, f"it is the input {inputs[_identity(target)].name} itself",
                    "an input is never overwritten", "Name another output",
                )  # fmt: skip
            # a disk may take names that differ in capitals for one
            other = taken.setdefault(os.path.normpath(target).casefold(), one.source)
            if other != one.source:
                raise ScoreError(
                    target, f"{other.name} and {one.source.name} would both be written to it",
                    "each picture needs a place of its own", "Rename or move one of them",
                )  # fmt: skip


def _identity(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_dev, state.st_ino


def _file(target: Path) -> Path:
    if target.is_dir():
        raise ScoreError(
            target, "it is a folder", "a file is written", f"Name one in it: {target}/NAME.png"
        )
    check_folder(target.parent, str(target))
    return target


def _check_name(path: Path) -> None:
    length = len(os.fsencode(path.name))
    if length > LONGEST_NAME:
        raise ScoreError(
            f"{path.name[:40]}…", f"its name has {length} bytes", f"at most {LONGEST_NAME} fit",
            "Give it a shorter name",
        )  # fmt: skip
