"""Whether the texts of a document from elsewhere are plain: nothing in them could run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lldata.errors import ScoreError

LONGEST = 1000  # characters of one text
DEEPEST = 12  # lists and objects inside one another
_FORBIDDEN = re.compile(r"""[<>`"]|\b(?:javascript|vbscript)\s*:|\bdata:\w+/""", re.IGNORECASE)


def check_texts(where: object, document: Any) -> None:
    """Refuse texts, keys among them, that are no plain words.

    Raises
    ------
    ScoreError
        If one is too long, holds a character that does not print (line ends and signs that turn
        the direction of writing among them), markup or the address of a script; or if lists and
        objects stand too deep inside one another.
    """
    for text in _texts(where, document, 0):
        found = None
        if len(text) > LONGEST:
            found = f"a text has {len(text)} characters"
        elif not text.isprintable():
            found = "a text holds a character that does not print"
        elif _FORBIDDEN.search(text):
            found = "a text holds markup or a script"
        if found:
            start = "".join(c if c.isprintable() else "?" for c in text[:40])
            raise ScoreError(
                where, f"{found} ({start})", f"plain texts up to {LONGEST} characters are taken",
                "Write plain words",
            )  # fmt: skip


def _texts(where: object, value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise ScoreError(
            where, "it is nested too deeply", f"{DEEPEST} levels are enough", "Write it plainly"
        )
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(where, item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(where, item, depth + 1)
