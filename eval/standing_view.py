"""What the leaderboard's template shows of one standing: words, cells and plots."""

from __future__ import annotations

from typing import Any

from eval import page
from eval.figures import Strip, strips
from eval.record import Record
from eval.standings import Entry, Standing
from eval.statistics import GROUPS_NEEDED
from eval.summary import (
    Mark,
    counted,
    facts,
    given,
    groups_of,
    image_seconds,
    known,
    options_text,
    simulated,
    told_of_outside,
)


def view(table: Standing) -> dict[str, Any]:
    """Return everything the template shows of one place."""
    plots = _strips(table)
    rows = {
        name: [_row(entry, table, plots[entry.copy]) for entry in entries]
        for name, entries in (
            ("blind", table.blind),
            ("oracle", table.oracle),
            ("partial", table.partial),
        )
    }
    return {
        "table": table,
        "extent": _extent(table),
        "marks": _marks(table),
        "order": _order_text(table),
        "ties": _ties_text(table),
        "kind": "; simulated" if table.entries[0].record.synthetic else "",
        "titles": _titles(table),
        **rows,
    }


def _extent(table: Standing) -> str:
    whole = next((e for e in table.entries if not e.record.partial), table.entries[0]).record
    datasets = sorted({entry.record.dataset for entry in table.entries})
    return (
        f"{', '.join(datasets)}, split {whole.split}: {counted(len(whole.rows), 'pair')} in "
        f"{counted(groups_of(whole.rows), 'group')}, protocol {whole.protocol}."
    )


def _marks(table: Standing) -> list[Mark]:
    records = [entry.record for entry in table.entries]
    found = {Mark(simulated(record), "cool") for record in records if record.synthetic}
    found |= {Mark("real captures") for record in records if not record.synthetic}
    ad_hoc = [Mark("ad hoc track: its data are pinned to nothing")] if table.ad_hoc else []
    return sorted(found) + ad_hoc


def _order_text(table: Standing) -> str:
    first = table.columns[0]
    return "" if first.better == "none" else f"{first.metric}, {first.better} is better"


def _ties_text(table: Standing) -> str:
    """Return how ties with the best were decided, or why they were not."""
    ranked = [entry for entry in table.blind if entry.rank]
    if len(ranked) < 2:
        return ""
    if ranked[0].tied is None:
        return f"Fewer than {GROUPS_NEEDED} groups: no test of which differences could be chance."
    return (
        "Not told from the best: the difference over the same pairs could be chance (sign flips "
        "of groups, p over 0.05 after Holm's correction for all comparisons of the table)."
    )


def _titles(table: Standing) -> list[str]:
    """Return the columns' headings; a metric under two definitions says which is which."""
    names = [column.metric for column in table.columns]
    return [
        c.title if names.count(c.metric) == 1 else f"{c.title} ({c.definition})"
        for c in table.columns
    ]


def _strips(table: Standing) -> dict[str, Strip | None]:
    first = (table.columns[0].metric, table.columns[0].definition)
    found = [entry.scores[first].found for entry in table.entries]
    drawn = strips([(interval.mean, interval.ci95) for interval in found])
    return {entry.copy: strip for entry, strip in zip(table.entries, drawn, strict=True)}


def _row(entry: Entry, table: Standing, strip: Strip | None) -> dict[str, Any]:
    record = entry.record
    own = []
    first = entry.scores[table.columns[0].metric, table.columns[0].definition]
    if first.identical:
        own.append(Mark(f"{counted(first.identical, 'pair')} equal to the reference", "warm"))
    if entry.tied and (entry.rank or 0) > 1:
        own.append(Mark("not told from the best"))
    if f"{record.dataset}/{record.split}" in (record.trained_on or ()):
        own.append(Mark("trained on these pairs", "warm"))
    return {
        "entry": entry,
        "record": record,
        "marks": own,
        "strip": strip,
        "first": first,
        "scores": [entry.scores.get((c.metric, c.definition)) for c in table.columns],
        "seconds": image_seconds(record),
        "facts": _facts(record),
    }


def _facts(record: Record) -> list[tuple[str, str]]:
    return facts(
        {
            "options": options_text(record.options),
            "given": given(record),
            "oracle": known(record.reference_use) if record.oracle else "no",
            "trained on": known(record.trained_on),
            "weights": record.weights_sha256 or "none",
            "seed": record.seed,
            **told_of_outside(record),
            "peak memory": page.size(record.peak_memory_bytes),
            "hardware": [str(value) for value in record.hardware.values() if value is not None],
            "software": [f"{name} {value}" for name, value in record.software.items()],
            "made": record.created,
        }
    )
