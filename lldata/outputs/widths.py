"""Widths of a table's columns: text folds between words before any name is cut in two."""

from __future__ import annotations

from collections.abc import Sequence


def column_widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return a width for each column, together `room` at most: the widest give way first.

    A column keeps its longest word while all columns can; where they cannot, long words fold.

    Parameters
    ----------
    columns : the texts of each, its head among them
    room : characters for all columns together, without what stands between them
    """
    from rich.cells import cell_len

    wanted = [min(max(1, *map(cell_len, texts)), room) for texts in columns]
    words = [max((cell_len(w) for text in texts for w in text.split()), default=1)
             for texts in columns]  # fmt: skip
    if sum(words) <= room:
        return _narrowed(wanted, words, room)
    return _narrowed([min(word, room) for word in words], [1] * len(words), room)


def _narrowed(widths: list[int], least: list[int], room: int) -> list[int]:
    while sum(widths) > room and any(w > low for w, low in zip(widths, least, strict=True)):
        shrinking = [i for i, low in enumerate(least) if widths[i] > low]
        widths[max(shrinking, key=widths.__getitem__)] -= 1
    return widths
