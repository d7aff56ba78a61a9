"""Tables of the pages in docs/."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence


def markdown(table: Sequence[Sequence[object]]) -> str:
    """Return a table, its head first."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0]), *lines[1:]])


def filled(text: str) -> str:
    """Return a paragraph, in lines of 100."""
    return textwrap.fill(" ".join(text.split()), 100, break_on_hyphens=False)
