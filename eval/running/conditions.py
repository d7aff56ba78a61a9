"""What a pair was computed on and with: kept beside its scores, as it was when it was computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.machine import Fact, hardware, threads


@dataclass(frozen=True)
class Conditions:
    """What the seconds of a pair depend on, and the last digits of a network's picture."""

    hardware: Mapping[str, Fact]
    threads: int
    workers: int | None  # pairs computed at once on its machine; None: a cluster's, not known


def conditions_of(method: Any, workers: int | None) -> Conditions:
    """Return the conditions under which this process runs a method."""
    network = hasattr(method, "device")
    found = hardware(str(getattr(method, "device", "cpu")))
    found["precision"] = getattr(method, "precision", None)
    return Conditions(found, threads(network=network), workers)


def distinct(all_of: Iterable[Conditions]) -> list[Conditions]:
    """Return each conditions once, those of the most pairs first."""
    counts: list[tuple[Conditions, int]] = []
    for one in all_of:
        index = next((i for i, (known, _) in enumerate(counts) if known == one), None)
        if index is None:
            counts.append((one, 1))
        else:
            counts[index] = (one, counts[index][1] + 1)
    return [one for one, _ in sorted(counts, key=lambda item: -item[1])]


def hardware_of(found: Sequence[Conditions]) -> dict[str, Fact]:
    """Return the hardware of a run; what was not the same for all pairs is told in full."""
    names = dict.fromkeys(name for one in found for name in one.hardware)
    return {name: _joined([one.hardware.get(name) for one in found]) for name in names}


def _joined(values: Sequence[Fact]) -> Fact:
    different = list(dict.fromkeys(values))
    return different[0] if len(different) == 1 else " and ".join(map(str, different))
