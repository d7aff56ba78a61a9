"""Run a method on a track: scores of every pair, a record, pictures and a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from eval.machine import one_algebra_thread, software
from eval.progress import Progress, unseen
from eval.random_light import Size, sample_for
from eval.record import MetricUse, Record, pairs_sha256
from eval.report import write_report
from eval.rows import rows_csv
from eval.running.conditions import Conditions, distinct, hardware_of
from eval.running.elsewhere import scored_elsewhere
from eval.running.folder import RECORD, TABLE, check_same_run, held
from eval.running.outside_plan import OutsidePlan, as_told, plan_outside
from eval.running.overlapped import overlapped, timed
from eval.running.pairs import Finished, kept, score_pair, sharing
from eval.running.plan import Plan, make_plan
from eval.running.settings import Settings
from eval.running.trained import trained_on
from lldata import publish
from lldata.sample import pair_row
from lldata.store import Store

__all__ = ["Outcome", "Settings", "record_of", "run", "scored"]


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    record: Record
    record_path: Path
    report_path: Path


def run(
    settings: Settings,
    *,
    tell: Callable[[str], None] = lambda _: None,
    progress: Progress = unseen,
) -> Outcome:
    """Run a method on a track and write record.json, rows.csv, outputs, pictures and a report.

    Finished pairs are kept: an interrupted run goes on where it stopped. A clip is one pair: one
    that was interrupted begins anew.

    Parameters
    ----------
    settings : method, dataset and the rest of the flags
    tell : gets each line the user should know of before the work
    progress : label and number of pairs -> context giving a function to call after each pair

    Raises
    ------
    LowLightError
        Whatever is missing is named before any work starts, and a folder that is another run's.
    """
    outside = settings.outputs is not None
    plan = plan_outside(settings, tell) if outside else make_plan(settings, tell)
    folder = plan.job.folder
    with held(folder):
        if settings.out is not None:  # any other folder is this run's own
            names = {"method": plan.settings.method, "label": plan.label, "track": plan.track.name}
            check_same_run(folder, names)
        finished = sorted(scored(plan, progress), key=lambda one: one.row.pair)
        record = record_of(plan, finished)
        del finished  # but for their rows
        if isinstance(plan, OutsidePlan):
            record = as_told(record, plan.told)
        publish.write_replacing(folder / TABLE, map(str.encode, rows_csv(record)))
        path = record.write(folder / RECORD)
        return Outcome(record, path, write_report(record, folder))


def scored(plan: Plan, progress: Progress) -> Iterator[Finished]:
    """Yield every pair, those of an earlier run first, in whatever order they end."""
    yield from sharing(_scored(plan, progress))


def _scored(plan: Plan, progress: Progress) -> Iterator[Finished]:
    left = []
    with progress(f"{plan.settings.method} on {plan.store.name}", len(plan.pairs)) as advance:
        for pair in plan.pairs:
            earlier = kept(plan.job, pair)
            if earlier is None:
                left.append(pair)
            else:
                advance()
                yield earlier
        for finished in _work(plan, left):
            advance()
            yield finished


def _work(plan: Plan, pairs: list[str]) -> Iterator[Finished]:
    if plan.engine is not None:
        yield from scored_elsewhere(plan.job, plan.method, pairs, plan.engine)
        return
    with one_algebra_thread():  # as there
        if plan.store.kind == "clips":
            yield from (score_pair(plan.job, pair) for pair in pairs)
        else:
            yield from overlapped(plan.job, pairs, timed(plan.pairs))


def record_of(plan: Plan, finished: list[Finished]) -> Record:
    """Return the record of a plan's pairs, as they are sorted."""
    settings, store, info, config = plan.settings, plan.store, plan.info, plan.config
    conditions = distinct(one.conditions for one in finished)
    peaks = [one.peak_memory_bytes for one in finished if one.peak_memory_bytes]
    flops, size = _flops(plan)
    return Record(
        track=plan.track.name,
        dataset=store.name,
        protocol=store.protocol,
        split=plan.track.split,
        method=settings.method,
        label=plan.label,
        options=plan.options,
        domain=info.domain,
        input=info.input if info.domain == "srgb" else None,
        reference_use=info.reference_use,
        metrics={m.name: MetricUse(m.definition, m.unit, m.better) for m in plan.metrics},
        digest=store.digest,
        reference_digest=store.reference_digest,
        synthetic=bool(store.synthetic),
        distinct_sources=store.distinct_sources,
        pairs_sha256=pairs_sha256(plan.pairs),
        weights_sha256=config.get("sha256"),
        trained_on=trained_on(config),
        trained_on_digest=config.get("digest"),
        seed=int(config.get("seed", settings.seed)),
        software=software(),
        hardware=hardware_of(conditions),
        timing=_timing(plan, finished, conditions[0]) | size,
        parameters=getattr(plan.method, "parameters", None),
        flops=flops,
        peak_memory_bytes=max(peaks, default=None),
        level="rerun",
        partial=plan.partial,
        created=max(one.created for one in finished),
        rows=tuple(one.row for one in finished),
    )


def _flops(plan: Plan) -> tuple[int | None, dict[str, str]]:
    """Return the operations a network takes for a frame, and of what size that is.

    None for classical methods, and for those that are fitted to each picture.
    """
    if not hasattr(plan.method, "network"):
        return None, {}
    from eval.flops import flops_of  # needs torch, which classical methods do without

    height, width = _frame_size(plan.store, plan.pairs[0])
    return flops_of(plan.method, sample_for(plan.method, (height, width))), {
        "flops_size": f"{height}x{width}"
    }


def _frame_size(store: Store, pair: str) -> Size:
    """Return the height and width of a pair's frame, px, reading no pixels."""
    row = pair_row(store, pair)
    if store.kind == "clips":
        return store.clip_shape(row.scene, row.short)[1:]
    return store.shape(row.scene, row.short, "low" if store.kind == "pictures" else "short")


def _timing(
    plan: Plan, finished: list[Finished], conditions: Conditions
) -> dict[str, float | int | str | bool | None]:
    """Return the median seconds of a picture or, of clips, of a frame under one of the conditions.

    The first pair of each process is left out where others are.
    """
    timed = [one for one in finished if one.conditions == conditions]
    seconds = [one.row.seconds for one in timed if one.warm and one.row.seconds is not None]
    warm = bool(seconds)
    seconds = seconds or [one.row.seconds for one in timed if one.row.seconds is not None]
    return {
        "median_s": median(seconds) if seconds else None,
        "pairs": len(seconds),
        "warm": warm,
        "synchronised": True,
        "rendering_included": plan.info.domain == "srgb",
        "alone": conditions.workers == 1,  # nothing was computed beside it by this run
        "workers": conditions.workers,
        "threads": conditions.threads,
    }
