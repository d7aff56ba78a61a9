"""Compare every metric with other implementations and write the page of their definitions.

Run it as `python -m tests.benchmarks.study_metrics [--data FOLDER | --page]`; FOLDER holds pictures
with their printed scores. With --page the comparison that is kept is not made again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from eval.cross_check.report import compared, document
from lldata import console
from lldata.store import home
from tests.benchmarks.metrics_page import page

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEPT = DOCS / "benchmarks" / "metric_check.json"


def main() -> None:
    """Compare, keep, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--page", action="store_true", help="write the page of what is kept")
    chosen = parser.parse_args()
    if not chosen.page:
        text = console.to_json(document(compared(chosen.data, console.progress)))
        KEPT.write_text(text.replace(str(home()), "$LLDATA_HOME") + "\n")
    (DOCS / "metrics.md").write_text(page(json.loads(KEPT.read_text("utf-8"))))


if __name__ == "__main__":
    main()
