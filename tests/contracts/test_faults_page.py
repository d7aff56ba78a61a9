from __future__ import annotations

import json
from pathlib import Path

from tests.faults.page import page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_faults_is_what_the_figures_give():
    report = json.loads((DOCS / "benchmarks" / "faults.json").read_text("utf-8"))
    assert (DOCS / "faults.md").read_text("utf-8") == page(report)
