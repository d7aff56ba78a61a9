"""Compare every metric with other implementations and write the page of their definitions.

Run it as `python -m tests.benchmarks.study_metrics [--data FOLDER | --page]`; FOLDER holds pictures
with their printed scores. Without it what is kept of them stays, where the definition did not
change; with --page nothing is compared again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.cross_check.official import WHO
from eval.cross_check.report import compared, document
from eval.metrics import metrics
from lldata import console
from lldata.store import home
from tests.benchmarks.metrics_page import page

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEPT = DOCS / "benchmarks" / "metric_check.json"
SPEED = DOCS / "benchmarks" / "metrics.json"


def main() -> None:
    """Compare, keep, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--page", action="store_true", help="write the page of what is kept")
    chosen = parser.parse_args()
    if not chosen.page:
        found = document(compared(chosen.data, console.progress))
        if chosen.data is None:
            found["checks"] += printed_scores(json.loads(KEPT.read_text("utf-8"))["checks"])
        text = console.to_json(found)
        KEPT.write_text(text.replace(str(home()), "$LLDATA_HOME") + "\n")
    kept, speed = (json.loads(path.read_text("utf-8")) for path in (KEPT, SPEED))
    (DOCS / "metrics.md").write_text(page(kept, speed))


def printed_scores(kept: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the comparisons with printed scores that hold for the definitions there are."""
    now = {name: metric.definition for name, metric in metrics().items()}
    return [
        one for one in kept
        if one["other"] == WHO and now.get(one["metric"], one["definition"]) == one["definition"]
    ]  # fmt: skip


if __name__ == "__main__":
    main()
