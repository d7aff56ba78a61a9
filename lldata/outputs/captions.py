"""What a report says of the pictures, plots and audits of each kind of dataset."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import NamedTuple

from lldata import audit
from lldata.sets import clip_audits, picture_audits


class Captions(NamedTuple):
    """The words of one kind of dataset."""

    dark: str  # what all histograms' dark frames are called
    lit: str
    axis: str  # of the histogram, after both
    shifts: str
    darkness: str
    sheet: str


CAPTIONS = {
    "raw": Captions(
        "shorts", "longs", ", in stops below white",
        "where each long lies against its short, in packed pixels", "",
        "The reference of each scene beside its shorts, amplified by their ratio.",
    ),
    "pictures": Captions(
        "dark pictures", "normally lit ones", ", as encoded",
        "where each normally lit picture lies against its dark one, in pixels",
        "how many times as much light the normally lit picture of each pair has",
        "The normally lit picture of each pair beside its dark one, amplified to the same mean.",
    ),
    "clips": Captions(
        "low clips", "target clips", " (their middle frames), as encoded", "",
        "how many times as much light the target clip's middle frame has as the low clip's",
        "The middle frame of each target clip beside that of the low clip, amplified to the same "
        "mean; they show different times and need not match.",
    ),
}  # fmt: skip


def meanings(kind: str) -> dict[str, str]:
    """Return audit -> what it measures in a dataset of some kind, and what to do."""
    if kind == "pictures":
        return picture_audits.MEANINGS
    if kind == "clips":
        return clip_audits.MEANINGS
    names = [module.name for module in pkgutil.iter_modules(audit.__path__)]
    modules = {name: import_module(f"lldata.audit.{name}") for name in names}
    return {name: m.MEANING for name, m in modules.items() if hasattr(m, "MEANING")}
