"""An outside method: a folder of pictures that another program made, and what is told of it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines import method as methods
from baselines.method import Domain, MethodInfo
from eval.record import ReferenceUse
from eval.typed import checked
from lldata.errors import ScoreError
from lldata.reading.picture_files import picture_bytes, read_picture, stated_size
from lldata.sample import Sample, pair_row, planes_first
from lldata.store import NAME, Store

TOLD = "method.toml"
SUFFIXES = (".png", ".tif", ".tiff")
NAMED = 3  # missing pictures named in one line

_MEND = "Correct it: its keys are name, source, licence, parameters, reference_use, trained_on"
_DOMAINS: dict[str, Domain] = {"raw": "raw", "pictures": "srgb", "clips": "clip"}


@dataclass(frozen=True)
class Told:
    """What `method.toml` beside the pictures says; None: it does not say."""

    name: str | None = None
    source: str | None = None  # paper or repository
    licence: str | None = None
    parameters: int | None = None
    reference_use: ReferenceUse | None = None
    trained_on: tuple[str, ...] | None = None  # DATASET/SPLIT, [] for nothing


def read_told(folder: Path, name: str | None) -> Told:
    """Return what is told of the method whose pictures lie in a folder.

    Parameters
    ----------
    folder : may hold `method.toml`
    name : from the command; the file may say it instead

    Raises
    ------
    ScoreError
        If there is no such folder, the file is malformed, or the method has no name, two, or one
        of the toolkit's methods.
    """
    if not folder.is_dir():
        raise ScoreError(
            f"--outputs {folder}", "there is no such folder", "one of pictures is needed",
            "Correct the path",
        )  # fmt: skip
    path = folder / TOLD
    told: Told = checked(Told, _table(path), str(path), _MEND) if path.is_file() else Told()
    names = {one for one in (name, told.name) if one is not None}
    if len(names) != 1:
        said = " and ".join(sorted(names)) or "nothing"
        raise ScoreError(
            f"--outputs {folder}", f"the method is called {said}",
            "it needs one name", f"Give it with --name, or as name in {TOLD}",
        )  # fmt: skip
    (chosen,) = names
    _check_name(chosen)
    return Told(**{**vars(told), "name": chosen})


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ScoreError(
            path, f"it is no TOML ({error})", "it tells of the method", "Correct it"
        ) from error


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME, name) or len(name) > 60:
        raise ScoreError(
            f"--name {name[:80]}", "a method cannot be called so",
            "at most 60 of a-z, 0-9, _ and - are a name", "Choose another",
        )  # fmt: skip
    if name in methods.names():
        raise ScoreError(
            f"--name {name}", "the toolkit has a method of this name",
            "an outside one needs its own",
            f"Add to it, as in {name}-2026",
        )  # fmt: skip


def picture_files(folder: Path, store: Store, pair: str) -> list[Path]:
    """Return the file of a pair's picture, or those of a clip's frames, in order.

    Raises
    ------
    ScoreError
        If a picture is there twice.
    """
    if store.kind != "clips":
        return _files(folder / Path(pair).parent, Path(pair).name)
    count = reference_shape(store, pair)[0]
    # one more than there should be shows as another number of files
    numbers = (f"{number:06}" for number in range(count + 1))
    return [file for number in numbers for file in _files(folder / pair, number)]


def _files(folder: Path, stem: str) -> list[Path]:
    found = [path for suffix in SUFFIXES if (path := folder / f"{stem}{suffix}").is_file()]
    if len(found) > 1:
        raise ScoreError(
            found[0], f"{found[1].name} is the same picture", "each counts once", "Remove one"
        )
    return found


def check_pictures(folder: Path, store: Store, pairs: Sequence[str]) -> str:
    """Return the hash of all pictures, having checked that each is there and of its pair's size.

    Raises
    ------
    LowLightError
        If pictures are missing, twice, of another size, or no 8- or 16-bit RGB PNG or TIFF.
    """
    content = hashlib.sha256()
    missing = []
    for pair in pairs:
        shape = reference_shape(store, pair)
        files = picture_files(folder, store, pair)
        if len(files) != shape[0]:
            missing.append(pair)
        for file in files if not missing else ():
            content.update(hashlib.sha256(_checked(file, shape[1:])).digest())
    if missing:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        lacking = "not every frame, or too many," if store.kind == "clips" else "no picture"
        form = "SCENE/SHORT/000000.png and on" if store.kind == "clips" else "SCENE/SHORT.png"
        raise ScoreError(
            f"--outputs {folder}",
            f"{lacking} of {', '.join(missing[:NAMED])}{more} is there",
            f"each of the {len(pairs)} pairs has its own, {form} or .tif",
            "Add what is missing, named after the pair",
        )
    return content.hexdigest()


def reference_shape(store: Store, pair: str) -> tuple[int, int, int]:
    """Return how many pictures a pair asks for, and their height and width, reading no pixels."""
    row = pair_row(store, pair)
    if store.kind == "clips":
        return store.clip_shape(row.scene, row.short)
    kind = "normal" if store.kind == "pictures" else "reference"
    return (1, *store.shape(row.scene, row.reference, kind))


def _checked(file: Path, size: tuple[int, int]) -> bytes:
    content = picture_bytes(file)
    found = stated_size(file, content)
    if found != size:
        raise ScoreError(
            file, f"it is {found[1]}x{found[0]}",
            f"its pair asks for {size[1]}x{size[0]} and pictures are never resized",
            "Give it at full size",
        )  # fmt: skip
    return content


@dataclass(frozen=True)
class Looked:
    """An outside method as a method: its picture of a sample is looked up."""

    name: str
    folder: Path
    store: Store

    @property
    def info(self) -> MethodInfo:
        """What the machinery of a run needs to know; the record tells what is known."""
        domain = _DOMAINS[self.store.kind]
        return MethodInfo(self.name, self.name, domain, source="", licence="")

    def __call__(self, sample: Sample) -> Any:
        """Return the picture (3, H, W) made of a sample, or the frames of its clip."""
        pictures = (
            planes_first(read_picture(file).pixels)
            for file in picture_files(self.folder, self.store, sample.pair)
        )
        return pictures if sample.clip is not None else next(pictures)
