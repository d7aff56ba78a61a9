"""What the page of a method shows: what it is, and how it did on every track."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from baselines import method as methods
from eval.pages.figures import Columns
from eval.pages.spread import columns_of
from eval.pages.summary import Score
from eval.pages.words import facts, known, told_of_outside
from eval.site import addresses
from eval.site.definitions import anchor_of
from eval.site.heat import Heat, heat_map
from eval.site.standings import Entry, Standing
from eval.site.track_page import marks, own_marks

MOST_DRAWN = 6  # runs of a method beside one another in a plot


class Run(NamedTuple):
    """An entry and the table it stands in."""

    entry: Entry
    table: Standing


def views(tables: Sequence[Standing]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the address and content of the page of every method that has a record."""
    found: dict[str, list[Run]] = defaultdict(list)
    for table in tables:
        for entry in table.entries:
            found[entry.record.method.partition("@")[0]].append(Run(entry, table))
    for name, runs in sorted(found.items()):
        yield addresses.method_page(name), _view(name, runs)


def _view(name: str, runs: Sequence[Run]) -> dict[str, Any]:
    about = methods.info(name) if name in methods.names() else None
    return {
        "name": name,
        "about": about,
        "text": methods.description(name).split("\n\n") if about else [],
        "facts": _facts(about) if about else _told(runs),
        "runs": [_run(run) for run in runs],
        "plots": _plots(runs),
        "heat": _heat(runs),
        "page_of": addresses.entry_page,
        "track_of": addresses.track_page,
        "defined": anchor_of(1),  # the score shown is the one that ranks
    }


def _facts(about: methods.MethodInfo) -> list[tuple[str, str]]:
    return facts(
        {
            "source": about.source,
            "licence": about.licence,
            "reads": f"{about.domain}, {about.input} frame by default"
            if about.domain == "srgb"
            else about.domain,
            "trainable": about.trainable,
            "needs the exposure ratio": about.needs_ratio,
            "looks at the reference": about.reference_use if about.oracle else "no",
            "parameters, as published": about.parameters,
        }
    )


def _told(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Return what the newest record tells of a method whose program is not in the toolkit."""
    newest = max((run.entry for run in runs), key=lambda e: (e.record.created, e.copy))
    return facts(told_of_outside(newest.record))


def _run(run: Run) -> dict[str, Any]:
    first = run.table.columns[0]
    return {
        "entry": run.entry,
        "table": run.table,
        "name": run.entry.record.run_name,
        "trained_on": known(run.entry.record.trained_on),
        "score": run.entry.scores[first.metric, first.definition],
        "marks": [*marks(run.table), *own_marks(run.entry, run.table)],
    }


def _plots(runs: Sequence[Run]) -> list[tuple[Standing, Score, Columns, list[str]]]:
    """Return for each table the scores of every pair, a column a run."""
    found = []
    for table in dict.fromkeys(run.table.id for run in runs):
        those = [run for run in runs if run.table.id == table][:MOST_DRAWN]
        first = those[0].table.columns[0]
        plot = columns_of(
            [(str(number), run.entry.record.rows, run.entry.scores[first.metric, first.definition])
             for number, run in enumerate(those, start=1)]
        )  # fmt: skip
        if plot:
            names = [run.entry.record.run_name for run in those]
            found.append((those[0].table, first, plot, names))
    return found


def _heat(runs: Sequence[Run]) -> Heat | None:
    """Return how the method does on each track when trained on each dataset."""
    trained = [run for run in runs if run.entry.record.trained_on and not run.entry.record.partial]
    cells = [
        (
            known(run.entry.record.trained_on),
            run.table.title,
            run.entry.scores[run.table.columns[0].metric, run.table.columns[0].definition],
        )
        for run in trained
    ]
    return heat_map(cells)
