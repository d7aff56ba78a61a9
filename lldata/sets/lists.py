"""List files, which name the frames of each split: SID's own, and plain train, val, test.

SID's `Sony_train_list.txt` has rows of a short, its long, ISO and f-number; `train.txt` has one
name in each line: of a file with or without its extension, of a scene or of a group.

Source: the lists of Chen et al. 2018 (SID), dataset/*_list.txt of the released code.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from lldata.errors import FrameError
from lldata.pairing import Listed, text_of

_LIST = re.compile(r"(?:.*_)?(?P<split>train|val|test)_list\.txt")
_PLAIN = re.compile(r"(?P<split>train|val|test)\.txt")
_ROW = re.compile(r"(?P<short>\S+/\S+)\s+(?P<long>\S+/\S+)\s+ISO(?P<iso>\d+)\s+F(?P<f>\d+\.?\d*)")


def list_files(folder: Path) -> list[Path]:
    """Return the list files that lie directly in a folder, [] where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        p for p in folder.iterdir() if (_LIST.fullmatch(p.name) or _PLAIN.fullmatch(p.name))
        and p.is_file()
    )  # fmt: skip


def read_lists(folder: Path) -> list[Listed]:
    """Return the lines of every list file in a folder; empty ones and comments (#) are none.

    Raises
    ------
    FrameError
        If a list is no UTF-8 text, or a line of a `_list.txt` is no row of SID's kind.
    """
    return [line for path in list_files(folder) for line in _lines(path)]


def _lines(path: Path) -> list[Listed]:
    text = text_of(path, "a list has one frame in each line")
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if words and not words.startswith("#"):
            found.append(_line(path, f"{path.name} line {number}", words))
    return found


def _line(path: Path, where: str, words: str) -> Listed:
    plain = _PLAIN.fullmatch(path.name)
    if plain:
        return Listed(plain["split"], where, words)
    row, named = _ROW.fullmatch(words), _LIST.fullmatch(path.name)
    if row is None or named is None:
        raise FrameError(
            f"{path.parent / where}",
            f"it says {words!r}",
            "a row is ./Sony/short/SHORT ./Sony/long/LONG ISO200 F9",
            "Correct the list, or call it train.txt, val.txt or test.txt and write one name a line",
        )
    short, long = PurePosixPath(row["short"]), PurePosixPath(row["long"])
    return Listed(
        named["split"], where, short.stem, short.parent.parent.name, long.stem,
        float(row["iso"]), float(row["f"]),
    )  # fmt: skip
