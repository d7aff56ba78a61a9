"""Scores made again from the pictures that were kept of a run, and held against its record."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np

from baselines.method import MethodInfo
from eval.metrics import score_images
from eval.metrics.definition import Metric
from eval.metrics.pixels import to_uint8
from eval.metrics.scoring import THROUGH_PYIQA
from eval.record import Row
from eval.running.clip_pairs import Scored, score_clip_pair
from eval.running.pictures import Bytes, pixels_sha256
from lldata.sample import Sample, pair_row, planes_first, read_sample, reference_picture
from lldata.store import Store

SAME = 1e-6  # by which one definition's scores may differ between machines (DESIGN 8)
THROUGH_TORCH = 1e-3  # of a score of pyiqa, which computes in float32, as a share of it


class Difference(NamedTuple):
    """A score that is not what the record says."""

    pair: str
    metric: str
    recorded: float | None
    found: float | None

    @property
    def text(self) -> str:
        """The difference in words."""
        found, recorded = _said(self.found, self.recorded), _said(self.recorded, self.found)
        return f"{self.metric} of {self.pair} is {found}, not {recorded}"


def exact(metric: Metric) -> bool:
    """Whether a metric reads 8 bits, so that a picture kept in 8 bits gives its very score."""
    return metric.pixels == "uint8"


def score_again(
    store: Store,
    pair: str,
    pictures: Iterable[Bytes],
    metrics: Sequence[Metric],
    rendering: Literal["short", "amplified"] | None,
) -> Scored:
    """Score the pictures that were kept of a pair.

    Parameters
    ----------
    pictures : (H, W, 3) uint8, one; of a clip its frames
    metrics : of 8 bits
    rendering : the picture of the short frame a metric of the input reads

    Raises
    ------
    LowLightError
        If a picture cannot be read, or is of another size.
    """
    if store.kind == "clips":
        with TemporaryDirectory() as folder:
            return score_clip_pair(_Kept(pictures), store, pair, metrics, Path(folder))
    output = next(iter(pictures))
    reference = reference_picture(store, pair_row(store, pair))
    given = None
    if any("input" in metric.reads for metric in metrics):
        srgb = read_sample(store, pair, picture=rendering).srgb
        given = None if srgb is None else srgb.transpose(1, 2, 0)
    scores = score_images(output, reference, metrics, input=given)
    identical = bool(np.array_equal(output, to_uint8(reference)))
    return Scored(scores, identical, 0.0, output_sha256=pixels_sha256(output))


def differences(row: Row, found: Scored, within: float | None = None) -> list[Difference]:
    """Return the scores of a row that differ from those found by more than is allowed.

    Parameters
    ----------
    found : may lack metrics that cannot be recomputed
    within : largest difference; None: what one definition may differ by between machines
    """
    differing = []
    for metric, value in found.scores.items():
        again, recorded = value if math.isfinite(value) else None, row.scores[metric]
        if not _near(metric, recorded, again, within):
            differing.append(Difference(row.pair, metric, recorded, again))
    return differing


def _near(metric: str, one: float | None, other: float | None, within: float | None) -> bool:
    if one is None or other is None:
        return one is other
    share = THROUGH_TORCH * abs(one) if metric.startswith(THROUGH_PYIQA) else 0.0
    allowed = SAME if within is None else within
    return abs(one - other) <= (max(allowed, share) if allowed else 0.0)


def _said(value: float | None, beside: float | None) -> str:
    """Return a number in digits enough to tell it from the other."""
    if value is None:
        return "none"
    short = f"{value:.10g}"
    return repr(value) if beside is not None and short == f"{beside:.10g}" else short


@dataclass(frozen=True)
class _Kept:
    """The frames kept of a clip, as the method that made them."""

    frames: Iterable[Bytes]

    @property
    def info(self) -> MethodInfo:
        """What scoring a clip needs to know."""
        return MethodInfo("kept frames", "", "clip", source="", licence="")

    def __call__(self, sample: Sample) -> Any:
        return map(planes_first, self.frames)
