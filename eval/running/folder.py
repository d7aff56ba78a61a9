"""Where a run keeps what: its record, outputs, small pictures and finished pairs."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from eval.strict_json import file_content, strict_object
from lldata import publish
from lldata.errors import ScoreError
from lldata.locks import locked

Kind = Literal["input", "output", "reference", "error"]

RECORD = "record.json"
TABLE = "rows.csv"
REPORT = "report.html"
LOCK = ".run.lock"


def output_path(folder: Path, pair: str) -> Path:
    """Return the path of the output in full size, 8-bit PNG: what the scores are made of."""
    return _inside(folder / "outputs", pair, ".png")


def frame_path(folder: Path, pair: str, number: int) -> Path:
    """Return the path of a frame of an enhanced clip in full size, 8-bit PNG."""
    return _inside(folder / "outputs", f"{pair}/{number:06}", ".png")


def picture_path(folder: Path, pair: str, kind: Kind) -> Path:
    """Return the path of a small picture of a pair, JPEG."""
    return _inside(folder / "pictures", pair, f".{kind}.jpg")


def row_path(folder: Path, pair: str) -> Path:
    """Return the path of the kept result of a finished pair."""
    return _inside(folder / "pairs", pair, ".json")


def record_path(named: Path) -> Path:
    """Return the record of a run folder, or the file that was named."""
    return named / RECORD if named.is_dir() else named


def check_folder(folder: Path, named: str) -> None:
    """Refuse a place to write files to that is no folder and cannot become one.

    Raises
    ------
    ScoreError
        If it, or what should hold it, is a file, or a name is too long; `named` is what the user
        called it.
    """
    if any(len(os.fsencode(part)) > publish.LONGEST_NAME for part in folder.parts):
        found, expected = "a name in it is too long", f"at most {publish.LONGEST_NAME} bytes fit"
        raise ScoreError(f"{named[:40]}…", found, expected, "Choose a shorter one")
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if there is not None and not there.is_dir():
        raise ScoreError(named, f"{there} is a file", "a folder is needed", "Choose another place")


def check_same_run(folder: Path, told: Mapping[str, str]) -> None:
    """Refuse to replace the record of another run, or a file that is none.

    Parameters
    ----------
    told : method, label and track of the run that is to be written

    Raises
    ------
    ScoreError
        If a record there tells of others.
    """
    path = folder / RECORD
    if not path.is_file():
        return
    remedy = "Give another --out, or remove what is there"
    try:
        document = strict_object(path, file_content(path))
        found = {name: str(document[name]) for name in told}
    except (ScoreError, KeyError) as error:
        raise ScoreError(
            path, "it is no record of a run", "it would be replaced by one", remedy
        ) from error
    if found != told:
        said = [f"{one['method']}--{one['label']} on {one['track']}" for one in (found, told)]
        raise ScoreError(path, f"it is the record of {said[0]}", f"this is {said[1]}", remedy)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder of a run, so that no other run writes into it meanwhile.

    What a killed run has left unfinished in it is removed.

    Raises
    ------
    ScoreError
        If another process holds it.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / LOCK, keep=False, wait=False))
        except BlockingIOError as error:
            raise ScoreError(
                folder, "another lleval run is writing there", "one writes into a folder at a time",
                "Wait until it has ended, or give this one a folder of its own with --out",
            ) from error  # fmt: skip
        for name in (RECORD, TABLE, REPORT):
            publish.remove_leftovers(folder, name, older_than_s=0)
        for kind in ("outputs", "pictures", "pairs"):
            for leftover in (folder / kind).rglob(f".*{publish.TEMPORARY}"):
                leftover.unlink(missing_ok=True)
        yield


def _inside(folder: Path, pair: str, suffix: str) -> Path:
    """Return SCENE/SHORT below `folder`; a pair id from elsewhere cannot lead out of it."""
    parts = pair.split("/")
    longest = max(len(os.fsencode(part)) for part in (*parts, parts[-1] + suffix))
    named = all(re.fullmatch(r"(?!\.)[^\\\x00-\x1f:]+", part) for part in parts)
    if not named or longest > publish.LONGEST_NAME:
        raise ScoreError(
            f"pair {pair!r}",
            "its id cannot be a path",
            "a pair is named SCENE/SHORT after its files",
            "Rename the files and ingest them again",
        )
    return folder.joinpath(*parts[:-1], parts[-1] + suffix)
