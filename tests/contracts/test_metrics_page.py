from __future__ import annotations

import json
from pathlib import Path

from eval.metrics import metrics
from tests.benchmarks.metrics_page import page
from tests.benchmarks.study_metrics import printed_scores

DOCS = Path(__file__).resolve().parents[2] / "docs"
CHECK = json.loads((DOCS / "benchmarks" / "metric_check.json").read_text("utf-8"))
SPEED = json.loads((DOCS / "benchmarks" / "metrics.json").read_text("utf-8"))


def test_the_page_of_metrics_is_what_docstrings_and_kept_figures_give():
    assert (DOCS / "metrics.md").read_text("utf-8") == page(CHECK, SPEED)


def test_printed_scores_stay_without_their_pictures_unless_the_definition_changed():
    kept = [one for one in CHECK["checks"] if one["other"] == "authors' scores"]
    assert printed_scores(CHECK["checks"]) == kept != []
    changed = [{**one, "definition": "0" * 12} for one in kept if one["metric"] == "psnr"]
    assert printed_scores(changed) == []


def test_the_kept_comparison_is_of_the_definitions_there_are_and_none_failed():
    known = {name: metric.definition for name, metric in metrics().items()}
    kept = {one["metric"]: one["definition"] for one in CHECK["checks"] if one["metric"] in known}
    assert kept == known
    assert {one["status"] for one in CHECK["checks"]} == {"pass", "unknown"}
    assert all(one["metric"].startswith("pyiqa:") for one in CHECK["checks"]
               if one["status"] == "unknown")  # fmt: skip
