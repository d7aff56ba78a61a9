"""Tables of the pages in docs/."""

from __future__ import annotations

from collections.abc import Sequence


def markdown(table: Sequence[Sequence[object]]) -> str:
    """Return a table, its head first."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0]), *lines[1:]])
