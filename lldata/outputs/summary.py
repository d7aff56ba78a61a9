"""What a dataset holds, as one document for programs and as lines for people."""

from __future__ import annotations

from typing import Any

from lldata.console import counted
from lldata.outputs.sheet import interval
from lldata.store import Store
from lldata.synthesis.drawn import ranges

BRIEF = {  # key of the document -> what people read, in the list of datasets
    "name": "dataset", "protocol": "protocol", "synthetic": "simulated",
    "scenes": "scenes", "pairs": "pairs", "usable": "usable",
}  # fmt: skip
_LABELS = {  # short ones, so that a digest fits into a line of 80 columns
    "path": "place", "kind": "kind", "protocol": "protocol", "synthetic": "simulated",
    "distinct_sources": "made from", "created": "created", "bytes": "on disk", "scenes": "scenes",
    "pairs": "pairs", "splits": "splits", "ratios": "ratios", "isos": "ISO", "drawn": "drawn",
    "digest": "digest", "reference_digest": "rendered", "versions": "made by",
}  # fmt: skip


def brief(dataset: Store) -> dict[str, Any]:
    """Return what every list of datasets says of one."""
    pairs = dataset.pairs
    quarantined = int((pairs["status"] == "quarantine").sum())
    return {
        "name": dataset.name, "path": str(dataset.path), "kind": dataset.kind,
        "protocol": dataset.protocol, "synthetic": dataset.synthetic,
        "scenes": len(dataset.scenes), "pairs": len(pairs),
        "quarantined": quarantined, "usable": len(pairs) - quarantined, "digest": dataset.digest,
    }  # fmt: skip


def full(dataset: Store) -> dict[str, Any]:
    """Return what is known of a dataset; splits, ratios and ISO values are of usable pairs."""
    drawn = ranges(dataset)
    return {
        **brief(dataset), "distinct_sources": dataset.distinct_sources,
        **numbers(dataset.usable()), "reference_digest": dataset.reference_digest,
        "created": dataset.created, "versions": dataset.versions, "bytes": _bytes(dataset),
        **({"drawn": drawn} if drawn else {}),
    }  # fmt: skip


def numbers(pairs: Any) -> dict[str, dict[str, int]]:
    """Return how many of some pairs have each split, whole ratio and ISO value."""
    return {
        "splits": _counts(pairs["split"]), "ratios": _counts(pairs["ratio"].round()),
        "isos": _counts(pairs["iso"]),
    }  # fmt: skip


def lines(document: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the lines of a full document for people: what, and its value where there is one."""
    drawn = {key: interval(values) for key, values in document.get("drawn", {}).items()}
    photographs = document["distinct_sources"]
    shown = {
        **document, "drawn": drawn, "bytes": f"{document['bytes'] / 1e6:.1f} MB",
        "distinct_sources": photographs and counted(photographs, "photograph"),
        "pairs": f"{document['pairs']}, {document['quarantined']} in quarantine",
    }  # fmt: skip
    rows = []
    for key, label in _LABELS.items():
        value = shown[key]
        if isinstance(value, dict):
            between = " " if key == "versions" else ": "
            value = ", ".join(f"{k}{between}{v}" for k, v in value.items()) or None
        if value is not None:
            rows.append((label, value if isinstance(value, bool) else str(value)))
    return rows


def _bytes(dataset: Store) -> int:
    if dataset.packed:
        return dataset.path.stat().st_size
    return sum(p.stat().st_size for p in dataset.path.rglob("*") if p.is_file())


def _counts(column: Any) -> dict[str, int]:
    counts = column.value_counts().sort_index()
    return {f"{k:.10g}" if isinstance(k, float) else str(k): int(v) for k, v in counts.items()}
