"""What a sweep found, for people as tables and for programs as one document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eval.pages import page
from eval.pages.summary import in_cells
from eval.pages.words import marks
from eval.record import Record
from eval.statistics import Interval
from eval.studies.sweep import Sweep


def document(found: Sweep) -> dict[str, Any]:
    """Return means and slopes as plain values, as --json prints them."""
    record = found.record
    return {
        "method": record.method, "label": record.label, "dataset": record.dataset,
        "track": record.track, "simulated": record.synthetic, "partial": record.partial,
        "definitions": {name: use.definition for name, use in record.metrics.items()},
        "axes": [
            {
                "axis": one.name, "title": one.axis.title, "unit": one.axis.unit,
                "steps": [
                    {"step": step.step, "scores": _each(step.found, record)} for step in one.steps
                ],
                "slope": _each(one.slope, record),
            }
            for one in found.axes
        ],
        "record": found.path, "plots": found.plots,
    }  # fmt: skip


def tables(found: Sweep) -> list[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """Return title, heads and cells of two tables: the steps by the first metric, the slopes."""
    record = found.record
    use = {name: one.unit for name, one in record.metrics.items()}
    first = next(iter(use))
    said = "".join(f"; {mark.text}" for mark in marks(record))
    title = f"{record.method} ({record.label}) on {record.track}{said}"
    steps = [
        (one.name if step.step == one.steps[0].step else "", page.plain(step.step), one.axis.unit,
         *in_cells(step.found(first), use[first]))
        for one in found.axes for step in one.steps
    ]  # fmt: skip
    slopes = [
        (one.name, metric, *in_cells(one.slope(metric), use[metric]),
         f"{use[metric]} / {one.axis.unit}".strip())
        for one in found.axes for metric in use
    ]  # fmt: skip
    return [
        (title, ("axis", "step", "unit", first, "95 % interval"), [*steps]),
        ("Robustness: change for each unit of disturbance",
         ("axis", "score", "slope", "95 % interval", "unit"), [*slopes]),
    ]  # fmt: skip


def _each(found: Callable[[str], Interval], record: Record) -> dict[str, Any]:
    return {metric: found(metric).plain() for metric in record.metrics}
