"""Train the networks by their preset quick on the data at hand; write figures, page and records.

    python -m tests.benchmarks.study_networks

The datasets are made before, by the commands on the page. What a stopped run has trained and scored
is taken up again. The record of each network on data that a shipped track pins is kept among the
shipped ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from eval import tracks
from eval.record import Record
from eval.run import run
from eval.running.settings import Settings
from eval.training import train_method
from lldata.console import counted
from lldata.store import open_store
from tests.benchmarks.classical_records import RECORDS
from tests.benchmarks.tables import markdown
from tests.benchmarks.trained_runs import (
    Row,
    arguments,
    difference,
    publish,
    row_of,
    scored_pairs,
    spread,
)


@dataclass(frozen=True)
class Place:
    """A dataset, what is trained on it, and what is scored beside it."""

    title: str
    made_by: tuple[str, ...]
    beside: tuple[str, ...]  # without training; the first is what all others are compared with
    networks: tuple[str, ...]
    split: str = "test"
    kept: tuple[str, ...] = ()  # shipped records of networks trained earlier by the same preset


PLACES = {
    "sid_sony_tiles": Place(
        "Real captures of a Sony α7S II, small tiles",
        ("lldata ingest TILES --protocol sid_sony --name sid_sony_tiles",),
        ("amplify", "scaled"),
        ("residual16", "residual32", "residual32_nose"),
        kept=("sid--sid_sony_tiles", "sid--sid_sony_tiles-seed1", "sid--sid_sony_tiles-seed2"),
    ),
    "dusk": Place(
        "Photographs darkened by the retinex generator: synthesised",
        ("lldata synthesize PHOTOGRAPHS dusk",),
        ("identity", "gamma", "retinex_inverse"),
        ("llnet", "retinex_residual"),
    ),
    "dusk_noisy": Place(
        "The same photographs with noise of at least 3/255 on each: synthesised",
        ("# noisy.toml: raise_retinex.toml with noise_sigma = [0.0118, 0.0392]",
         "lldata synthesize PHOTOGRAPHS dusk_noisy --protocol noisy.toml"),
        ("identity", "gamma", "retinex_inverse"),
        ("retinex_residual",),
    ),
    "dusk_gamma": Place(
        "The same photographs darkened by a power law of 2 to 5: synthesised",
        ("lldata synthesize PHOTOGRAPHS dusk_gamma --protocol raise_gamma",),
        ("identity", "gamma", "retinex_inverse"),
        ("retinex_residual",),
    ),
    "canon6d_simulated": Place(
        "Captures of a simulated Canon 6D",
        ("lldata simulate canon6d_iso12600 canon6d --scenes 60 --size 384x576",
         "lldata ingest canon6d --name canon6d_simulated"),
        ("amplify", "scaled"),
        ("sid", "residual16"),
    ),
    "xt2_simulated": Place(
        "Captures of a simulated Fujifilm X-T2",
        ("lldata simulate sid_fuji xt2 --scenes 40",
         "lldata ingest xt2 --name xt2_simulated"),
        ("amplify", "scaled"),
        ("residual32_xtrans_nearest", "residual32_xtrans_transposed", "sid"),
    ),
    "walk": Place(
        "Frames of a simulated clip against their hidden truth, trained on without pairs",
        ("lldata simulate uhr_clips walk --scenes 1 --size 512x768",
         "lldata ingest walk --name walk"),
        ("identity", "gamma"),
        ("cyclegan",),
        split="train",  # as the paper: on the very clip, whose truth no training sees
    ),
}  # fmt: skip


def main() -> None:
    """Run what is not done yet; figures and page are written after every run."""
    parser = arguments(__doc__, "networks")
    parser.set_defaults(seeds=1)
    parser.add_argument("--datasets", default=",".join(PLACES))
    parser.add_argument("--records", type=Path, default=RECORDS)
    asked = parser.parse_args()
    places = {name: PLACES[name] for name in asked.datasets.split(",")}
    rows: list[Row] = []
    for row in measured(places, asked):
        rows.append(row)
        publish(asked.figures, "networks", rows)
        asked.page.write_text(page({"runs": rows}), "utf-8")


def measured(places: dict[str, Place], asked: argparse.Namespace) -> Iterator[Row]:
    """Yield what needs no training first, then a network of each place, another of each, ..."""
    for name, place in places.items():
        for method in place.beside:
            yield _untrained(
                run(Settings(method, name, split=place.split, device=asked.device)).record
            )
        for file_name in place.kept:
            yield _untrained(Record.read(asked.records / name / f"{file_name}.json"))
    turns = list(zip_longest(*(place.networks for place in places.values())))
    for seed in range(asked.seeds):
        for turn in turns:
            for name, method in zip(places, turn, strict=True):
                if method is not None:
                    yield _trained(method, name, seed, asked)


def _untrained(record: Record) -> Row:
    """Return the row of a run whose training, if any, was not measured here."""
    return {
        "method": record.method, "scored_on": record.dataset, "seed": record.seed,
        "parameters": record.parameters, "steps": None, "training_s": None,
        "digests": [record.digest], "pairs": scored_pairs(record),
    }  # fmt: skip


def _trained(method: str, dataset: str, seed: int, asked: argparse.Namespace) -> Row:
    """Train by the preset quick, score, and keep the record where a track pins the data."""
    options: dict[str, Any] = {"precision": "bf16-mixed"} | asked.set  # thrice as fast
    weights = train_method(
        method, dataset, seed=seed, options=options, device=asked.device, resume=True
    )
    settings = Settings(
        method, dataset, split=PLACES[dataset].split, weights=weights, device=asked.device
    )
    record = run(settings).record
    if tracks.choose(open_store(dataset), record.split).pinned:
        record.write(asked.records / record.track / f"{record.file_name}.json")
    return row_of(record, weights)


def page(report: dict[str, list[Row]]) -> str:
    """Return the page, Markdown."""
    given = {row["recipe"]["precision"] for row in report["runs"] if row["steps"]}
    chosen = "".join(f" --set precision={precision}" for precision in sorted(given))
    parts = [_HEAD.format(chosen=chosen)]
    for name, place in PLACES.items():
        rows = [row for row in report["runs"] if row["scored_on"] == name]
        if not rows:
            continue
        pairs = rows[0]["pairs"]
        many = f"{counted(len(pairs), f'{place.split} pair')} of "
        many += counted(len({pair[1] for pair in pairs}), "group")
        commands = "\n".join(f"    {line}" for line in place.made_by)
        parts += [f"## {place.title}", f"`{name}`, {many}, made by", commands]
        parts.append(markdown(_table(rows, place)))
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Row], place: Place) -> list[list[object]]:
    of = {method: [row for row in rows if row["method"] == method]
          for method in dict.fromkeys(row["method"] for row in rows)}  # fmt: skip
    table: list[list[object]] = [[
        "method", "parameters", "steps", "training, s", "seeds", "PSNR, dB", "SSIM",
        f"PSNR over `{place.beside[0]}`, dB",
    ]]  # fmt: skip
    for method, found in of.items():
        first = found[0]
        seconds = [row["training_s"] for row in found if row["training_s"] is not None]
        table.append([
            f"`{method}`", f"{first['parameters']:,}" if first["parameters"] else "none",
            first["steps"] or "", f"{sum(seconds) / len(seconds):.0f}" if seconds else "",
            len(found) if first["parameters"] else "", spread(found, "psnr"),
            spread(found, "ssim", 4),
            "0" if method == place.beside[0] else difference(found, of[place.beside[0]]),
        ])  # fmt: skip
    return table


_HEAD = """# Networks trained for minutes

Written by `python -m tests.benchmarks.study_networks` from `docs/benchmarks/networks.json`; no
figure is typed by hand.

Each network is trained by its preset `quick`, `lleval train --model M --dataset D{chosen}`,
on the train pairs of one dataset and scored on its test pairs (a clip: on itself), beside methods
that need no training. A `quick` network may be narrower than the paper's: the parameters are those
of what was trained. These are not the papers' figures; nothing here was trained as long as a paper
trains. PSNR and SSIM are means over pairs and seeds, in brackets the least and the greatest of the
seeds. The difference is taken pair by pair, with a 95 % interval over groups where there are at
least five of them. The seconds are those that passed, whatever else the machine did. `scaled` sees
the reference: an oracle. SID's rows on the tiles are the shipped records, trained in full
precision. Of the ten test pictures of `dusk` one has almost no noise and is a gamma curve nearly
exactly: it decides the mean of `gamma`. `dusk_noisy` was added after that was seen."""


if __name__ == "__main__":
    main()
