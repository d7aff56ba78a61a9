"""Which frames are one photograph: by file, by pixels, by their camera's clock, by their look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lldata.measures.fingerprint import unit_thumbnails
from lldata.reading.file_facts import UNKNOWN

KEPT = ("sha256", "pixels", "thumbnail", "serial", "time", "exposure_s")  # facts, in the index
MOST_MATCHES = 8  # of one frame by its look, and by each of its keys
_ROWS = 256  # thumbnails compared with all others at once
_SLOW_S = 1.0  # exposures from here on: no camera starts two in one second


@dataclass(frozen=True)
class Print:
    """What one frame or picture is recognised by, and where it lies."""

    dataset: str
    scene: str
    group: str
    split: str
    origin: str  # the photograph a simulated scene was made from; "" for captures
    file: str
    thumbnail: str | None  # of the scene's long or normally lit picture only
    keys: tuple[tuple[str, str], ...]  # (kind, value): file, pixels, shot

    def joined(self, other: Print) -> bool:
        """Whether both are known to belong together: one group or source of one dataset."""
        if self.dataset != other.dataset:
            return False
        same_source = bool(self.origin) and self.origin == other.origin
        return self.group == other.group or same_source

    def conflicts(self, other: Print) -> bool:
        """Whether it matters that both are one: in one dataset, or in other splits of two."""
        if self.dataset == other.dataset:
            return not self.joined(other)
        return self.split != other.split


class Match(NamedTuple):
    """Two frames that are one photograph."""

    mine: Print
    other: Print
    kind: str  # file, pixels, shot or look
    likeness: float


def recognisable(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return of the facts of a scene's files what they are recognised by."""
    return {
        file: {key: told[key] for key in KEPT if told.get(key) not in (None, UNKNOWN)}
        for file, told in facts.items() if "pixels" in told
    }  # fmt: skip


def prints(
    dataset: str, scene: str, group: str, split: str, origin: str,
    facts: Mapping[str, Mapping[str, Any]],
) -> list[Print]:  # fmt: skip
    """Return the prints of one scene's files, from their facts."""
    return [
        Print(dataset, scene, group, split, origin, file, told.get("thumbnail"), _keys(told))
        for file, told in recognisable(facts).items()
    ]


def _keys(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = [("file", told.get("sha256")), ("pixels", told.get("pixels"))]
    serial, time, seconds = (told.get(name) for name in ("serial", "time", "exposure_s"))
    if serial and time and seconds and ("." in time or seconds >= _SLOW_S):
        found.append(("shot", f"{serial} {time} {seconds:g}"))
    return tuple((kind, value) for kind, value in found if value)


def matches(mine: Sequence[Print], others: Sequence[Print], limit: float | None) -> list[Match]:
    """Return the frames of a dataset that are another of its own or of others' photographs.

    Parameters
    ----------
    mine : the dataset's prints
    others : those of other datasets
    limit : likeness of thumbnails from which they are one photograph; None: only equal keys
    """
    every = [*mine, *others]
    found = list(_by_key(mine, every))
    if limit is not None:
        known = {(m.mine, m.other.dataset, m.other.scene) for m in found}
        found += [
            m for m in _by_look(mine, every, limit)
            if (m.mine, m.other.dataset, m.other.scene) not in known
        ]  # fmt: skip
    return found


def _by_key(mine: Sequence[Print], every: Sequence[Print]) -> Iterator[Match]:
    holders: dict[tuple[str, str], list[Print]] = defaultdict(list)
    for each in every:
        for key in each.keys:
            holders[key].append(each)
    for one in mine:
        told: set[tuple[str, str, str]] = set()
        for key in one.keys:  # the strongest kind comes first
            rest = (o for o in holders[key] if o is not one and one.conflicts(o))
            for other, _ in zip(rest, range(MOST_MATCHES), strict=False):
                place = (other.dataset, other.scene, other.file)
                if place not in told:
                    told.add(place)
                    yield Match(one, other, key[0], 1.0)


def _by_look(mine: Sequence[Print], every: Sequence[Print], limit: float) -> Iterator[Match]:
    rows = [one for one in mine if one.thumbnail]
    columns = [each for each in every if each.thumbnail]
    if not rows:
        return
    looks = unit_thumbnails([c.thumbnail for c in columns if c.thumbnail])
    own = unit_thumbnails([r.thumbnail for r in rows if r.thumbnail])
    relation = _Relation(columns)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        likeness = own[start : start + _ROWS] @ looks.T
        likeness[~relation.conflicts(part)] = 0
        for one, line in zip(part, likeness, strict=True):
            if line.max() < limit:
                continue
            for at in np.argsort(-line, kind="stable")[:MOST_MATCHES]:
                if line[at] >= limit:
                    yield Match(one, columns[at], "look", min(float(line[at]), 1.0))


class _Relation:
    """`Print.conflicts` of many prints at once."""

    def __init__(self, columns: Sequence[Print]) -> None:
        self._columns = columns
        self._numbers: dict[tuple[str, ...], int] = {}
        self._own = self._coded(columns)

    def _coded(self, prints_: Sequence[Print]) -> NDArray[np.int64]:
        """Return dataset, group, source and split of each as numbers, (4, n)."""
        rows = [
            (
                ("dataset", p.dataset),
                ("group", p.dataset, p.group),
                ("source", p.dataset, p.origin) if p.origin else ("file", p.dataset, p.scene),
                ("split", p.split),
            )
            for p in prints_
        ]
        codes = [[self._numbers.setdefault(k, len(self._numbers)) for k in row] for row in rows]
        return np.array(codes, np.int64).reshape(-1, 4).T

    def conflicts(self, rows: Sequence[Print]) -> NDArray[np.bool_]:
        """Return which of the rows and columns conflict, (rows, columns)."""
        mine = self._coded(rows)
        same = mine[:, :, None] == self._own[:, None, :]
        dataset, group, source, split = same
        conflicts: NDArray[np.bool_] = np.where(dataset, ~(group | source), ~split)
        return conflicts
