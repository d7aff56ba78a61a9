"""Trainings of a study: each is trained, scored and kept by itself; a stopped study goes on."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baselines.training.weights import CONFIG
from eval.record import Record
from eval.run import run
from eval.running.settings import Settings
from eval.statistics import mean_interval
from eval.training import train_method
from lldata.publish import write_replacing

Row = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One training by the preset quick, and the dataset whose test pairs it is scored on."""

    method: str
    trained_on: str
    scored_on: str
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)  # of the recipe

    @property
    def folder(self) -> str:
        """The name of what it leaves."""
        return f"{self.method}-{self.trained_on}-seed{self.seed}"


def arguments(about: str | None, name: str) -> argparse.ArgumentParser:
    """Return the flags every study takes; `name` is that of its figures and its page."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", type=json.loads, default={}, help="recipe values, JSON")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--figures", type=Path, default=Path(f"docs/benchmarks/{name}.json"))
    parser.add_argument("--page", type=Path, default=Path(f"docs/{name}.md"))
    return parser


def trained(trial: Trial, work: Path, device: str) -> Row:
    """Train and score, or take up what an earlier run left; return the row of a study."""
    folder = work / trial.folder
    weights = train_method(
        trial.method, trial.trained_on, seed=trial.seed, options=trial.options,
        device=device, resume=True, out=folder / "weights",
    )  # fmt: skip
    settings = Settings(
        trial.method, trial.scored_on, weights=weights, out=folder / "scores", device=device
    )
    return row_of(run(settings).record, weights)


def row_of(record: Record, weights: Path) -> Row:
    """Return the row of a study: how these weights were trained, and what they scored."""
    config = json.loads((weights / CONFIG).read_text("utf-8"))
    with (weights / "log.csv").open(encoding="utf-8") as file:
        seconds = float(list(csv.DictReader(file))[-1]["seconds"])
    return {
        "method": record.method, "trained_on": config["trained_on"], "scored_on": record.dataset,
        "seed": config["seed"], "parameters": config["parameters"], "steps": config["steps"],
        "recipe": config["recipe"], "device": config["device"], "threads": config["threads"],
        "training_s": round(seconds, 1), "weights_sha256": config["sha256"],
        "digests": [config["digest"], record.digest], "pairs": scored_pairs(record),
    }  # fmt: skip


def scored_pairs(record: Record) -> list[list[Any]]:
    """Return pair, group, psnr and ssim of each row."""
    return [[row.pair, row.group, row.scores["psnr"], row.scores["ssim"]] for row in record.rows]


def study(trials: Iterable[Trial], work: Path, device: str) -> Iterator[list[Row]]:
    """Yield the rows done so far, after each trial."""
    rows: list[Row] = []
    for trial in trials:
        rows.append(trained(trial, work, device))
        yield rows


def publish(path: Path, name: str, rows: Sequence[Row]) -> None:
    """Write the rows of a study as JSON, a line each."""
    lines = ",\n".join(json.dumps(row) for row in rows)
    write_replacing(path, f'{{"study": "{name}",\n"runs": [\n{lines}\n]}}\n'.encode())


def by_pair(rows: Sequence[Row], metric: str) -> dict[str, tuple[str, float]]:
    """Return pair -> group and mean score over the seeds, of rows of one kind."""
    column = {"psnr": 2, "ssim": 3}[metric]
    values: dict[str, list[float]] = {}
    groups: dict[str, str] = {}
    for row in rows:
        for pair in row["pairs"]:
            values.setdefault(pair[0], []).append(pair[column])
            groups[pair[0]] = pair[1]
    return {pair: (groups[pair], sum(v) / len(v)) for pair, v in values.items()}


def means(rows: Sequence[Row], metric: str) -> list[float]:
    """Return the mean over pairs of each row."""
    return [mean_interval(*_columns(by_pair([row], metric))).mean or 0.0 for row in rows]


def spread(rows: Sequence[Row], metric: str, digits: int = 2) -> str:
    """Return the mean over seeds and pairs, and of several seeds the least and greatest."""
    found = means(rows, metric)
    if len(found) == 1:
        return f"{found[0]:.{digits}f}"
    middle, low, high = sum(found) / len(found), min(found), max(found)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def difference(rows: Sequence[Row], others: Sequence[Row]) -> str:
    """Return the mean psnr of rows minus that of others on the pairs of both, with its interval."""
    a, b = by_pair(rows, "psnr"), by_pair(others, "psnr")
    paired = {pair: (group, value - b[pair][1]) for pair, (group, value) in a.items() if pair in b}
    found = mean_interval(*_columns(paired))
    if found.mean is None:
        return "none"
    if found.ci95 is None:
        return f"{found.mean:+.2f}"
    return f"{found.mean:+.2f} ({found.ci95[0]:+.2f} to {found.ci95[1]:+.2f})"


def _columns(pairs: Mapping[str, tuple[str, float]]) -> tuple[list[float], list[str]]:
    return [value for _, value in pairs.values()], [group for group, _ in pairs.values()]
