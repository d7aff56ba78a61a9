"""Where a run keeps what: its record, outputs, small pictures and finished pairs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from lldata.errors import ScoreError

Kind = Literal["input", "output", "reference", "error"]

RECORD = "record.json"
TABLE = "rows.csv"


def output_path(folder: Path, pair: str) -> Path:
    """Return the path of the output in full size, 8-bit PNG: what the scores are made of."""
    return _inside(folder / "outputs", pair, ".png")


def picture_path(folder: Path, pair: str, kind: Kind) -> Path:
    """Return the path of a small picture of a pair, JPEG."""
    return _inside(folder / "pictures", pair, f".{kind}.jpg")


def row_path(folder: Path, pair: str) -> Path:
    """Return the path of the kept result of a finished pair."""
    return _inside(folder / "pairs", pair, ".json")


def _inside(folder: Path, pair: str, suffix: str) -> Path:
    """Return SCENE/SHORT below `folder`; a pair id from elsewhere cannot lead out of it."""
    parts = pair.split("/")
    if not all(re.fullmatch(r"(?!\.)[^\\\x00-\x1f:]+", part) for part in parts):
        raise ScoreError(
            f"pair {pair!r}",
            "its id cannot be a path",
            "a pair is named SCENE/SHORT after its files",
            "Rename the files and ingest them again",
        )
    return folder.joinpath(*parts[:-1], parts[-1] + suffix)
