"""Run beside what a paper prints: our figures of the same methods, under the same protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from baselines import method as methods
from eval.pages.summary import Score, scores_of
from eval.profile import Profile
from eval.progress import Progress, unseen
from eval.random_light import Size
from eval.run import run
from eval.running.settings import Settings, check_counts
from eval.running.trained import own_weights, train_command, training_of, weights_on
from eval.studies import reported, timing
from eval.studies.figure import Drawn, draw
from eval.studies.reported import Line, Reported, Selection
from eval.studies.substitute import assigned
from eval.tracks import Track
from lldata.errors import MethodError, ScoreError
from lldata.store import Store

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What `lleval reproduce` is told; its flags are these fields."""

    datasets: tuple[str, ...] = ()
    pairs: str | None = None  # which selection; None: the table's first
    limit: int | None = None
    size: Size | None = None  # of the frame that is timed; None: the paper's
    device: str = "auto"
    out: Path | None = None  # of a figure


@dataclass(frozen=True)
class Ours:
    """What became of one row."""

    line: Line
    scores: Mapping[str, Score] = field(default_factory=dict)
    record: Path | None = None
    cost: Profile | None = None
    operations: int | None = None  # for the frame of the paper, whatever size was timed
    missing: str | None = None  # why nothing was run
    training: str | None = None  # preset and steps of its weights


@dataclass(frozen=True)
class Reproduction:
    """A table of a paper with ours beside it."""

    table: Reported
    stores: Mapping[str, Store]
    selection: tuple[str, Selection] | None
    rows: tuple[Ours, ...]
    size: Size | None = None  # of the frame that was timed
    drawn: Drawn | None = None  # of a figure
    limit: int | None = None  # of the pairs of each row


def reproduce(
    name: str,
    asked: Asked,
    *,
    tell: Tell = lambda _: None,
    progress: Progress = unseen,
) -> Reproduction:
    """Run what a table of a paper is about; rows without weights say how to train them.

    Raises
    ------
    LowLightError
        If there is no such table, a dataset does not fit it, or no row at all can be shown.
    """
    check_counts(asked.limit)
    table = reported.load(name)
    if table.kind == "timing":
        return _timed(table, asked, tell)
    stores = assigned(table, asked.datasets, tell, progress)
    if table.kind == "figure":
        drawn = draw(table, stores, asked.out, asked.device, tell)
        return Reproduction(table, stores, None, (), drawn=drawn)
    selection = table.selection(asked.pairs)
    tracks = {role: selection[1].track(selection[0], store) for role, store in stores.items()}
    done: list[Ours] = []
    for line in table.rows:
        known = next((one for one in done if _same_run(one.line, line)), None)
        if known is not None:
            done.append(replace(known, line=line))
            continue
        try:
            weights = _weights(line, stores)
            settings = _settings(table, line, stores, tracks[line.dataset], asked)
            own = line.trained_on == line.dataset  # those a run takes by itself
            one = _scored(line, replace(settings, weights=None if own else weights), tell, progress)
            training = training_of(weights, line.method) if weights else None
            done.append(replace(one, training=training))
        except MethodError as error:
            done.append(Ours(line, missing=_why(line, stores, error)))
    _check_shown(table, done)
    return Reproduction(table, stores, selection, tuple(done), limit=asked.limit)


def _same_run(a: Line, b: Line) -> bool:
    return replace(a, label="", note="", printed={}) == replace(b, label="", note="", printed={})


def _weights(line: Line, stores: Mapping[str, Store]) -> Path | None:
    if not line.trained_on:
        return None
    return weights_on(line.method, stores[line.trained_on], line.options)


def _settings(
    table: Reported, line: Line, stores: Mapping[str, Store], track: Track, asked: Asked
) -> Settings:
    return Settings(
        line.method, stores[line.dataset].path, track=track, metrics=table.metrics,
        options=line.options, limit=asked.limit, device=asked.device,
    )  # fmt: skip


def _scored(line: Line, settings: Settings, tell: Tell, progress: Progress) -> Ours:
    done = run(settings, tell=tell, progress=progress)
    scores = {score.metric: score for score in scores_of(done.record)}
    return Ours(line, scores, done.record_path)


def _why(line: Line, stores: Mapping[str, Store], error: MethodError) -> str:
    """Return why a row is empty: the command that trains its weights, or what went wrong."""
    if line.trained_on and methods.info(line.method).trainable:
        store = stores[line.trained_on]
        try:
            untrained = own_weights(line.method, store) is None
        except MethodError:  # torch is missing, which `error` says
            untrained = False
        if untrained:
            return f"not trained: {train_command(line.method, store.name, store, line.options)}"
    return str(error)


def _check_shown(table: Reported, rows: Sequence[Ours]) -> None:
    if all(one.missing for one in rows):
        raise ScoreError(
            f"reproduce {table.name}", "no row of it can be shown",
            "one at least must run", f"The first: {rows[0].missing}",
        )  # fmt: skip


def _timed(table: Reported, asked: Asked, tell: Tell) -> Reproduction:
    size = asked.size or timing.frame_of(table)
    done = []
    for line in table.rows:
        tell(f"{line.method}: timing one frame of {size[0]}x{size[1]}")
        try:
            cost, operations = timing.measured(line.method, size, table, asked.device)
            done.append(Ours(line, cost=cost, operations=operations))
        except MethodError as error:
            done.append(Ours(line, missing=str(error)))
    _check_shown(table, done)
    return Reproduction(table, {}, None, tuple(done), size)
