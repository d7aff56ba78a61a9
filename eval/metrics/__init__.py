"""The metrics, one function each; `score_images` and `score_clip` score with any of them."""

from __future__ import annotations

from eval.metrics.scoring import (
    find_metric,
    find_metrics,
    metrics,
    score_batch,
    score_clip,
    score_images,
)

__all__ = ["find_metric", "find_metrics", "metrics", "score_batch", "score_clip", "score_images"]
