"""Metrics by name, and the scores of two images."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import Image, Metric
from eval.metrics.pixels import check, check_numbers, check_same_size, prepare
from lldata.errors import ScoreError

if TYPE_CHECKING:
    from torch import Tensor

THROUGH_PYIQA = "pyiqa:"

Planes = NDArray[np.floating]  # (C, h, w) linear, (DN - black) / (white - black)


@functools.cache
def metrics() -> Mapping[str, Metric]:
    """Return every metric defined in the modules of this package, by name."""
    modules = (
        importlib.import_module(f"{__package__}.{module.name}")
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    )
    found = [item for module in modules for item in vars(module).values()]
    return {
        item.name: item
        for item in sorted(
            (item for item in found if isinstance(item, Metric)), key=lambda item: item.name
        )
    }


def find_metric(name: str, *, download: bool = False) -> Metric:
    """Return the metric called `name`; `pyiqa:NAME` comes through pyiqa.

    Parameters
    ----------
    name : one of `metrics()`, or "pyiqa:" and a name pyiqa knows
    download : whether pyiqa may fetch a parameter file that is not here

    Raises
    ------
    ScoreError
        If there is no such metric, or its parameter file or extra is missing.
    """
    if name.startswith(THROUGH_PYIQA):
        from eval.metrics.pyiqa_scores import load_metric

        return load_metric(name.removeprefix(THROUGH_PYIQA), download=download)
    if name not in metrics():
        raise ScoreError(
            f"--metrics {name}",
            "no such metric",
            f"the metrics are {', '.join(metrics())} and pyiqa:NAME",
            "Choose among them (lleval metrics lists them)",
        )
    return metrics()[name]


def find_metrics(names: Sequence[str], *, download: bool = False) -> list[Metric]:
    """Return the metrics called `names`, each once: whatever one lacks is said before any work.

    Raises
    ------
    ScoreError
        As `find_metric`.
    """
    return [find_metric(name, download=download) for name in dict.fromkeys(names)]


def score_images(
    output: Image,
    reference: Image | None = None,
    metrics: Sequence[str | Metric] = ("psnr", "ssim"),
    input: Image | None = None,  # noqa: A002 - the noun every metric declares
    *,
    raw: tuple[Planes, Planes] | None = None,
) -> dict[str, float]:
    """Score one image against its reference.

    Parameters
    ----------
    output : (H, W, 3) uint8, uint16 or float in [0, 1]; floats that overshoot are clipped
    reference : the same size, of any of these types; None where no metric reads it
    metrics : names, or metrics already found
    input : what the method was given, the same size, for metrics that read it
    raw : packed linear planes (C, h, w) of output and reference, for metrics that read them

    Returns
    -------
    the score under each metric's name; the PSNR of identical images is inf

    Raises
    ------
    ScoreError
        If an image cannot be scored, sizes differ, or a metric lacks an image it reads.
    """
    images = {"output": output, "reference": reference, "input": input}
    given = {role: np.asarray(image) for role, image in images.items() if image is not None}
    for role, image in given.items():
        check(image, role)
        check_same_size(given["output"], image, role)
    if raw is not None:
        planes = [np.asarray(each) for each in raw]
        _check_planes(*planes)
        given |= dict(zip(("raw_output", "raw_reference"), planes, strict=True))
    prepared: dict[tuple[str, str], Image] = {}
    scores = {}
    for item in metrics:
        metric = find_metric(item) if isinstance(item, str) else item
        for role in metric.reads:
            if role not in given:
                raise _lacks(metric, role)
            if (role, metric.pixels) not in prepared:
                prepared[role, metric.pixels] = prepare(given[role], metric.pixels)
        scores[metric.name] = metric(*(prepared[role, metric.pixels] for role in metric.reads))
    return scores


def score_batch(
    outputs: Tensor, references: Tensor, metrics: Sequence[str] = ("psnr", "ssim")
) -> dict[str, Tensor]:
    """Score many pairs of one size at once, on the device where they lie: for loops in torch.

    The definitions are those of `score_images`, and so are the scores, to 1e-7.

    Parameters
    ----------
    outputs, references : (B, 3, H, W) uint8, or floats in [0, 1]; floats that overshoot are clipped
    metrics : of psnr, ssim, ssim_gray and mae

    Returns
    -------
    the scores under each metric's name, (B,) float64 on that device; the PSNR of identical
    pictures is inf

    Raises
    ------
    ScoreError
        If a metric is not computed in batches, a batch cannot be scored, sizes or devices differ.
    """
    from eval.metrics.sums.batches import scores  # needs torch, which others do without

    return scores(outputs, references, metrics)


def score_clip(
    clip: Iterable[Image], metrics: Sequence[str | Metric] = ("flicker", "warp_error")
) -> dict[str, float]:
    """Score the frames of a clip, one after the other, with metrics that read a clip.

    Parameters
    ----------
    clip : frames (H, W, 3) of one size as `score_images` takes them; gone through once for each
        metric, so no iterator

    Raises
    ------
    ScoreError
        If a frame cannot be scored, there are too few, or a metric reads something else.
    """
    scores = {}
    for item in metrics:
        metric = find_metric(item) if isinstance(item, str) else item
        for role in metric.reads:
            if role != "clip":
                raise _lacks(metric, role)
        scores[metric.name] = float(metric.function(_frames(clip, metric)))
    return scores


def _frames(clip: Iterable[Image], metric: Metric) -> Iterator[Image]:
    for number, frame in enumerate(clip):
        check(frame, f"frame {number} of the clip")
        yield prepare(frame, metric.pixels)


def _check_planes(output: Planes, reference: Planes) -> None:
    if output.shape != reference.shape:
        raise ScoreError(
            "raw output",
            f"its planes are {output.shape}",
            f"the reference's are {reference.shape} and planes are never resized",
            "Give planes of the same frame",
        )
    for planes, role in ((output, "raw output"), (reference, "raw reference")):
        if planes.ndim != 3 or not planes.size:
            raise ScoreError(
                role, f"its planes are {planes.shape}", "packed planes are (C, h, w)",
                "Give the packed planes of a frame",
            )  # fmt: skip
        check_numbers(planes, role)


def _lacks(metric: Metric, role: str) -> ScoreError:
    remedies = {
        "clip": "Score a clip with lleval run",
        "input": "Give it with --input IMAGE",
        "raw_output": "Use a method that gives raw planes, on a dataset with long mosaics",
        "raw_reference": "Use a method that gives raw planes, on a dataset with long mosaics",
    }
    remedy = remedies.get(role, "Give the reference image")
    what = role.replace("_", " ") if role == "clip" or role.startswith("raw") else f"{role} image"
    return ScoreError(
        f"--metrics {metric.name}", f"there is no {what}", "this metric reads one", remedy
    )
