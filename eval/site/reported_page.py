"""What papers print beside what the kept records measured under the same roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from baselines import method as methods
from eval.pages.summary import Score
from eval.site import addresses
from eval.site.standings import Entry, Standing
from eval.studies import reported
from eval.studies.reported import Line, Reported


class Measured(NamedTuple):
    """A record that was made as a row of a table says, and where it is."""

    entry: Entry
    table: Standing
    scores: tuple[Score | None, ...]  # of the metrics of the paper's table

    @property
    def name(self) -> str:
        """The method and its label."""
        return self.entry.record.run_name

    @property
    def page(self) -> str:
        """Where the record is."""
        return addresses.entry_page(self.entry.copy)


def views(tables: Sequence[Standing]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the address and content of the page of every table of a paper."""
    entries = [(entry, table) for table in tables for entry in table.blind + table.oracle]
    protocols = {entry.record.dataset: entry.record.protocol for entry, _ in entries}
    for paper, address in titles():
        yield address, _view(paper, entries, protocols)


def titles() -> list[tuple[Reported, str]]:
    """Return the tables of papers that print numbers, and where their pages are."""
    papers = [reported.load(name) for name in reported.names()]
    printing = (paper for paper in papers if any(line.printed for line in paper.rows))
    return [(paper, addresses.reported_page(paper.name)) for paper in printing]


def _view(
    paper: Reported, entries: Sequence[tuple[Entry, Standing]], protocols: Mapping[str, str]
) -> dict[str, Any]:
    columns = paper.metrics or reported.TIMES
    rows = [
        {
            "line": line,
            "printed": [_text(line.printed.get(column)) for column in columns],
            "method": addresses.method_page(line.method),
            "measured": _measured(paper, line, entries, protocols),
            "parameters": methods.info(line.method).parameters,
        }
        for line in paper.rows
    ]
    shown = {entry.record.method.partition("@")[0] for entry, _ in entries}
    return {"paper": paper, "columns": columns, "rows": rows, "shown": shown}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _measured(
    paper: Reported,
    line: Line,
    entries: Sequence[tuple[Entry, Standing]],
    protocols: Mapping[str, str],
) -> list[Measured]:
    """Return the records of the row's method on data of its role, trained on data of its role."""
    if paper.kind != "scores":
        return []
    found = []
    for entry, table in entries:
        record = entry.record
        of = {score.metric: score for score in entry.scores.values()}
        trained = [protocols.get(one.partition("/")[0], "") for one in record.trained_on or ()]
        roles = paper.datasets[line.trained_on].protocols if line.trained_on else ()
        if (
            record.method == line.method
            and record.protocol in paper.datasets[line.dataset].protocols
            and bool(trained) == bool(roles)
            and all(protocol in roles for protocol in trained)
            and line.options.items() <= dict(record.options).items()
            and any(metric in of for metric in paper.metrics)
        ):
            scores = tuple(of.get(metric) for metric in paper.metrics)
            found.append(Measured(entry, table, scores))
    return found
