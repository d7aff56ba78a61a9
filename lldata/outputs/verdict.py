"""What a photographer wants to know of each scene: good, look at it, or shoot it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lldata.audit import Finding, Status, worst

WORDS: dict[Status, str] = {
    "quarantine": "shoot again", "warn": "look at it", "unknown": "unknown", "pass": "good",
}  # fmt: skip
SPOKEN: tuple[Status, ...] = ("quarantine", "warn")  # what is said of a scene, gravest first


class Reason(NamedTuple):
    """One thing that is wrong with a scene, and with how many of its pairs."""

    check: str
    status: Status
    message: str
    pairs: tuple[str, ...]  # empty: the scene as a whole


@dataclass(frozen=True)
class Verdict:
    """What is wrong with one scene, the gravest first."""

    scene: str
    status: Status  # quarantine: shoot it again; warn: look at it
    reasons: tuple[Reason, ...]

    @property
    def checks(self) -> str:
        """The audits that decided, without repetition."""
        grave = (r.check for r in self.reasons if r.status == self.status)
        return ", ".join(dict.fromkeys(grave))


def verdicts(findings: Iterable[Finding]) -> list[Verdict]:
    """Return the scenes that need attention: those to shoot again first, then by name."""
    by_scene: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.status in SPOKEN:
            by_scene[finding.scene].append(finding)
    found = [
        Verdict(scene, worst([f.status for f in some]), _reasons(some))
        for scene, some in by_scene.items()
    ]
    return sorted(found, key=lambda v: (SPOKEN.index(v.status), v.scene))


def _reasons(findings: Iterable[Finding]) -> tuple[Reason, ...]:
    """Return the reasons of one scene; what is said alike of several pairs is one."""
    pairs: dict[tuple[Status, str, str], list[str]] = defaultdict(list)
    for f in findings:
        pairs[f.status, f.check, f.message] += [f.pair] if f.pair else []
    found = [Reason(c, s, m, tuple(some)) for (s, c, m), some in pairs.items()]
    return tuple(sorted(found, key=lambda r: (SPOKEN.index(r.status), r.check, r.pairs)))


def headline(found: Sequence[Verdict], scenes: int) -> str:
    """Return the answer in a sentence or two.

    Parameters
    ----------
    found : as `verdicts` gives them
    scenes : how many were looked at
    """
    again = [v for v in found if v.status == "quarantine"]
    look = [v for v in found if v.status == "warn"]
    if again:
        more = f" Look at {_listed(look)}." if look else ""
        return f"Shoot again: {_listed(again)}.{more}"
    if look:
        return f"Nothing must be shot again. Look at {_listed(look)}."
    return f"All {scenes} scenes are good." if scenes != 1 else "The scene is good."


def rows(found: Sequence[Verdict]) -> list[tuple[str, str, str, str]]:
    """Return scene, verdict, audit and what was found, a row for each reason."""
    table = []
    for verdict in found:
        scene, said = verdict.scene, WORDS[verdict.status]
        for reason in verdict.reasons:
            shorts = ", ".join(pair.removeprefix(f"{verdict.scene}/") for pair in reason.pairs)
            message = f"{shorts}: {reason.message}" if shorts else reason.message
            table.append((scene, said, reason.check, message))
            scene, said = "", ""
    return table


def _listed(found: Sequence[Verdict]) -> str:
    return ", ".join(f"scene {v.scene} ({v.checks})" for v in found)
