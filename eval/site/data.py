"""The leaderboard as data: JSON, CSV and the terminal's tables, with what the pages show."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.pages.words import image_seconds
from eval.site.addresses import DATA, entry_page
from eval.site.standings import Entry, Standing
from eval.strict_json import read_strict_json

FORMAT = 1
_FACTS = (
    "method", "label", "dataset", "split", "protocol", "options", "input", "reference_use",
    "synthetic", "distinct_sources", "weights_sha256", "trained_on", "seed", "parameters",
    "flops", "peak_memory_bytes", "level", "partial", "created",
)  # fmt: skip
_COLUMNS = (
    "method", "label", "level", "created", "trained_on", "parameters", "flops",
    "seconds_per_image", "peak_memory_bytes", "record",
)  # fmt: skip
_NUMBERS = {int, float, bool, type(None)}  # most cells; written as they are
_SHOWN = 8  # entries of a track on a terminal
_FORMULA = re.compile(r"\s*[=+\-@]")

Table = tuple[str, tuple[str, ...], list[tuple[object, ...]]]


def document(tables: Sequence[Standing]) -> dict[str, Any]:
    """Return the leaderboard as data: what the pages show, and nothing else."""
    return {"format": FORMAT, "tracks": [_track(table) for table in tables]}


def _track(table: Standing) -> dict[str, Any]:
    lists = {"blind": table.blind, "oracle": table.oracle, "partial": table.partial}
    return {
        **table.place._asdict(),
        "id": table.id,
        "title": table.title,
        "ad_hoc": table.ad_hoc,
        "warnings": table.warnings,
        **{name: [_entry(entry) for entry in entries] for name, entries in lists.items()},
    }


def _entry(entry: Entry) -> dict[str, Any]:
    scores = {
        score.metric: {
            **asdict(score.found),
            "unit": score.unit,
            "better": score.better,
            "definition": score.definition,
            "identical": score.identical,
        }
        for score in entry.scores.values()
    }
    return {
        "rank": entry.rank,
        "tied_with_best": entry.tied,
        **{name: getattr(entry.record, name) for name in _FACTS},
        "seconds_per_image": image_seconds(entry.record),
        "scores": scores,
        "record": entry.copy,
        "page": entry_page(entry.copy),
    }


def track_csv(table: Standing) -> str:
    """Return a table's entries as CSV, one line an entry, each score with its interval."""
    scored = [f"{column.metric} {column.definition}" for column in table.columns]
    ends = [f"{name}{end}" for name in scored for end in ("", " low", " high", " pairs")]
    lines = [[*("list", "rank", "tied_with_best"), *_COLUMNS, *ends]]
    for name in ("blind", "oracle", "partial"):
        for entry in getattr(table, name):
            told = _entry(entry)
            found = [entry.scores.get((c.metric, c.definition)) for c in table.columns]
            numbers = [
                value
                for score in found
                for value in (
                    (score.mean, *(score.found.ci95 or (None, None)), score.found.n)
                    if score
                    else (None,) * 4
                )
            ]
            facts = [told[column] for column in _COLUMNS]
            lines.append([name, entry.rank, entry.tied, *facts, *numbers])
    return as_csv(lines)


def as_csv(lines: Iterable[Sequence[object]]) -> str:
    """Return CSV whose texts no spreadsheet takes for formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(
        [value if type(value) in _NUMBERS else _cell(value) for value in line] for line in lines
    )
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def tables(out: Path) -> list[Table]:
    """Return title, columns and rows of each table of the leaderboard in `out`, for a terminal.

    The first of each, with the interval of the score that ranks them; the pages have the rest.
    """
    return [_table(track) for track in read_strict_json(out / DATA)["tracks"]]


def _table(track: Mapping[str, Any]) -> Table:
    entries = [entry for part in ("blind", "oracle", "partial") for entry in track[part]]
    metrics = dict.fromkeys(name for entry in entries for name in entry["scores"])
    first = track["metric"]
    others = [name for name in metrics if name != first]
    runs = Counter(str(entry["method"]) for entry in entries)
    rows: list[tuple[object, ...]] = []
    for entry in entries[:_SHOWN]:
        scores = [_cells(entry["scores"].get(name)) for name in (first, *others)]
        rows.append((_place(entry), _named(entry, runs), *scores[0], *(m for m, _ in scores[1:])))
    title = track["title"] + (", simulated" if any(e["synthetic"] for e in entries) else "")
    more = f": {_SHOWN} of {len(entries)}, all are on its page" if len(entries) > _SHOWN else ""
    return title + more, ("", "method", first, "95 %", *others), rows


def _named(entry: Mapping[str, Any], runs: Counter[str]) -> str:
    """Return the method, with its label where the table has several runs of it."""
    name = str(entry["method"])
    return name if runs[name] == 1 else f"{name} {entry['label']}"


def _place(entry: Mapping[str, Any]) -> str:
    if entry["partial"]:
        return "partial"
    use = entry["reference_use"]
    return "unknown" if use is None else "oracle" if use != "none" else str(entry["rank"] or "-")


def _cells(score: Mapping[str, Any] | None) -> tuple[float | None, str | None]:
    if score is None or score["mean"] is None:
        return None, None
    interval = "{:.3g} to {:.3g}".format(*score["ci95"]) if score["ci95"] else None
    return float(score["mean"]), interval
