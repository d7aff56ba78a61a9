"""Compare with the scores that the metrics' authors printed for their calibration pictures."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from eval.cross_check.check import Agreement, Status
from eval.images import rgb
from eval.metrics import find_metric, score_images
from eval.metrics.definition import Metric
from lldata.errors import ScoreError

SCORES = "official_scores.csv"
WHO = "authors' scores"
OURS = {"psnr": "psnr", "ssim": "ssim_gray", "ms_ssim": "ms_ssim", "entropy": "entropy"}
NEAR = {"niqe": 0.06}  # share of the printed score within which a port of another language lands
REPORTED = ("piqe", "brisque")

Pictures = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]


def check_official(folder: Path) -> Iterator[Agreement]:
    """Yield the printed scores of each picture beside ours.

    Parameters
    ----------
    folder : dist/NAME.bmp, ref/NAME.bmp and official_scores.csv: metric, NAME, NAME, ...; may
        hold parameter files of pyiqa

    Raises
    ------
    ScoreError
        If a picture or the table is not there or is malformed.
    """
    printed = _table(folder / SCORES)
    names = next(iter(printed.values()))
    pictures = {
        name: (rgb(folder / "dist" / f"{name}.bmp"), rgb(folder / "ref" / f"{name}.bmp"))
        for name in names
    }
    for row, name in OURS.items():
        if row in printed:
            yield from _to_the_digit(find_metric(name), printed[row], pictures)
    for row in (*NEAR, *REPORTED):
        if row in printed:
            yield from _through_pyiqa(row, printed[row], pictures, folder)


def _table(path: Path) -> dict[str, dict[str, str]]:
    """Return metric -> picture -> score as printed."""
    if not path.is_file():
        raise ScoreError(
            path, "there is no such file", "a table of printed scores is compared with",
            "Give --data a folder with dist/, ref/ and this table",
        )  # fmt: skip
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:  # notes are for people, and may hold commas
        found = {
            row["metric"]: {
                name: f"{text}" for name, text in row.items()
                if name not in (None, "metric", "note") and math.isfinite(float(text))
            }
            for row in rows
        }  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise ScoreError(
            path, f"it is no table of scores ({error})", "metric and one column a picture are read",
            "Correct it",
        ) from error  # fmt: skip
    if not found:
        raise ScoreError(path, "it is empty", "at least one metric is compared", "Correct it")
    return found


def _to_the_digit(
    metric: Metric, printed: Mapping[str, str], pictures: Pictures
) -> Iterator[Agreement]:
    for name, text in printed.items():
        ours, theirs = _score(metric, *pictures[name]), float(text)
        digits = len(text.partition(".")[2])
        status: Status = "pass" if f"{ours:.{digits}f}" == f"{theirs:.{digits}f}" else "fail"
        yield _agreement(metric, name, (ours, theirs), 0.5 * 10**-digits, status)


def _through_pyiqa(
    name: str, printed: Mapping[str, str], pictures: Pictures, folder: Path
) -> Iterator[Agreement]:
    from eval.metrics.pyiqa_scores import load_metric

    try:
        metric = load_metric(name, also=folder)
    except ScoreError as error:  # neither pyiqa nor its files need be here
        yield Agreement(
            f"pyiqa:{name}", None, WHO, 0, None, None, None, None, None, "unknown", str(error)
        )
        return
    for picture, text in printed.items():
        ours, theirs = _score(metric, *pictures[picture]), float(text)
        limit = abs(theirs) * NEAR[name] if name in NEAR else None
        status: Status = "unknown"
        if limit is not None:
            status = "pass" if abs(ours - theirs) <= limit else "fail"
        yield _agreement(metric, picture, (ours, theirs), limit, status)


def _score(metric: Metric, output: NDArray[Any], reference: NDArray[Any]) -> float:
    wanted = reference if "reference" in metric.reads else None
    return score_images(output, wanted, [metric])[metric.name]


def _agreement(
    metric: Metric, picture: str, scores: tuple[float, float], limit: float | None, status: Status
) -> Agreement:
    return Agreement(
        metric.name, metric.definition, WHO, 1, picture, *scores, abs(scores[0] - scores[1]),
        limit, status, "" if limit is not None else "reported; no limit is set",
    )  # fmt: skip
