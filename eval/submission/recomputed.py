"""The scores of a submission made again from its pictures, each pair in a disposable process."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from eval.metrics import find_metrics
from eval.progress import Progress
from eval.record import Record
from eval.running.clip_pairs import Scored
from eval.submission.bundle import Bundle
from eval.submission.entries import Entry, rivals
from eval.submission.likeness import LIKE
from eval.submission.pixels import Files, Judged, Task, judge
from eval.submission.submit import frames_of, members
from eval.verification.findings import Finding, first_of, judged
from eval.verification.recompute import Difference, differences, exact
from lldata.console import counted
from lldata.engine import GIBIBYTE, Local, Unit, run_units
from lldata.errors import LowLightError
from lldata.store import Store

TIMEOUT_S = 600.0  # of one pair
MEMORY_BYTES = 8 * GIBIBYTE  # address space of the process that decodes
MOST_ALIKE = 0.9  # share of pairs that may be as near to another entry's as copies are


def recomputed(
    bundle: Bundle, store: Store, entries: Sequence[Entry], progress: Progress
) -> tuple[list[Finding], list[Difference]]:
    """Score every picture of a bundle, and compare it with its reference and other entries.

    Parameters
    ----------
    entries : of the leaderboard; those on the same data whose bundles are kept are compared
    progress : label and number of pairs -> context giving a function to call after each pair
    """
    record = bundle.record
    metrics = find_metrics(list(record.metrics))
    floats = [metric.name for metric in metrics if not exact(metric)]
    if floats:
        return [Finding("scores", "fail", f"{floats[0]} does not follow from 8-bit pictures")], []
    against = [e for e in rivals(bundle, entries) if e.bundle is not None]
    units = (Unit(row.pair, judge, (row.pair, _task(bundle, store, row.pair, against)))
             for row in record.rows)  # fmt: skip
    made: dict[str, Judged] = {}
    lost: list[str] = []
    with progress(f"recomputing {record.file_name}", len(record.rows)) as advance:
        for unit, result in run_units(units, Local(1, TIMEOUT_S, MEMORY_BYTES)):
            if isinstance(result, LowLightError):
                lost.append(f"{unit.key}: {result}" if unit.key not in str(result) else str(result))
            elif isinstance(result, BaseException):
                raise result
            else:
                made[unit.key] = result
            advance()
    if lost:
        return [Finding("pictures", "fail", str(first_of(sorted(lost))))], []
    return _held(record, made, [e.name for e in against])


def _task(bundle: Bundle, store: Store, pair: str, against: Sequence[Entry]) -> Task:
    names = members(pair, frames_of(store, pair))

    def of(one: Bundle) -> Files:
        return tuple((name, one.manifest.files[name]) for name in names)

    others = [e.bundle for e in against if e.bundle is not None]
    there = [one for one in others if set(names) <= one.manifest.files.keys()]
    return Task(
        bundle.path, of(bundle), store.path, tuple(bundle.record.metrics), bundle.record.input,
        tuple((one.name, one.path, of(one)) for one in there),
    )  # fmt: skip


def _held(
    record: Record, made: Mapping[str, Judged], others: Sequence[str]
) -> tuple[list[Finding], list[Difference]]:
    found: list[Difference] = []
    wrong: list[str] = []
    for row in record.rows:
        one = made[row.pair]
        found += differences(row, Scored(dict(one.scores), one.identical, 0.0))
        if row.identical != one.identical or row.output_sha256 not in (None, one.output_sha256):
            wrong.append(f"the output of {row.pair} is not the one its row tells of")
    wrong = [one.text for one in found] + wrong
    near = [
        f"the output of {pair} is the reference itself" if math.isinf(one.to_reference)
        else f"the output of {pair} is {one.to_reference:.1f} dB from the reference, "
        "after the best gain and offset: as near as a copy"
        for pair, one in made.items()
        if one.to_reference is not None and one.to_reference >= LIKE
    ]  # fmt: skip
    said = f"{', '.join(record.metrics)} of {counted(len(record.rows), 'pair')} recomputed"
    return [
        judged("scores", first_of(wrong), said),
        judged("reference", first_of(sorted(near)), "no output is a copy of its reference"),
        judged("copies", first_of(list(_copies(made, others))), "no output is another entry's"),
    ], found


def _copies(made: Mapping[str, Judged], others: Sequence[str]) -> Iterator[str]:
    for name in others:
        near = [one.to_rivals.get(name, -math.inf) >= LIKE for one in made.values()]
        if sum(near) >= MOST_ALIKE * len(near):
            yield f"{sum(near)} of {counted(len(near), 'output')} are those of {name}"
