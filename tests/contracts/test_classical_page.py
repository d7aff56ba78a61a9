from __future__ import annotations

import json
import pkgutil
from pathlib import Path

import baselines.classical
from tests.benchmarks.classical_page import page

DOCS = Path(__file__).resolve().parents[2] / "docs"
REPORT = json.loads((DOCS / "benchmarks" / "classical.json").read_text("utf-8"))


def test_the_page_of_times_is_what_its_rows_give():
    assert (DOCS / "classical.md").read_text("utf-8") == page(REPORT)


def test_every_classical_method_has_its_time():
    names = {module.name for module in pkgutil.iter_modules(baselines.classical.__path__)}
    timed = {row["method"] for row in REPORT["rows"] if row.get("times")}
    assert names - timed == set()
