"""How much a method loses when its input is not what it should be: the slope is its robustness."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from eval.pages.words import marks
from eval.progress import Progress, unseen
from eval.record import Record, Row
from eval.run import record_of, scored
from eval.running import disturbance
from eval.running.disturbance import Axis, Disturbance
from eval.running.folder import held
from eval.running.pairs import Finished
from eval.running.plan import Plan, cameras, make_plan
from eval.running.settings import Settings
from eval.statistics import Interval, mean_interval, of_rows
from eval.studies import curves
from lldata import publish
from lldata.console import to_json
from lldata.errors import ScoreError
from lldata.noise import calibration
from lldata.store import home
from lldata.upkeep import file_digest

FORMAT = 1
RECORD = "sweep.json"
UNDISTURBED = "undisturbed"


@dataclass(frozen=True)
class Step:
    """The scores of all pairs at one step of an axis."""

    step: float
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, step: float, finished: Sequence[Finished]) -> Self:
        """Return the step of scored pairs."""
        return cls(step, tuple(one.row for one in finished))

    def found(self, metric: str) -> Interval:
        """Return the mean of a metric, with its interval."""
        return of_rows(self.rows, metric)


@dataclass(frozen=True)
class Swept:
    """The steps of one axis, and what a unit of it costs."""

    name: str
    axis: Axis
    steps: tuple[Step, ...]

    def slope(self, metric: str) -> Interval:
        """Return the change of a score for each unit of disturbance, in either direction.

        Of each pair by least squares through its score undisturbed: sum |s| (score - score at 0)
        over sum s^2; then the mean over pairs, with its interval over groups.
        """
        plain = {row.pair: row for step in self.steps if step.step == 0 for row in step.rows}
        disturbed = [
            (abs(step.step), {row.pair: row.scores.get(metric) for row in step.rows})
            for step in self.steps if step.step != 0
        ]  # fmt: skip
        slopes, groups = [], []
        for pair, row in plain.items():
            found = [(distance, scores.get(pair)) for distance, scores in disturbed]
            rise = _rise(found, row.scores.get(metric))
            if rise is not None:
                slopes.append(rise)
                groups.append(row.group)
        return mean_interval(slopes, groups)


@dataclass(frozen=True)
class Sweep:
    """A method swept along some axes."""

    record: Record  # of the undisturbed input
    axes: tuple[Swept, ...]
    path: Path
    plots: tuple[Path, ...]


def sweep(
    settings: Settings,
    names: Sequence[str] = (),
    *,
    tell: Callable[[str], None] = lambda _: None,
    progress: Progress = unseen,
) -> Sweep:
    """Score a method at every step of some axes and write sweep.json and a plot of each axis.

    Finished pairs of every step are kept: an interrupted sweep goes on where it stopped.

    Parameters
    ----------
    settings : as of a run
    names : of the axes; empty: all of the dataset's kind

    Raises
    ------
    LowLightError
        If an axis is not one of the dataset's kind, or whatever a run refuses.
    """
    plan = make_plan(settings, tell)
    known = disturbance.axes(plan.store.kind)
    chosen = _chosen(names, known, plan)
    folder = settings.out or _folder(plan)
    with held(folder):
        plain = _step(plan, folder, None, progress)
        record = record_of(plan, plain)
        swept = []
        for name in chosen:
            own = _calibrated(plan) if name == "read_noise" else plan
            finished = {
                step: _step(own, folder, Disturbance(name, step), progress) if step else plain
                for step in known[name].steps
            }
            steps = tuple(Step.of(step, found) for step, found in finished.items())
            swept.append(Swept(name, known[name], steps))
        return _written(record, swept, folder)


def _chosen(names: Sequence[str], known: Mapping[str, Axis], plan: Plan) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise ScoreError(
                f"--axis {name}", f"{plan.store.name} cannot be disturbed so",
                f"its axes are {', '.join(known)}", "Choose among them, or leave --axis out",
            )  # fmt: skip
    return tuple(dict.fromkeys(names)) or tuple(known)


def _folder(plan: Plan) -> Path:
    return home() / ".studies" / "sweeps" / plan.track.name / plan.job.folder.name


def _calibrated(plan: Plan) -> Plan:
    """Return a plan whose pairs are done anew once the user calibrates one of their cameras."""
    rows = plan.store.pairs[plan.store.pairs["pair"].isin(plan.pairs)]
    paths = {calibration.default_path(camera) for camera in cameras(plan.store, rows)}
    own = "".join(f" {file_digest(path)}" for path in sorted(paths) if path.is_file())
    return replace(plan, job=replace(plan.job, fingerprint=plan.job.fingerprint + own))


def _job_plan(plan: Plan, folder: Path, by: Disturbance | None) -> Plan:
    """Return the plan of one step: the same pairs under another fingerprint and folder."""
    place = folder / (UNDISTURBED if by is None else f"{by.axis}/{by.step:g}")
    told = f"{plan.job.fingerprint} {by}"
    fingerprint = hashlib.sha256(told.encode()).hexdigest()
    clips = plan.store.kind == "clips"  # of which flicker is scored on the frames kept
    job = replace(
        plan.job, folder=place, fingerprint=fingerprint, disturbance=by, pictures=clips
    )  # fmt: skip
    return replace(plan, job=job)


def _step(plan: Plan, folder: Path, by: Disturbance | None, progress: Progress) -> list[Finished]:
    step = "undisturbed" if by is None else f"{by.axis} {by.step:g}"
    found = scored(
        _job_plan(plan, folder, by), lambda label, total: progress(f"{label}, {step}", total)
    )
    return sorted(found, key=lambda one: one.row.pair)


def _rise(found: Sequence[tuple[float, float | None]], plain: float | None) -> float | None:
    """Return the slope of one pair, None where one of its scores is not known.

    Parameters
    ----------
    found : distance of each step from 0, and the score there
    plain : the score at 0
    """
    if plain is None or not found or any(score is None for _, score in found):
        return None
    lost = [(step, score - plain) for step, score in found if score is not None]
    return sum(s * change for s, change in lost) / sum(s * s for s, _ in lost)


def _written(record: Record, swept: Sequence[Swept], folder: Path) -> Sweep:
    plots = []
    metric, use = next(iter(record.metrics.items()))
    words = [f"{metric}, {use.unit}".rstrip(", "), *(mark.text for mark in marks(record))]
    for one in swept:
        path = folder / f"{one.name}.svg"
        points = [(step.step, step.found(metric)) for step in one.steps]
        title = f"{record.method} ({record.label}) on {record.track}"
        along = f"{one.axis.title}, {one.axis.unit}"
        publish.write_replacing(path, curves.drawn(title, along, "; ".join(words), points).encode())
        plots.append(path)
    document = {
        "format": FORMAT,
        "record": record.document(),
        "axes": [_kept(one) for one in swept],
    }
    path = folder / RECORD
    publish.write_replacing(path, (to_json(document) + "\n").encode())
    return Sweep(record, tuple(swept), path, tuple(plots))


def _kept(one: Swept) -> dict[str, Any]:
    steps = [{"step": step.step, "rows": [vars(row) for row in step.rows]} for step in one.steps]
    return {"axis": one.name, "title": one.axis.title, "unit": one.axis.unit, "steps": steps}
