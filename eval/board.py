"""The leaderboard as a static page: every mean recomputed from the rows of a kept record."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval import page
from eval.folder import check_folder
from eval.record import Record
from eval.standing_view import view
from eval.standings import Entry, Standing, standings
from eval.strict_json import read_strict_json
from eval.summary import image_seconds
from eval.valid import read_valid
from lldata import publish
from lldata.console import to_json

PAGE, DATA, COPIES = "index.html", "leaderboard.json", "data"
FORMAT = 1


def build(records: Sequence[Path], out: Path) -> Path:
    """Write the leaderboard of `records` into the folder `out`.

    The page names its copies of the records by their content and is replaced last, in one step:
    whenever this is killed, `out` holds a whole page, the old or the new one. The same records
    give the same bytes, in whatever order they come.

    Parameters
    ----------
    records : record files; of the same run made again the newest counts
    out : gets index.html, leaderboard.json and data/, a copy of every record that counts

    Returns
    -------
    the path of the page

    Raises
    ------
    ScoreError
        If a file is no valid record, a shipped track is malformed, or `out` is a file.
    """
    check_folder(out, f"--out {out}")
    found = [(read_valid(path), path.read_bytes()) for path in records]
    read = {_copy(record, data): (record, data) for record, data in found}
    tables = standings((record, copy) for copy, (record, _) in sorted(read.items()))
    kept = {entry.copy for table in tables for entry in table.entries}
    shown = page.render("board.html.j2", boards=[view(table) for table in tables])
    for copy in sorted(kept):
        publish.write_replacing(out / copy, read[copy][1])
    publish.write_replacing(out / DATA, (to_json(_document(tables)) + "\n").encode())
    page.write(out / PAGE, shown)
    _remove_old(out / COPIES, {Path(copy).name for copy in kept})
    return out / PAGE


def _copy(record: Record, data: bytes) -> str:
    """Return the address of a record's copy: it names the content, so it never changes."""
    name = re.sub(r"[^A-Za-z0-9@._-]+", "-", f"{record.track}--{record.file_name}").strip(".-")
    return f"{COPIES}/{name[:100] or 'record'}.{_short_hash(data)}.json"


def _short_hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _remove_old(folder: Path, kept: set[str]) -> None:
    """Delete copies that an earlier build left: files whose name still states their content."""
    for path in folder.glob("*.json"):
        stated = path.name.removesuffix(".json").rpartition(".")[2]
        if path.name not in kept and stated == _short_hash(path.read_bytes()):
            path.unlink()


def _document(tables: Sequence[Standing]) -> dict[str, Any]:
    """Return the leaderboard as data: what the page shows, and nothing else."""
    return {"format": FORMAT, "tracks": [_track(table) for table in tables]}


def _track(table: Standing) -> dict[str, Any]:
    lists = {"blind": table.blind, "oracle": table.oracle, "partial": table.partial}
    return {
        **table.place._asdict(),
        "title": table.title,
        "ad_hoc": table.ad_hoc,
        "warnings": table.warnings,
        **{name: [_entry(entry) for entry in entries] for name, entries in lists.items()},
    }


def _entry(entry: Entry) -> dict[str, Any]:
    record = entry.record
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
    names = (
        "method", "label", "dataset", "split", "protocol", "options", "input", "reference_use",
        "synthetic", "distinct_sources", "weights_sha256", "trained_on", "seed", "parameters",
        "flops", "peak_memory_bytes", "level", "partial", "created",
    )  # fmt: skip
    return {
        "rank": entry.rank,
        "tied_with_best": entry.tied,
        **{name: getattr(record, name) for name in names},
        "seconds_per_image": image_seconds(record),
        "scores": scores,
        "record": entry.copy,
    }


Table = tuple[str, tuple[str, ...], list[tuple[object, ...]]]


def tables(out: Path) -> list[Table]:
    """Return title, columns and rows of each table of the leaderboard in `out`, for a terminal."""
    return [_table(track) for track in read_strict_json(out / DATA)["tracks"]]


def _table(track: Mapping[str, Any]) -> Table:
    entries = [entry for part in ("blind", "oracle", "partial") for entry in track[part]]
    metrics = list(dict.fromkeys(name for entry in entries for name in entry["scores"]))
    columns = ("", "method", *(str(c) for metric in metrics for c in (metric, "95 %")))
    runs = Counter(str(entry["method"]) for entry in entries)
    rows: list[tuple[object, ...]] = []
    for entry in entries:
        scores = [cell for name in metrics for cell in _cells(entry["scores"].get(name))]
        rows.append((_place(entry), _named(entry, runs), *scores))
    simulated = ", simulated" if any(entry["synthetic"] for entry in entries) else ""
    return f"{track['title']}{simulated}", columns, rows


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
