"""The metrics, one function each; `score_images` scores two images with any of them."""

from __future__ import annotations

from eval.metrics.scoring import find_metric, find_metrics, metrics, score_images

__all__ = ["find_metric", "find_metrics", "metrics", "score_images"]
