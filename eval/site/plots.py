"""The plots of one table: the score against each cost, and by exposure ratio and ISO."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.pages import page
from eval.pages.summary import Part
from eval.pages.words import image_seconds
from eval.record import Record
from eval.site import addresses
from eval.site.charts import Cost, Curve, Curves, Method, Priced, cost_plot, curves
from eval.site.standings import Entry, Standing

COSTS: Sequence[tuple[str, Callable[[Record], float | None], Callable[[float | None], str]]] = (
    ("seconds per image", image_seconds, page.seconds),
    ("operations per image", lambda record: record.flops, page.big),
    ("parameters", lambda record: record.parameters, page.count),
)


def _method(entry: Entry) -> Method:
    return Method(addresses.key_of(entry.copy), entry.record.run_name, entry.record.oracle)


def costs_of(table: Standing) -> list[tuple[str, Cost]]:
    """Return the plots of the score against each cost that two methods have."""
    first = table.columns[0]
    if first.better == "none":
        return []
    found = []
    for title, cost_of, said in COSTS:
        priced = []
        for entry in table.blind + table.oracle:
            score, cost = entry.scores[first.metric, first.definition], cost_of(entry.record)
            if score.mean is not None and cost:
                text = f"{page.score(score.mean, first.unit)} {first.unit}, {said(cost)}"
                priced.append(Priced(_method(entry), cost, score.mean, score.found.ci95, text))
        plot = cost_plot(priced, higher=first.better == "higher")
        if plot:
            found.append((title, plot))
    return found


def curves_of(table: Standing) -> list[tuple[str, Curves]]:
    """Return the lines by ratio and by ISO, of the metric that ranks."""
    entries = table.blind + table.oracle
    found = []
    for title, parts in (
        ("exposure ratio", [entry.by_ratio for entry in entries]),
        ("ISO", [entry.by_iso for entry in entries]),
    ):
        labels = list(dict.fromkeys(part.label for each in parts for part in each))
        lines = [
            Curve(_method(entry), _means(each, labels, table))
            for entry, each in zip(entries, parts, strict=True)
        ]
        plot = curves(labels, lines)
        if plot:
            found.append((title, plot))
    return found


def _means(
    parts: Sequence[Part], labels: Sequence[str], table: Standing
) -> tuple[float | None, ...]:
    metric = table.place.metric
    means = {p.label: s.mean for p in parts for s in p.scores if s.metric == metric}
    return tuple(means.get(label) for label in labels)
