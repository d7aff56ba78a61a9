"""Units of work, where and within which limits they run, and what is said of one that was lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lldata.errors import LowLightError

GIBIBYTE = 2**30


@dataclass(frozen=True)
class Unit:
    """One idempotent piece of work: `function(*args)`, known by its key."""

    key: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()


class WorkerError(LowLightError):
    """The process of a unit was killed, crashed, or ran past its time or memory."""


@dataclass(frozen=True)
class Local:
    """Processes on this machine: one death or one overrun costs one unit, never the others."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    timeout_s: float = 600.0  # per unit
    memory_bytes: int = 8 * GIBIBYTE  # address space of a worker; not enforced on macOS, Windows


@dataclass(frozen=True)
class Dask:
    """A dask.distributed cluster: as many units at once as its workers have threads."""

    address: str  # of the scheduler, tcp://HOST:PORT
    timeout_s: float = 600.0  # per unit
    memory_bytes: int = 8 * GIBIBYTE  # address space of each unit's process


Engine = Local | Dask


def lost(unit: Unit, found: str) -> WorkerError:
    """Return what is said of a unit whose process ended before it."""
    return WorkerError(
        unit.key,
        found,
        "sound files and enough memory let it end by itself",
        "Check the file, it may be damaged, or use fewer --workers",
    )


def too_large(unit: Unit, memory_bytes: int) -> WorkerError:
    """Return what is said of a unit that asked for more than its memory."""
    return lost(unit, f"it needs more than {memory_bytes / GIBIBYTE:g} GiB of memory")
