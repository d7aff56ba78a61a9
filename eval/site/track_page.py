"""What the page of one table shows: words, cells and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval import sign_flips
from eval.pages.figures import Strip, strips
from eval.pages.summary import groups_of
from eval.pages.words import Mark, image_seconds, simulated
from eval.record import Record
from eval.site import addresses
from eval.site.definitions import definition
from eval.site.plots import costs_of, curves_of
from eval.site.robustness import robustness
from eval.site.standings import MOST_COMPARED, Entry, Standing
from eval.statistics import GROUPS_NEEDED, SURE
from eval.studies.sweep import Sweep
from lldata.console import counted


def view(
    table: Standing, sweeps: Sequence[Sweep], documented: Mapping[str, bytes]
) -> dict[str, Any]:
    """Return everything the template shows of one table."""
    defined = [definition(n, one, documented) for n, one in enumerate(table.columns, start=1)]
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
        "extent": extent(table),
        "marks": marks(table),
        "order": _order_text(table),
        "ties": _ties_text(table),
        "kind": "; simulated" if table.entries[0].record.synthetic else "",
        "titles": titles(table),
        "definitions": defined,
        "levels": sorted({entry.record.level for entry in table.entries}),
        "costs": costs_of(table),
        "curves": curves_of(table),
        "robustness": robustness(table, sweeps),
        "csv": addresses.track_csv(table.id),
        "compare": addresses.compare_page(table.id) if table.comparisons else None,
        **rows,
    }


def extent(table: Standing) -> str:
    """Return which data the table is of, and how many pairs and groups."""
    whole = next((e for e in table.entries if not e.record.partial), table.entries[0]).record
    datasets = sorted({entry.record.dataset for entry in table.entries})
    return (
        f"{', '.join(datasets)}, split {whole.split}: {counted(len(whole.rows), 'pair')} in "
        f"{counted(groups_of(whole.rows), 'group')}, protocol {whole.protocol}."
    )


def marks(table: Standing) -> list[Mark]:
    """Return what nobody may overlook about the table's data."""
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
    text = (
        "Not told from the best: the difference over the same pairs could be chance (sign flips "
        "of groups, p over 0.05 after Holm's correction for all comparisons of the table)."
    )
    few = f" Only the best {MOST_COMPARED} are compared." if len(ranked) > MOST_COMPARED else ""
    return text + _too_few_text(table) + few


def _too_few_text(table: Standing) -> str:
    """Return that no difference could be told, however large, where that is so."""
    groups = max(one.groups for one in table.comparisons)
    least = sign_flips.least(groups) * len(table.comparisons)
    if least <= SURE:
        return ""
    return (
        f" {counted(groups, 'group')} are too few to tell any of {table.compared} runs apart: p is "
        f"{min(least, 1):.2g} or more even where every group agrees."
    )


def titles(table: Standing) -> list[str]:
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
    first = entry.scores[table.columns[0].metric, table.columns[0].definition]
    return {
        "entry": entry,
        "record": record,
        "key": addresses.key_of(entry.copy),
        "page": addresses.entry_page(entry.copy),
        "marks": [*own_marks(entry, table), *_of_outside(record)],
        "strip": strip,
        "first": first,
        "scores": [entry.scores.get((c.metric, c.definition)) for c in table.columns],
        "bounded": any(score.found.ci95 for score in entry.scores.values()),
        "seconds": image_seconds(record),
        "day": record.created[:10],
    }


def own_marks(entry: Entry, table: Standing) -> list[Mark]:
    """Return what nobody may overlook about one entry beside the others."""
    own, record = [], entry.record
    first = entry.scores[table.columns[0].metric, table.columns[0].definition]
    if first.identical:
        own.append(Mark(f"{counted(first.identical, 'pair')} equal to the reference", "warm"))
    if entry.tied and (entry.rank or 0) > 1:
        own.append(Mark("not told from the best"))
    if f"{record.dataset}/{record.split}" in (record.trained_on or ()):
        own.append(Mark("trained on these pairs", "warm"))
    return own


def _of_outside(record: Record) -> list[Mark]:
    """Return what a reader must know of a method whose program is not in the toolkit."""
    unknown = record.reference_use is None
    found = [Mark("nobody says that it is blind", "warm")] if unknown else []
    return [*found, Mark("outside method")] if record.outside else found
