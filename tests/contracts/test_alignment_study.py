from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.alignment_page import page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_the_alignment_study_is_what_its_rows_give():
    report = json.loads((DOCS / "benchmarks" / "alignment.json").read_text("utf-8"))
    assert (DOCS / "alignment.md").read_text("utf-8") == page(report)
