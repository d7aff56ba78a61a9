"""All a reader needs to make the numbers of a record again."""

from __future__ import annotations

import shlex
from typing import Any

from eval.pages import page
from eval.pages.words import facts, is_ad_hoc, known, options_text, said, told_of_outside
from eval.record import Record


def _command(record: Record) -> str:
    """Return what makes the run again, where dataset and weights are at hand."""
    who = ["--outputs", "DIR", "--name"] if record.outside else ["--model"]
    words = ["lleval", "run", *who, record.method, "--dataset", record.dataset]
    words += [] if is_ad_hoc(record) else ["--track", record.track]
    words += ["--split", record.split, "--metrics", ",".join(record.metrics)]
    for name, value in record.options.items():
        words += ["--set", f"{name}={_set(value)}"]
    words += [] if record.seed is None else ["--seed", str(record.seed)]
    return shlex.join(words)


def provenance(record: Record) -> list[dict[str, Any]]:
    """Return titled lists of terms and values: all a reader needs to make the numbers again."""
    method = {
        "method": record.method,
        "reads": f"{record.domain}, {record.input} frame" if record.input else known(record.domain),
        "oracle": known(record.reference_use) if record.oracle else "no",
        "options": options_text(record.options),
        "weights, sha256": record.weights_sha256 or "none",
        "trained on": known(record.trained_on),
        "digest trained on": record.trained_on_digest or page.NO_VALUE,
        "parameters": page.count(record.parameters),
        "operations per pair": said(record.flops),
        "seed": record.seed,
        **told_of_outside(record),
    }
    data = {
        "dataset": record.dataset,
        "protocol": record.protocol,
        "dataset digest": record.digest,
        "reference digest": record.reference_digest,
        "pairs scored, sha256": record.pairs_sha256,
        "definitions": ", ".join(f"{n} {use.definition}" for n, use in record.metrics.items()),
    }
    run = {
        "command": _command(record),
        "level": record.level,
        "made": record.created,
        "peak memory": page.size(record.peak_memory_bytes),
        **{name.replace("_", " "): value for name, value in record.timing.items()},
    }
    return [
        {"title": title, "facts": facts(values)}
        for title, values in (
            ("Method", method),
            ("Data", data),
            ("Run", run),
            ("Hardware", record.hardware),
            ("Software", record.software),
        )
        if values
    ]


def _set(value: Any) -> str:
    """Return an option as `--set` takes it."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
