"""Whether what a run scores has everything its metrics read, asked before its first pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baselines import method as methods
from baselines.method import Method
from eval.metrics.definition import Metric
from lldata.errors import ScoreError
from lldata.store import Store

_HELD = {"clips": "clips", "pictures": "ready pictures", "raw": "pairs of frames"}
_RAW = {"raw_output", "raw_reference"}


def check_metrics(metrics: Sequence[Metric], method: Method, store: Store, rows: Any) -> None:
    """Refuse metrics that read what a dataset or a method does not give.

    Parameters
    ----------
    method : as it was built: options and weights may decide what it reads
    rows : of the pair table, those to be scored

    Raises
    ------
    ScoreError
        If one reads a clip of pairs; raw planes that the method or the dataset lacks; the picture
        that a method of RAW frames is not given; or the reference of a clip whose truth nobody
        knows.
    """
    for metric in metrics:
        if "clip" in metric.reads and store.kind != "clips":
            raise ScoreError(
                f"--metrics {metric.name}", "it reads a clip",
                f"{store.name} holds {_HELD[store.kind]}",
                "Choose metrics of pictures, such as --metrics psnr,ssim (lleval metrics)",
            )  # fmt: skip
        if _RAW & set(metric.reads):
            _check_planes(metric, method, store, rows)
        if "input" in metric.reads and method.info.domain == "raw":
            raise ScoreError(
                f"--metrics {metric.name}", "it reads the picture a method is given",
                f"{method.info.name} is given the mosaic",
                "Leave it out of --metrics, or choose a method of domain srgb (lleval models)",
            )  # fmt: skip
        if "reference" in metric.reads and store.kind == "clips":
            _check_known(metric, rows)


def _check_planes(metric: Metric, method: Method, store: Store, rows: Any) -> None:
    if store.kind != "raw":
        raise ScoreError(
            f"--metrics {metric.name}", "it reads raw planes",
            f"{store.name} holds {_HELD[store.kind]}", "Choose another metric (lleval metrics)",
        )  # fmt: skip
    if not _gives_planes(method):
        raise ScoreError(
            f"--metrics {metric.name}", "it reads raw planes",
            f"{method.info.name} gives a picture only",
            "Leave it out of --metrics, or choose a method that gives them, such as amplify",
        )  # fmt: skip
    without = [row.pair for row in rows.itertuples(index=False) if not row.long]
    if without:
        raise ScoreError(
            f"--metrics {metric.name}", f"{without[0]} has no mosaic of its long exposure",
            "raw planes are compared with it", "Leave it out of --metrics",
        )  # fmt: skip


def _gives_planes(method: Method) -> bool:
    """Whether a method has raw planes, and they are of what its picture shows."""
    if not hasattr(method, "raw"):
        return False
    return method.info.input == methods.info(method.info.name.partition("@")[0]).input


def _check_known(metric: Metric, rows: Any) -> None:
    unknown = [row.pair for row in rows.itertuples(index=False) if not row.reference]
    if unknown:
        raise ScoreError(
            f"--metrics {metric.name}",
            f"it compares with a reference, and {unknown[0]} is one of unpaired clips",
            "only simulated clips have a hidden truth",
            "Choose metrics without a reference: --metrics flicker,warp_error,entropy",
        )  # fmt: skip
