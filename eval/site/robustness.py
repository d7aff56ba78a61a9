"""What the methods of a table lose when their input is not what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from eval.pages import page
from eval.pages.summary import Score
from eval.site import addresses
from eval.site.charts import Curve, Curves, Method, curves
from eval.site.standings import Standing
from eval.studies.sweep import Sweep, Swept


class Robustness(NamedTuple):
    """One way in which an input can be wrong: a line for each method, and what a unit costs it."""

    title: str
    unit: str
    plot: Curves
    slopes: tuple[tuple[str, str, str], ...]  # method, mean change for a unit, its interval


def robustness(table: Standing, sweeps: Iterable[Sweep]) -> list[Robustness]:
    """Return the curves of the sweeps that were made on the data of `table`, an axis each."""
    own = sorted((s for s in sweeps if _fits(s, table)), key=lambda s: _order(s, table))
    axes = dict.fromkeys(
        (swept.name, swept.axis.title, swept.axis.unit) for s in own for swept in s.axes
    )
    found = []
    for name, title, unit in axes:
        lines = [(s, swept) for s in own for swept in s.axes if swept.name == name]
        drawn = _drawn(table, lines)
        if drawn is not None:
            slopes = tuple(_slope(table, s, swept) for s, swept in lines)
            found.append(Robustness(title, unit, drawn, slopes))
    return found


def _fits(sweep: Sweep, table: Standing) -> bool:
    record, place = sweep.record, table.place
    use = record.metrics.get(place.metric)
    return (
        (record.track, record.digest, record.reference_digest)
        == (place.track, place.digest, place.reference_digest)
        and use is not None
        and use.definition == place.definition
        and record.pairs_sha256 == place.pairs_sha256
    )


def _order(sweep: Sweep, table: Standing) -> tuple[int, str, str]:
    """Return a sort key: as the table stands, what is not in it last."""
    number = next((i for i, e in enumerate(table.entries) if _same(sweep, e.record)), 10**6)
    return number, sweep.record.file_name, str(sweep.record.seed)


def _same(sweep: Sweep, record: object) -> bool:
    fields = ("method", "label", "options", "weights_sha256", "seed")
    return all(getattr(sweep.record, name) == getattr(record, name) for name in fields)


def _drawn(table: Standing, lines: Sequence[tuple[Sweep, Swept]]) -> Curves | None:
    steps = sorted({step.step for _, swept in lines for step in swept.steps})
    found = []
    for sweep, swept in lines:
        entry = next((e for e in table.entries if _same(sweep, e.record)), None)
        key = addresses.key_of(entry.copy) if entry else ""
        means = {step.step: step.found(table.place.metric).mean for step in swept.steps}
        method = Method(key, sweep.record.run_name, sweep.record.oracle)
        found.append(Curve(method, tuple(means.get(step) for step in steps)))
    return curves([page.plain(step).replace("-", "−") for step in steps], found)


def _slope(table: Standing, sweep: Sweep, swept: Swept) -> tuple[str, str, str]:
    metric = table.place.metric
    use = sweep.record.metrics[metric]
    score = Score(metric, use.unit, use.better, use.definition, swept.slope(metric))
    return sweep.record.run_name, page.score(score.mean, use.unit), score.range_text
