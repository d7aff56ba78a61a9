"""The finished weights under $LLDATA_HOME/.weights: what each was trained on, and how well."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eval.strict_json import file_content, strict_object
from eval.typed import checked
from lldata.errors import ScoreError
from lldata.store import home
from lldata.upkeep import file_digest

_CONFIG, _MODEL, _LOG = "config.json", "model.safetensors", "log.csv"
# field -> key of the config
_SAID = {name: name for name in ("method", "preset", "seed", "steps", "sha256")} | {
    "dataset": "trained_on"
}


@dataclass(frozen=True)
class Weights:
    """A finished training."""

    method: str
    dataset: str  # trained on
    preset: str
    seed: int
    steps: int
    sha256: str  # of model.safetensors, as the training wrote it
    validation_psnr: float | None = None  # dB, of these very weights; None: not scored
    date: str = ""  # ISO 8601, UTC, when it was finished
    path: Path = Path()


def finished(tell: Callable[[str], None] = lambda _: None) -> list[Weights]:
    """Return the finished weights, of each method and dataset the newest first.

    Parameters
    ----------
    tell : gets a line for each folder whose config cannot be read, or which lacks its weights
    """
    found = []
    for config in sorted((home() / ".weights").glob(f"*/*/*/{_CONFIG}")):
        try:
            found.append(_read(config))
        except ScoreError as error:
            tell(f"left out: {error}")
    newest = sorted(found, key=lambda one: one.date, reverse=True)
    return sorted(newest, key=lambda one: (one.method, one.dataset))


def _read(config: Path) -> Weights:
    document = strict_object(config, file_content(config))
    said = {name: document[key] for name, key in _SAID.items() if key in document}
    checked(Weights, said, str(config), "Copy or train the weights again")
    if not config.with_name(_MODEL).is_file():
        raise ScoreError(
            config, f"there is no {_MODEL} beside it", "finished weights have both",
            "Copy or train the weights again",
        )  # fmt: skip
    date = datetime.fromtimestamp(config.stat().st_mtime, UTC).isoformat(timespec="seconds")
    facts: dict[str, Any] = {"date": date, "validation_psnr": _psnr(config.with_name(_LOG))}
    return Weights(**said, **facts, path=config.parent)


def _psnr(log: Path) -> float | None:
    """Return the validation psnr of the last row of a training's log, dB."""
    try:
        *_, last = csv.DictReader(log.read_text(encoding="utf-8").splitlines())
        return float(last["val_psnr"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def files_of(sha256: str) -> Iterator[Path]:
    """Yield the weight files under the home folder whose content has this hash."""
    for path in sorted((home() / ".weights").glob("*/*/*/*.safetensors")):
        if file_digest(path) == sha256:
            yield path
