"""BibTeX of the tracks and of the methods that stand in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from baselines import method as methods
from eval.site import addresses
from eval.site.standings import Standing


def bibtex(tables: Sequence[Standing]) -> str:
    """Return an entry for each table, with the digest that says which data, and each method."""
    found = [
        _entry(
            f"lowlight-{table.id}",
            title=f"{table.title}, a track of the low-light leaderboard",
            note=f"Dataset digest {table.place.digest}, "
            f"{table.place.metric} {table.place.definition}",
            howpublished=addresses.track_page(table.id),
        )
        for table in tables
    ]
    names = {e.record.method.partition("@")[0] for table in tables for e in table.entries}
    for name in sorted(names & set(methods.names())):
        about = methods.info(name)
        found.append(_entry(f"lowlight-method-{name}", title=about.title, note=about.source))
    return "\n".join(found)


def _entry(key: str, **fields: str) -> str:
    lines = "".join(f"  {name} = {{{_escaped(value)}}},\n" for name, value in fields.items())
    return f"@misc{{{re.sub(r'[^A-Za-z0-9-]+', '-', key)},\n{lines}}}\n"


def _escaped(text: str) -> str:
    """Return text that no BibTeX or TeX reads as a command."""
    words = " ".join(re.sub(r"[\\{}\x00-\x1f]", " ", text).split())
    return re.sub(r"([&%$#_~^])", lambda m: rf"\{m[1]}" if m[1] not in "~^" else " ", words)
