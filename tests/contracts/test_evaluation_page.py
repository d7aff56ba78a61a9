from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.evaluation_page import growth, page

DOCS = Path(__file__).resolve().parents[2] / "docs"
REPORT = json.loads((DOCS / "benchmarks" / "run.json").read_text("utf-8"))


def test_the_page_of_what_a_run_costs_is_what_its_figures_give():
    assert (DOCS / "evaluation.md").read_text("utf-8") == page(REPORT)


def test_the_memory_of_a_run_hardly_grows_with_its_pairs():
    first, *_, last = REPORT["memory"]
    assert last["pairs"] >= 50 * first["pairs"]
    assert growth(REPORT["memory"]) < 5  # KiB a pair
