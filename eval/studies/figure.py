"""A figure of a paper as a contact sheet on the user's data or a substitute, named in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.running.pictures import encoded
from eval.studies import panels, sheet
from eval.studies.panels import Panel
from eval.studies.reported import Reported
from eval.studies.substitute import is_substitute
from lldata import publish
from lldata.console import to_json
from lldata.errors import ScoreError
from lldata.store import Store, home


@dataclass(frozen=True)
class Drawn:
    """A figure that was drawn."""

    rows: tuple[tuple[Panel, ...], ...]
    path: Path  # of the sheet, PNG
    data: Path  # of its panels' figures, JSON


def draw(
    table: Reported, stores: Mapping[str, Store], out: Path | None, device: str,
    tell: Callable[[str], None],
) -> Drawn:  # fmt: skip
    """Draw a figure and write figure.png and figure.json.

    Raises
    ------
    ScoreError
        If no method of it can be run.
    """
    store = next(iter(stores.values()))
    folder = out or home() / ".studies" / "figures" / table.name / store.name
    rows = panels.rows_of(table, store, folder, device, tell)
    made = [one for row in rows for one in row if one.method]
    if made and all(one.missing for one in made):
        raise ScoreError(
            f"reproduce {table.name}", "no method of it can be run", "one at least must",
            f"The first: {made[0].missing}",
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    picture, data = folder / "figure.png", folder / "figure.json"
    publish.write_replacing(picture, encoded(sheet.drawn(title(table, store), rows), ".png"))
    publish.write_replacing(data, (to_json(document(table, store, rows)) + "\n").encode())
    return Drawn(tuple(map(tuple, rows)), picture, data)


def title(table: Reported, store: Store) -> list[str]:
    """Return the lines over a sheet: the figure, and on which data it was made."""
    said = "real data" if not store.synthetic else "simulated data"
    if is_substitute(store):
        role = next(iter(table.datasets.values()))
        said = f"a simulated substitute for {role.title}"
    return [f"{table.title} ({table.where})", f"Made on {store.name}: {said}; not the paper's."]


def document(table: Reported, store: Store, rows: list[list[Panel]]) -> dict[str, Any]:
    """Return what is known of each panel, row by row."""
    return {
        "figure": table.name, "dataset": store.name, "simulated": bool(store.synthetic),
        "substitute": is_substitute(store), "digest": store.digest,
        "rows": [[facts(one) for one in row] for row in rows],
    }  # fmt: skip


def facts(one: Panel) -> dict[str, Any]:
    """Return a panel without its pixels."""
    return {
        "picture": one.picture, "label": one.label, "method": one.method or None,
        "mean": one.mean, "scores": dict(one.scores), "missing": one.missing,
        "training": one.training,
    }  # fmt: skip
