"""Where a folder of documentation begins; known without the extra that reads its pages."""

from __future__ import annotations

from pathlib import Path

from lldata.errors import LowLightError

INDEX = "README.md"


def check_index(folder: Path) -> None:
    """Refuse a folder that is none of documentation.

    Raises
    ------
    LowLightError
        If it is no folder or has no README.md.
    """
    if not (folder / INDEX).is_file():
        found = f"it has no {INDEX}" if folder.is_dir() else "it is no folder"
        raise LowLightError(
            f"--docs {folder}", found, "README.md is the documentation's front page",
            "Name the folder docs of the source",
        )  # fmt: skip
