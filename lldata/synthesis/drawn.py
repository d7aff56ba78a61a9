"""What was drawn for the pairs of a synthesised dataset, as its scene files keep it."""

from __future__ import annotations

from typing import Any

from lldata.scene import DRAWN, drawn_facts, drawn_ranges
from lldata.stated import stated
from lldata.store import Store

_NOTHING = (slice(0, 0), slice(0, 0))


def ranges(dataset: Store) -> dict[str, list[float]]:
    """Return the least and the greatest value drawn of each parameter, {} if nothing was drawn.

    The index knows; of an older one the attributes of every scene file are read.
    """
    if stated(dataset, "degradation", dict) is None:
        return {}
    if (known := dataset.drawn) is not None:
        return known
    pairs = dataset.pair_columns
    drawn = [
        dataset.picture(scene, short, "low", _NOTHING)[1]
        for scene, short in zip(pairs["scene"], pairs["short"], strict=True)
    ]
    dataset.close()
    return drawn_ranges(drawn)


def said(facts: dict[str, Any]) -> str:
    """Return what was drawn for one picture in words, "" where nothing was."""
    drawn = drawn_facts({"": facts}).get("")
    if drawn is None:
        return ""
    alpha, gamma, sigma = (drawn[key] for key in DRAWN)
    return f"alpha {alpha:.3g}, gamma {gamma:.3g}, noise {sigma:.2g}"
