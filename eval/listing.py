"""What there is to choose from: methods, metrics, tracks and records, as plain rows."""

from __future__ import annotations

import inspect
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from baselines import method as methods
from eval import metrics as scores
from eval import tracks as known_tracks
from eval.running.folder import RECORD
from eval.site.addresses import COPIES, DATA
from eval.studies.sweep import RECORD as SWEEP
from lldata.errors import MethodError, ScoreError
from lldata.store import home

MEANINGS_OF_MODELS = (
    "domain: what a method is given, raw planes, a rendered picture (srgb) or a clip",
    "reference use: what it takes from the reference; unless none it is an oracle",
    "lleval models NAME: one method with its options",
)


def models() -> list[dict[str, Any]]:
    """Return a row for each method, also for those whose extra is not installed."""
    return [_row(methods.info(name)) for name in methods.names()]


def model(name: str) -> dict[str, Any]:
    """Return what one method is and, where its extra is installed, its options.

    Raises
    ------
    MethodError
        If there is no such method.
    """
    info = methods.info(name)
    facts = {
        **_row(info),
        "title": info.title,
        "input": info.input,
        "needs_ratio": info.needs_ratio,
        "source": info.source,
        "licence": info.licence,
    }
    try:
        module = methods.module(name)
    except MethodError as error:
        return {**facts, "options": None, "meanings": None, "missing": str(error)}
    options = inspect.signature(module.build).parameters.values()
    said = meanings(inspect.getdoc(module.build) or "")
    return {
        **facts,
        "options": {option.name: option.default for option in options},
        "meanings": {option.name: said.get(option.name) for option in options},
    }


def meanings(docstring: str) -> dict[str, str]:
    """Return what the section Parameters of a docstring says of each name."""
    _, _, section = docstring.partition("Parameters\n----------\n")
    section = section.partition("\n\n")[0]
    said = {}
    for entry in re.split(r"\n(?=\S)", section):
        keys, colon, text = entry.partition(" : ")
        if colon:
            said.update({key.strip(): " ".join(text.split()) for key in keys.split(",")})
    return said


def _row(info: methods.MethodInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "domain": info.domain,
        "trainable": info.trainable,
        "reference_use": info.reference_use,
        "parameters": info.parameters,
    }


def metrics() -> list[dict[str, Any]]:
    """Return a row for each own metric; those of pyiqa are named pyiqa:NAME."""
    return [
        {
            "name": metric.name,
            "title": metric.title,
            "unit": metric.unit,
            "better": metric.better,
            "reads": list(metric.reads),
            "definition": metric.definition,
        }
        for metric in scores.metrics().values()
    ]


def tracks() -> list[dict[str, Any]]:
    """Return a row for each shipped track."""
    found = [known_tracks.load(name) for name in known_tracks.names()]
    return [{**vars(track), "pairs": vars(track.pairs)} for track in found]


def record_paths(folder: Path | None = None) -> list[Path]:
    """Return the records to publish: the shipped ones, and those in a folder.

    Those are record.json of a run and METHOD--LABEL.json, but no copies a page keeps of them.

    Parameters
    ----------
    folder : searched to any depth; default `$LLDATA_HOME/.runs`

    Raises
    ------
    ScoreError
        If a folder was named and there is none.
    """
    if folder is not None and not folder.is_dir():
        raise ScoreError(
            f"--records {folder}", "there is no such folder", "records are read from one",
            "Correct the path",
        )  # fmt: skip
    shipped = Path(str(files("leaderboard"))) / "records"
    own = home() / ".runs" if folder is None else folder
    found = (path for path in own.rglob("*.json") if path.name == RECORD or "--" in path.stem)
    named = sorted(path for path in found if not _is_row(path) and not _is_copy(path))
    return sorted(shipped.glob("*/*.json")) + named


def sweep_paths(folder: Path | None = None) -> list[Path]:
    """Return the sweeps to publish: in `folder`, default `$LLDATA_HOME/.studies`."""
    own = home() / ".studies" if folder is None else folder
    return sorted(own.rglob(SWEEP))


def _is_row(path: Path) -> bool:
    """Whether a file is the kept result of a pair: RUN/pairs/SCENE/SHORT.json."""
    rows = path.parent.parent
    return rows.name == "pairs" and (rows.parent / "outputs").is_dir()


def _is_copy(path: Path) -> bool:
    """Whether a file is the copy of a record that a leaderboard page keeps."""
    page = path.parent.parent
    return path.parent.name == COPIES and (page / DATA).is_file()
