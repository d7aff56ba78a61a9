"""Train sensor against test sensor: what a network loses on another camera than its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from baselines import method as methods
from baselines.training.weights import CONFIG, read_config
from eval.comparison import compare
from eval.pages import page
from eval.pages.summary import in_cells
from eval.pages.words import marks
from eval.progress import Progress, unseen
from eval.record import Record
from eval.run import run
from eval.running.settings import Settings
from eval.running.trained import weights_on
from eval.statistics import Interval, of_rows
from lldata.console import counted
from lldata.errors import MethodError, ScoreError
from lldata.sample import packed_shape
from lldata.store import Store, open_store

_CFAS = {4: "Bayer, 4 planes", 9: "X-Trans, 9 planes"}


@dataclass(frozen=True)
class Cell:
    """A method trained on one dataset and scored on one."""

    trained_on: str
    tested_on: str
    record: Record
    path: Path
    drops: Mapping[str, Interval]  # by metric, its score minus that of the one trained there

    @property
    def own(self) -> bool:
        """Whether it was trained on the sensor it is tested on."""
        return self.trained_on == self.tested_on

    def found(self, metric: str) -> Interval:
        """Return the mean of a metric, with its interval."""
        return of_rows(self.record.rows, metric)


def matrix(
    names: Sequence[str],
    settings: Settings,
    *,
    tell: Callable[[str], None] = lambda _: None,
    progress: Progress = unseen,
) -> list[Cell]:
    """Score a method trained on each of some datasets on each of them; write records as a run.

    Parameters
    ----------
    names : of the datasets
    settings : of every run; its dataset and weights are replaced

    Returns
    -------
    the cells, by what they were trained on, then by what they are scored on

    Raises
    ------
    LowLightError
        If there are fewer than two datasets, one lacks weights, or one cannot be read by a
        network of another, before anything is run; or whatever a run refuses.
    """
    stores = _stores(names)
    folders = {
        name: weights_on(settings.method, store, settings.options) for name, store in stores.items()
    }
    _check_fit(settings.method, stores, folders)
    once = cache(tell)  # what is said of a dataset, each of its runs says
    done = {
        (trained, tested): run(
            replace(settings, dataset=store.path,
                    weights=None if trained == tested else folders[trained]),
            tell=once, progress=partial(_named, progress, trained),
        )
        for trained in stores for tested, store in stores.items()
    }  # fmt: skip
    return [
        Cell(trained, tested, one.record, one.record_path,
             _drops(one.record, done[tested, tested].record))
        for (trained, tested), one in done.items()
    ]  # fmt: skip


def _named(
    progress: Progress, trained: str, label: str, total: int
) -> AbstractContextManager[Callable[[], None]]:
    """Show the progress of a run under what its network was trained on too."""
    return progress(f"{label}, trained on {trained}", total)


def _stores(names: Sequence[str]) -> dict[str, Store]:
    stores = {store.name: store for store in map(open_store, names)}
    if len(stores) < 2:
        raise ScoreError(
            f"--datasets {','.join(names)}", f"{len(stores)} dataset is named",
            "a matrix has two or more", "Name them with commas between: --datasets A,B",
        )  # fmt: skip
    return stores


def _check_fit(method: str, stores: Mapping[str, Store], folders: Mapping[str, Path]) -> None:
    """Refuse datasets that a network trained on another of them cannot read."""
    first, *others = stores.values()
    for store in others:
        if store.kind != first.kind:
            raise ScoreError(
                f"--datasets {first.name},{store.name}",
                f"{first.name} holds {first.kind}, {store.name} {store.kind}",
                "a network reads one kind of data", "Name datasets of one kind",
            )  # fmt: skip
        if first.kind == "raw" and _reads_mosaics(method, folders[first.name]):
            mine, theirs = _planes(first), _planes(store)
            if mine != theirs:
                raise MethodError(
                    f"--datasets {first.name},{store.name}",
                    f"{method} trained on {first.name} ({_CFAS[mine]}) cannot read {store.name} "
                    f"({_CFAS[theirs]})",
                    "both need one kind of CFA", "Name cameras of one kind of CFA",
                )  # fmt: skip


def _reads_mosaics(method: str, weights: Path) -> bool:
    """Whether weights read packed planes, not pictures that are rendered of them."""
    options = (read_config(weights / CONFIG, method) or {}).get("options") or {}
    read: Any = options.get("input", methods.info(method).domain)
    return bool(read == "raw")


def _planes(store: Store) -> int:
    return packed_shape(store, next(store.pairs.itertuples(index=False)))[0]


def _drops(record: Record, own: Record) -> dict[str, Interval]:
    """Return how far a record's scores lie from those of the network trained there."""
    if record == own:
        return {}
    found = {metric: compare([record, own], metric)[0] for metric in record.metrics}
    return {
        metric: Interval(one.difference, one.ci95, one.n, one.groups)
        for metric, one in found.items()
    }


Table = tuple[str, tuple[str, ...], list[tuple[object, ...]]]


def tables(cells: Sequence[Cell]) -> list[Table]:
    """Return title, heads and cells: the matrix of the first metric, then a table for each set."""
    record = cells[0].record
    first, unit = next((name, use.unit) for name, use in record.metrics.items())
    names = list(dict.fromkeys(cell.tested_on for cell in cells))
    grid = [
        (trained, *(_said(cell, first, unit) for cell in cells if cell.trained_on == trained))
        for trained in names
    ]
    title = f"{record.method}: {first}; in brackets against the network trained there"
    return [
        (title, ("trained on \\ tested on", *names), [*grid]),
        *(_column([cell for cell in cells if cell.tested_on == tested]) for tested in names),
    ]


def _column(column: Sequence[Cell]) -> Table:
    """Return the table of all scores on one dataset."""
    rows = [
        (cell.trained_on, metric, *in_cells(cell.found(metric), use.unit),
         *(in_cells(cell.drops[metric], use.unit) if cell.drops else (None, None)))
        for cell in column for metric, use in cell.record.metrics.items()
    ]  # fmt: skip
    pairs = counted(len(column[0].record.rows), "pair")
    heads = ("trained on", "score", "mean", "95 % interval", "against own", "95 % interval")
    return f"Tested on {column[0].tested_on}, {pairs}", heads, [*rows]


def notes(cells: Sequence[Cell]) -> list[str]:
    """Return what has to be known of each dataset's scores."""
    own = [cell for cell in cells if cell.own]
    return [
        f"{cell.tested_on}: {'; '.join(mark.text for mark in marks(cell.record))}"
        for cell in own if marks(cell.record)
    ]  # fmt: skip


def _said(cell: Cell, metric: str, unit: str) -> str:
    mean = page.score(cell.found(metric).mean, unit)
    drop = cell.drops.get(metric)
    return mean if drop is None else f"{mean} ({page.score(drop.mean, unit)})"


def document(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the matrix as plain values, as --json prints it."""
    return {
        "method": cells[0].record.method,
        "definitions": {name: use.definition for name, use in cells[0].record.metrics.items()},
        "cells": [
            {
                "trained_on": cell.trained_on, "tested_on": cell.tested_on,
                "simulated": cell.record.synthetic, "partial": cell.record.partial,
                "scores": {name: cell.found(name).plain() for name in cell.record.metrics},
                "drops": {name: drop.plain() for name, drop in cell.drops.items()} or None,
                "record": cell.path,
            }
            for cell in cells
        ],
    }  # fmt: skip
