"""Faults put into a command, whatever it does: kills, interruptions, failing steps, races.

Every function returns how many faults were put in and what they cost. Zero everywhere is the
promise.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol


@dataclass
class Cost:
    """What faults have cost so far; a subject counts more."""

    COUNTED: ClassVar = frozenset({"faults", "pairs_kept"})  # of these there may be any number

    faults: int = 0
    resumes_failed: int = 0  # the next one did not end as if nothing had happened
    unclear_endings: int = 0  # neither a success, nor one line and its exit code, nor the kill

    def none(self) -> bool:
        """Whether nothing was lost, changed or left unclear."""
        return not any(v for k, v in vars(self).items() if k not in self.COUNTED)


class Running(Protocol):
    """A command at work, in a session of its own."""

    pid: int

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code, less than 0 of a signal, and what it said."""


class Subject(Protocol):
    """A command to put faults into, and what they may cost."""

    seconds: float  # an undisturbed one takes
    refused: str  # what those say that lose a race; empty: none may lose

    def cost(self) -> Cost:
        """Return a count that stands at zero."""

    def fresh(self, place: Path) -> None:
        """Make a folder as it is before the command."""

    def start(self, place: Path, **faults: str) -> Running:
        """Start the command in that folder, with variables of `inject`."""

    def kept(self, place: Path) -> Any:
        """Return what is finished there."""

    def check(self, place: Path, before: Any, cost: Cost) -> None:
        """Count what is lost or changed of what was finished before, and what is half-written."""

    def whole(self, place: Path) -> bool:
        """Whether it is what an undisturbed command leaves."""


def at_steps(subject: Subject, scratch: Path, steps: Sequence[int], action: str) -> Any:
    """Kill a command in the middle of each of some I/O steps, or let the step fail."""
    cost = subject.cost()
    for step in steps:
        faults = {
            "FAULT_AT": str(step), "FAULT_ACTION": action,
            "FAULT_COUNTER": str(scratch / f"{action}{step}.steps"),
        }  # fmt: skip
        _once(subject, scratch / f"{action}{step}", cost, killed=action == "kill", **faults)
    return cost


def size_limits(subject: Subject, scratch: Path, limits: Sequence[int]) -> Any:
    """Run a command under limits on the size of a file, in bytes."""
    cost = subject.cost()
    for limit in limits:
        _once(subject, scratch / f"limit{limit}", cost, FAULT_LIMIT=str(limit))
    return cost


def _once(
    subject: Subject, place: Path, cost: Cost, *, killed: bool = False, **faults: str
) -> None:
    subject.fresh(place)
    before = subject.kept(place)
    code, said = subject.start(place, **faults).end()
    cost.faults += 1
    cost.unclear_endings += code != -signal.SIGKILL if killed else not _clear(code, said)
    subject.check(place, before, cost)
    go_on(subject, place, cost)


def count_steps(subject: Subject, scratch: Path) -> int:
    """Return how many I/O steps an undisturbed command takes."""
    counter = scratch / "count.steps"
    subject.fresh(scratch / "count")
    faults = {"FAULT_AT": "0", "FAULT_ACTION": "kill", "FAULT_COUNTER": str(counter)}
    code, said = subject.start(scratch / "count", **faults).end()
    assert code == 0, said[-2000:]
    return counter.stat().st_size


def at_random(
    subject: Subject, scratch: Path, strikes: int, seed: int,
    *, how: int = signal.SIGKILL, times: int = 1, alone: bool = False,
) -> Any:  # fmt: skip
    """Kill or interrupt commands at random moments.

    Parameters
    ----------
    times : one is struck at most, each time it goes on, before it may end
    alone : its main process is struck only, not those it has started
    """
    cost, rng, number = subject.cost(), random.Random(seed), 0
    while cost.faults < strikes:
        place, number = scratch / f"struck{number}", number + 1
        subject.fresh(place)
        for _ in range(min(times, strikes - cost.faults)):
            before = subject.kept(place)
            running = subject.start(place)
            time.sleep(rng.uniform(0, subject.seconds))
            with contextlib.suppress(ProcessLookupError):  # it has ended
                (os.kill if alone else os.killpg)(running.pid, how)
            code, said = running.end()
            struck = code == (130 if how == signal.SIGINT else -how)
            cost.faults += struck
            cost.unclear_endings += not (code == -how or _clear(code, said))
            subject.check(place, before, cost)
            if not struck:
                break
        go_on(subject, place, cost)
    return cost


def at_once(subject: Subject, scratch: Path, commands: Sequence[int]) -> Any:
    """Let several commands begin at once in one folder, as many as each entry says."""
    cost = subject.cost()
    for number, count in enumerate(commands):
        place = scratch / f"race{number}"
        subject.fresh(place)
        before = subject.kept(place)
        racing = [subject.start(place) for _ in range(count)]
        ended = [running.end() for running in racing]
        cost.faults += 1
        lost = [said for code, said in ended if code != 0]
        cost.unclear_endings += sum(not _refused(subject, *one) for one in ended)
        cost.unclear_endings += len(lost) == count
        subject.check(place, before, cost)
        cost.resumes_failed += not subject.whole(place)
        go_on(subject, place, cost)
    return cost


def go_on(subject: Subject, place: Path, cost: Cost) -> None:
    """Run a command again to its end, count what is not as if nothing had happened, and clear."""
    before = subject.kept(place)
    code, _ = subject.start(place).end()
    subject.check(place, before, cost)
    cost.resumes_failed += code != 0 or not subject.whole(place)
    shutil.rmtree(place)


def _refused(subject: Subject, code: int, said: str) -> bool:
    """Whether one of several at once succeeded, or was told why it may not."""
    told = bool(subject.refused) and subject.refused in said
    return code == 0 or (code == 2 and told and _clear(code, said))


def _clear(code: int, said: str) -> bool:
    """Whether an ending is a success, or one line that says what to do and its exit code."""
    last = said.strip().splitlines()[-1:]
    program = bool(last) and last[0].startswith(("lldata: ", "lleval: "))
    told = {2: program, 130: program and ": interrupted. " in last[0]}
    return code == 0 or ("Traceback" not in said and told.get(code, False))
