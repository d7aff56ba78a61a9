"""Train SID at four depths by one recipe, three seeds each; write the figures and their page.

    python -m tests.benchmarks.study_depth --dataset sid_sony_tiles

The dataset must be ingested. What a stopped run has trained and scored is taken up again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lldata.store import home
from tests.benchmarks.tables import markdown
from tests.benchmarks.trained_runs import Row, Trial, arguments, difference, publish, spread, study

LEVELS = {"sid_minus2": 3, "sid_minus1": 4, "sid": 5, "sid_plus1": 6}
PRINTED_DB = {"sid_minus2": 12.47, "sid_minus1": 12.36, "sid": 24.93, "sid_plus1": 12.40}


def main() -> None:
    """Run what is not done yet; figures and page are written after every training."""
    parser = arguments(__doc__, "depth")
    parser.add_argument("--dataset", default="sid_sony_tiles")
    parser.add_argument("--work", type=Path, help="default $LLDATA_HOME/.runs/.depth")
    asked = parser.parse_args()
    work = asked.work or home() / ".runs" / ".depth"
    for rows in study(trials(asked.dataset, asked.seeds, asked.set), work, asked.device):
        publish(asked.figures, "depth", rows)
        asked.page.write_text(page({"runs": rows}), "utf-8")


def trials(dataset: str, seeds: int, options: dict[str, Any]) -> list[Trial]:
    """Return every training: all depths of one seed before the next seed."""
    return [Trial(m, dataset, dataset, s, options) for s in range(seeds) for m in LEVELS]


def page(report: dict[str, Any]) -> str:
    """Return the page, Markdown."""
    rows: list[Row] = report["runs"]
    depths = {method: [row for row in rows if row["method"] == method] for method in LEVELS}
    first, recipe = rows[0], rows[0]["recipe"]
    seeds = sorted({row["seed"] for row in rows})
    head = _HEAD.format(
        steps=first["steps"], batch=recipe["batch"], crop=recipe["crop"],
        rate=recipe["learning_rate"], dataset=first["trained_on"], pairs=len(first["pairs"]),
        groups=len({pair[1] for pair in first["pairs"]}), seeds=len(seeds),
        width=recipe["width"], precision=recipe["precision"],
    )  # fmt: skip
    return "\n\n".join([head, markdown(_table(depths)), _TAIL]) + "\n"


def _table(depths: dict[str, list[Row]]) -> list[list[object]]:
    table: list[list[object]] = [[
        "method", "levels", "parameters", "PSNR, dB", "SSIM", "PSNR over `sid`, dB", "training, s",
        "seeds", "printed for the Canon 6D, dB",
    ]]  # fmt: skip
    for method, rows in depths.items():
        if not rows:
            table.append([method, LEVELS[method], *["not run"] * 6, PRINTED_DB[method]])
            continue
        table.append([
            method, LEVELS[method], f"{rows[0]['parameters']:,}", spread(rows, "psnr"),
            spread(rows, "ssim", 4), difference(rows, depths["sid"]) if method != "sid" else "0",
            f"{sum(row['training_s'] for row in rows) / len(rows):.0f}", len(rows),
            f"{PRINTED_DB[method]:.2f}",
        ])  # fmt: skip
    return table


_HEAD = """# SID at four depths

Written by `python -m tests.benchmarks.study_depth` from `docs/benchmarks/depth.json`; no figure is
typed by hand but those of the last column.

One recipe for all: {steps} steps of {batch} crops of {crop}x{crop} packed pixels, Adam, learning
rate {rate:g} falling to 0 on a cosine, {width} planes at the finest level, in {precision}, trained
on the train pairs of `{dataset}` and scored on its {pairs} test pairs ({groups} places). {seeds}
seeds: of the first weights and of every crop. PSNR and SSIM are means over pairs and seeds, in
brackets the least and the greatest of the seeds. The difference from `sid` is taken pair by pair,
with a 95 % interval over places where there are at least five of them. The seconds of a training
are those that passed, whatever else the machine did."""

_TAIL = """The last column is what "A Study on the Generalization of Deep Learning Approaches to
Low-Light Imaging Enhancements" prints for its own Canon 6D pictures, four networks trained by one
recipe on 53 scenes. Networks of 0.47 to 31 million weights within 0.11 dB of each other, and all
of them 12.5 dB below the one between: its authors suspect improper training themselves. Other
pictures are scored there, so that only the differences within a column can be compared."""


if __name__ == "__main__":
    main()
