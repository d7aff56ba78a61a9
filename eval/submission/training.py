"""Whether a method was trained on what it is tested on, as far as its record tells."""

from __future__ import annotations

import re
from dataclasses import replace

from eval.record import Record
from eval.verification.findings import Finding, judged
from lldata.errors import LowLightError
from lldata.measures.likeness import matches
from lldata.store import NAME, Store, open_store

LIKENESS = 0.9  # from which two looks are one photograph: lldata.measures.fingerprint


def training(record: Record, store: Store) -> Finding:
    """Whether what a record says it was trained on holds the pairs it is scored on.

    Datasets that are at hand are compared photograph by photograph.
    """
    if record.trained_on is None:
        return Finding("training", "unknown", "nobody says what it was trained on")
    split = record.split
    for named in record.trained_on:
        dataset, _, part = named.partition("/")
        same = dataset == record.dataset or record.trained_on_digest == record.digest
        if same and part in ("", split, "all"):
            said = f"it was trained on {named}, and {record.dataset}/{split} is scored"
            return Finding("training", "fail", said)
        leak = _leak(store, split, dataset, part)
        if leak:
            return Finding("training", "fail", f"it was trained on {named}: {leak}")
    return judged("training", None, ", ".join(record.trained_on) or "nothing")


def _leak(store: Store, split: str, dataset: str, part: str) -> str | None:
    """Return which photograph of a split is in what was trained on, or None."""
    if not re.fullmatch(NAME, dataset):
        return None
    try:
        other = store if dataset == store.name else open_store(dataset)
        theirs = [one for one in other.prints() if part in ("", "all", one.split)]
        mine = [one for one in store.prints() if one.split == split]
    except LowLightError:
        return None
    # what it was trained on is another dataset and split than what is tested, whatever its name
    apart = [replace(one, dataset="", split="") for one in theirs]
    seen = matches(mine, apart, LIKENESS)
    found = next((match for match in seen if not match.other.dataset), None)
    if found is None:
        return None
    return f"{found.mine.file} of {split} is {found.other.file} of its scene {found.other.scene}"
