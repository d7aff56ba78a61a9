"""Whether one photograph is in a dataset twice, in two of its splits, or in another dataset.

A leak is a warning and never a quarantine: it belongs to two scenes, and which of them stays, or
which group joins them, is for their owner to say. Scenes that a group or the source of a simulation
joins are no finding, nor is the same split in two datasets. Recomputed with every index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lldata.audit import Finding
from lldata.measures.likeness import Match, Print, matches

MEANING = (
    "Every frame is compared with all others, of this dataset and of those beside it: by its file, "
    "its pixels, the camera's number and clock, and the look of the long exposure. A warning means "
    "that one photograph counts as two places, or is trained on here and tested on there, so that "
    "scores would flatter. Nothing need be shot again: give both scenes one group, put them in one "
    "split, or leave one out."
)
MOST_NAMED = 3  # other frames in one message
_HOW = {
    "file": "is the same file as",
    "pixels": "holds the same pixels as",
    "shot": "is, by camera number and clock, the same shot as",
    "look": "shows the same picture (likeness {likeness:.2f}) as",
}
_ORDER = tuple(_HOW)


def audit(mine: Sequence[Print], others: Sequence[Print], limit: float | None) -> list[Finding]:
    """Return one warning for each scene of a dataset that is found again elsewhere.

    Parameters
    ----------
    mine : prints of the dataset
    others : prints of the datasets beside it
    limit : likeness of looks from which they are one photograph; None: looks are not compared
    """
    by_scene: dict[str, list[Match]] = defaultdict(list)
    for match in matches(mine, others, limit):
        by_scene[match.mine.scene].append(match)
    return [_finding(scene, found, limit) for scene, found in sorted(by_scene.items())]


def _finding(scene: str, found: list[Match], limit: float | None) -> Finding:
    found = sorted(found, key=_gravity)
    said = [_sentence(match) for match in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        said.append(f"and {len(found) - MOST_NAMED} more")
    measured = max(match.likeness for match in found)
    remedy = _remedy(found[0])
    return Finding(
        scene, "", "duplicates", "warn", measured, 1.0 if limit is None else limit,
        f"{'; '.join(said)}. {remedy}",
    )  # fmt: skip


def _gravity(match: Match) -> tuple[bool, int, float, str, str, str, str]:
    """Return what puts the gravest first: another split, the surest kind, the greatest likeness."""
    mine, other = match.mine, match.other
    same_split = mine.split == other.split
    place = (mine.file, other.dataset, other.scene, other.file)
    return (same_split, _ORDER.index(match.kind), -match.likeness, *place)


def _sentence(match: Match) -> str:
    mine, other = match.mine, match.other
    how = _HOW[match.kind].format(likeness=match.likeness)
    where = f"scene {other.scene}"
    if other.dataset != mine.dataset:
        where += f" of dataset {other.dataset}"
    splits = f"{mine.split} here, {other.split} there"
    if mine.split == other.split:
        splits = f"both in {mine.split}"
    return f"{mine.file} {how} {other.file} of {where} ({splits})"


def _remedy(match: Match) -> str:
    if match.mine.dataset != match.other.dataset:
        return "Train on neither what the other tests, or leave one out"
    if match.mine.split != match.other.split:
        return "What is trained on is tested on: give both one group and split, or leave one out"
    return "They count as two places: give both one group, or leave one out"
