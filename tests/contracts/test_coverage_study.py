from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.coverage_page import PROMISED, page

DOCS = Path(__file__).resolve().parents[2] / "docs"
REPORT = json.loads((DOCS / "benchmarks" / "coverage.json").read_text("utf-8"))


def test_the_page_of_the_coverage_study_is_what_its_rows_give():
    assert (DOCS / "statistics.md").read_text("utf-8") == page(REPORT)


def test_intervals_of_normal_groups_hold_the_truth_as_promised_where_groups_matter():
    rows = [dict(zip(REPORT["columns"], row, strict=True)) for row in REPORT["intervals"]]
    normal = [row for row in rows if row["effects"] == "normal"]
    assert all(row["covered"] >= PROMISED[0] for row in normal)
    assert all(row["covered"] <= PROMISED[1] for row in normal if row["share"] >= 0.3)


def test_no_test_of_symmetric_groups_rejects_more_than_it_says():
    rows = [dict(zip(REPORT["test_columns"], row, strict=True)) for row in REPORT["tests"]]
    assert all(row["rejected"] <= 0.06 for row in rows if row["effects"] == "normal")
