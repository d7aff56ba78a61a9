"""What a record says of itself, in the words all pages use: marks, facts, what is not known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from eval import tracks
from eval.pages import page
from eval.record import Record
from lldata.console import counted


class Mark(NamedTuple):
    """A plain word about a record that nobody may overlook."""

    text: str
    tone: Literal["", "warm", "cool"] = ""


def marks(record: Record) -> list[Mark]:
    """Return what nobody may overlook about a record: oracle, partial, simulated, ad hoc."""
    found = []
    if record.synthetic:
        found.append(Mark(simulated(record), "cool"))
    if record.reference_use is None:
        found.append(Mark("nobody says that it is blind: never ranked", "warm"))
    elif record.oracle:
        found.append(Mark(f"oracle: uses the reference ({record.reference_use})", "warm"))
    if record.outside:
        found.append(Mark("outside method: its pictures were scored, its program not run"))
    if record.partial:
        found.append(Mark("partial run: never ranked", "warm"))
    if is_ad_hoc(record):
        found.append(Mark("ad hoc track: its data are pinned to nothing"))
    return found


def known(value: Any) -> str:
    """Return a value of a record in words, `unknown` for null."""
    return "unknown" if value is None else said(value)


def told_of_outside(record: Record) -> dict[str, str]:
    """Return what is told of an outside method, nothing of the toolkit's own."""
    if record.outside is None:
        return {}
    return {"source": known(record.outside.source), "licence": known(record.outside.licence)}


def simulated(record: Record) -> str:
    """Return `simulated captures, 12 distinct sources`."""
    number = record.distinct_sources
    sources = "sources unknown" if number is None else counted(number, "distinct source")
    return f"simulated captures, {sources}"


def is_ad_hoc(record: Record) -> bool:
    """Whether the record's track is no shipped one but a dataset's whole split."""
    return record.track == tracks.ad_hoc_name(record.dataset, record.split)


def image_seconds(record: Record) -> float | None:
    """Return the median seconds the method took for a picture or frame, None if not timed."""
    taken = record.timing.get("median_s")
    return float(taken) if isinstance(taken, int | float) else None


def facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a mapping of a record as terms and printed values, nothing left out."""
    return [(_term(name), said(value)) for name, value in values.items()]


def _term(name: str) -> str:
    """Return a field's name in words; a suffix that is a unit stands apart."""
    words = name.replace("_", " ")
    return f"{words.removesuffix(' s')}, s" if words.endswith(" s") else words


def said(value: Any) -> str:
    """Return a value of a record in words: a dash for null, digits for numbers, else JSON."""
    if value is None:
        return page.NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Sequence):
        return ", ".join(map(said, value)) or "nothing"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def options_text(options: Mapping[str, Any]) -> str:
    """Return `alpha=0.15, gamma=0.8`, or `none`."""
    return ", ".join(f"{name}={said(value)}" for name, value in options.items()) or "none"
