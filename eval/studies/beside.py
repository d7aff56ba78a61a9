"""Ours beside the printed figures, in words: rows of a table, notes under it, one document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eval.pages import page
from eval.studies import reported
from eval.studies.figure import facts
from eval.studies.reported import Reported
from eval.studies.reproduce import Ours, Reproduction
from eval.studies.substitute import is_substitute
from eval.studies.timing import TERA, implied_tops, possible
from lldata.console import counted
from lldata.store import Store

SCORES = ("row", "score", "printed", "ours", "95 % interval", "pairs")
TIMES = ("row", "M printed", "M ours", "s printed", "s ours", "T of frame", "T/s printed")


def columns(found: Reproduction) -> tuple[str, ...]:
    """Return the heads of the table."""
    if found.table.kind == "figure":
        return ("picture", "panel", "mean", *found.table.metrics)
    return SCORES if found.table.kind == "scores" else TIMES


def rows(found: Reproduction) -> list[tuple[object, ...]]:
    """Return the cells of the table; a figure that is not printed or not run is a dash."""
    if found.table.kind == "timing":
        return [_timed(one) for one in found.rows]
    if found.drawn is not None:
        return [
            (one.picture, one.label, one.mean, *map(one.scores.get, found.table.metrics))
            for row in found.drawn.rows for one in row
        ]  # fmt: skip
    return [cells for one in found.rows for cells in _scored(found.table, one)]


def _scored(table: Reported, one: Ours) -> Iterator[tuple[object, ...]]:
    label = f"{one.line.label} ({one.line.note})" if one.line.note else one.line.label
    for number, metric in enumerate(table.metrics):
        printed, score = one.line.printed.get(metric), one.scores.get(metric)
        ours = [None] * 3 if score is None else [
            page.score(score.mean, score.unit),
            score.range_text if score.found.ci95 else None, score.found.n,
        ]  # fmt: skip
        yield (label if number == 0 else "", metric, _text(printed), *ours)


def _timed(one: Ours) -> tuple[object, ...]:
    printed, cost = one.line.printed, one.cost
    implied = implied_tops(one.operations, printed.get("seconds"))
    millions = cost.parameters / 1e6 if cost and cost.parameters else None
    return (
        one.line.label, _text(printed.get("parameters_m")),
        None if millions is None else f"{millions:.2f}",
        _text(printed.get("seconds")), None if cost is None else f"{cost.seconds:.3g}",
        None if one.operations is None else f"{one.operations / TERA:.2f}",
        None if implied is None else f"{implied:.3g}",
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def notes(found: Reproduction) -> list[str]:
    """Return what has to be read beside the figures, a sentence or two each."""
    table = found.table
    said = [f"{table.paper}; {table.where}."]
    said += [_of_data(role, store, found) for role, store in found.stores.items()]
    if found.selection is not None:
        name, selection = found.selection
        others = ", ".join(key for key in table.selections if key != name)
        more = f" (--pairs {others}: others)" if others else ""
        said.append(f"Pairs: {name}: {selection.title}{more}.")
    said += _of_timing(found)
    said += [f"Protocol: {text}" for text in table.protocol]
    said += [f"Suspect: {text}" for text in table.suspicions]
    said += [f"Not comparable: {text}" for text in not_comparable(found)]
    said += [f"{one.line.label}: {one.missing}" for one in found.rows if one.missing]
    if found.drawn is not None:
        panels = [one for row in found.drawn.rows for one in row]
        why = {one.missing: one.label for one in reversed(panels) if one.missing}  # each once
        said += [f"{label}: {missing}" for missing, label in why.items()]
        said.append(f"sheet {found.drawn.path}")
    return list(dict.fromkeys(said))


def not_comparable(found: Reproduction) -> list[str]:
    """Return what of a table cannot be compared, that of simulated data included."""
    said = list(found.table.not_comparable)
    if found.limit is not None:
        said.append(f"all figures: of the first {counted(found.limit, 'pair')} (--limit)")
    counts = {score.found.n for one in found.rows for score in one.scores.values()}
    known = 0 if found.selection is None else found.selection[1].pairs
    if known and counts - {known}:
        said.append(f"{counted(max(counts), 'pair')} scored, the paper's data have {known}")
    simulated = [store.name for store in found.stores.values() if store.synthetic]
    if simulated:
        said.append(f"all figures of {', '.join(simulated)}: they are of simulated data")
    said += [
        f"{one.line.label}: weights of {one.training}; the published recipe is preset paper"
        for one in found.rows if one.training and not one.training.startswith("preset paper,")
    ]  # fmt: skip
    return said


def _of_data(role: str, store: Store, found: Reproduction) -> str:
    what = "simulated" if store.synthetic else "real"
    if is_substitute(store):
        return (
            f"Data, {role}: {store.name}, simulated here in place of "
            f"{found.table.datasets[role].title}; name your own with --dataset."
        )
    return f"Data, {role}: {store.name}, {what}, digest {store.digest[:12]}."


def _of_timing(found: Reproduction) -> list[str]:
    timing = found.table.timing
    if timing is None:
        return []
    impossible = [
        one.line.label for one in found.rows
        if possible(implied_tops(one.operations, one.line.printed.get("seconds")), timing) is False
    ]  # fmt: skip
    height, width = found.size or (0, 0)
    device = next((one.cost.device for one in found.rows if one.cost), "cpu")
    text = (
        f"Ours: one frame of {height}x{width} on {device}, untrained, median of warm runs. "
        f"T: 10^12 operations for a frame of {timing.size[0]}x{timing.size[1]}; T/s printed: "
        f"those over the printed seconds. A {timing.card} does at most {timing.peak_tops}."
    )
    if not impossible:
        return [text]
    return [text, f"The printed seconds are not possible: {'; '.join(impossible)}."]


def document(found: Reproduction) -> dict[str, Any]:
    """Return the reproduction as plain values, as --json prints it."""
    table = found.table
    return {
        "table": table.name, "title": table.title, "paper": table.paper, "where": table.where,
        "kind": table.kind, "protocol": table.protocol, "suspicions": table.suspicions,
        "not_comparable": not_comparable(found),
        "pairs": found.selection[0] if found.selection else None,
        "datasets": {role: _dataset(store) for role, store in found.stores.items()},
        "limit": found.limit, "size": found.size,
        "sheet": None if found.drawn is None else found.drawn.path,
        "panels": [] if found.drawn is None else [
            facts(one) for row in found.drawn.rows for one in row
        ],
        "rows": [_row(one, found) for one in found.rows],
    }  # fmt: skip


def _dataset(store: Store) -> dict[str, Any]:
    return {
        "name": store.name, "simulated": bool(store.synthetic),
        "substitute": is_substitute(store), "distinct_sources": store.distinct_sources,
        "digest": store.digest,
    }  # fmt: skip


def _row(one: Ours, found: Reproduction) -> dict[str, Any]:
    line = one.line
    row: dict[str, Any] = {
        "label": line.label, "method": line.method, "options": line.options, "note": line.note,
        "printed": {name: float(value) for name, value in line.printed.items()},
        "missing": one.missing, "training": one.training,
    }  # fmt: skip
    if found.table.kind == "timing":
        return row | _costs(one, found)
    return row | {
        "dataset": found.stores[line.dataset].name,
        "trained_on": found.stores[line.trained_on].name if line.trained_on else None,
        "scores": {
            name: score.found.plain() | {"definition": score.definition}
            for name, score in one.scores.items()
        },
        "record": one.record,
    }  # fmt: skip


def _costs(one: Ours, found: Reproduction) -> dict[str, Any]:
    implied = implied_tops(one.operations, one.line.printed.get("seconds"))
    timing = found.table.timing
    return {
        "cost": None if one.cost is None else vars(one.cost),
        "operations_of_the_papers_frame": one.operations,
        "printed_seconds_imply_tops": implied,
        "possible": None if timing is None else possible(implied, timing),
    }


def listed() -> list[dict[str, str]]:
    """Return a row for each table and figure there is."""
    keys = ("name", "kind", "where", "title", "paper")
    return [{key: getattr(reported.load(name), key) for key in keys} for name in reported.names()]
