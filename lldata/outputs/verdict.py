"""What a photographer wants to know of each scene: good, look at it, shoot or copy it again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lldata.audit import Finding, Status, worst

WORDS: dict[Status, str] = {
    "quarantine": "shoot again", "warn": "look at it", "unknown": "unknown", "pass": "good",
}  # fmt: skip
SPOKEN: tuple[Status, ...] = ("quarantine", "warn")  # what is said of a scene, gravest first
ORDER: tuple[Status, ...] = ("pass", "unknown", "warn", "quarantine")
COPY = "copy again"  # a scene whose files are damaged, and nothing else


class Reason(NamedTuple):
    """One thing that is wrong with a scene, and with how many of its pairs."""

    check: str
    status: Status
    message: str
    pairs: tuple[str, ...]  # empty: the scene as a whole, or all its pairs


@dataclass(frozen=True)
class Verdict:
    """What is wrong with one scene, the gravest first."""

    scene: str
    status: Status  # quarantine: shoot or copy it again; warn: look at it
    reasons: tuple[Reason, ...]

    @property
    def word(self) -> str:
        """What to do with the scene."""
        damaged = self.status == "quarantine" and self.checks == "integrity"
        return COPY if damaged else WORDS[self.status]

    @property
    def checks(self) -> str:
        """The audits that decided, without repetition."""
        grave = (r.check for r in self.reasons if r.status == self.status)
        return ", ".join(dict.fromkeys(grave))


def verdicts(findings: Iterable[Finding]) -> list[Verdict]:
    """Return the scenes that need attention: to shoot again, to copy again, the rest; by name."""
    found = [
        Verdict(scene, worst([f.status for f in some]), _reasons(some))
        for scene, some in _by_scene(findings).items()
    ]
    spoken = (v for v in found if v.status in SPOKEN)
    return sorted(spoken, key=lambda v: (SPOKEN.index(v.status), v.word == COPY, v.scene))


def _by_scene(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.scene:
            found[finding.scene].append(finding)
    return found


def of_lists(findings: Iterable[Finding]) -> list[str]:
    """Return what is wrong with the lists beside the scenes, each named by its file."""
    return [f.message for f in findings if not f.scene and f.status in SPOKEN]


def tally(findings: Iterable[Finding]) -> dict[str, Counter[Status]]:
    """Return audit -> in how many scenes it found at worst what."""
    statuses: dict[tuple[str, str], list[Status]] = defaultdict(list)
    for f in findings:
        if f.scene:
            statuses[f.check, f.scene].append(f.status)
    counts: dict[str, Counter[Status]] = defaultdict(Counter)
    for (check, _), some in sorted(statuses.items()):
        counts[check][worst(some)] += 1
    return counts


def counts(findings: Iterable[Finding]) -> list[tuple[str | int, ...]]:
    """Return a row for each audit: its name, and its scenes in the order of ORDER."""
    return [(check, *(some[s] for s in ORDER)) for check, some in tally(findings).items()]


def _reasons(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    """Return the reasons of one scene; what is said alike of several pairs is one."""
    every = {f.pair for f in findings if f.pair}
    pairs: dict[tuple[Status, str, str], list[str]] = defaultdict(list)
    for f in findings:
        if f.status in SPOKEN:
            pairs[f.status, f.check, f.reason] += [f.pair] if f.pair else []
    found = [
        Reason(c, s, m, () if len(every) > 1 and {*some} == every else tuple(some))
        for (s, c, m), some in pairs.items()
    ]
    return tuple(sorted(found, key=lambda r: (SPOKEN.index(r.status), r.check, r.pairs)))


def headline(findings: Sequence[Finding], scenes: int) -> str:
    """Return the answer in a sentence or two.

    Parameters
    ----------
    scenes : how many were looked at
    """
    found, unsure = verdicts(findings), _unsettled(findings)
    if not found:
        return _all_clear(scenes, unsure)
    copy = [v for v in found if v.word == COPY]
    again = [v for v in found if v.status == "quarantine" and v.word != COPY]
    look = [v for v in found if v.status == "warn"]
    said = [f"Shoot again: {_listed(again)}." if again else "Nothing must be shot again."]
    said += [f"Copy again from the card: {_listed(copy)}."] if copy else []
    said += [f"Look at {_listed(look)}."] if look else []
    others = "other is" if len(unsure) == 1 else "others are"
    said += [f"{len(unsure)} {others} {_unjudged(unsure)}."] if unsure else []
    return " ".join(said)


def _unsettled(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """Return scene -> the audits that could not tell, of scenes that nothing is wrong with."""
    return {
        scene: [f.check for f in some if f.status == "unknown"]
        for scene, some in _by_scene(findings).items()
        if worst([f.status for f in some]) == "unknown"
    }


def _all_clear(scenes: int, unsure: Mapping[str, Sequence[str]]) -> str:
    """Return the answer where nothing is wrong: what could not be judged is not called good."""
    if not unsure:
        return f"All {scenes} scenes are good." if scenes != 1 else "The scene is good."
    if len(unsure) < scenes:
        return f"{scenes} scenes: {scenes - len(unsure)} good, {len(unsure)} {_unjudged(unsure)}."
    whole = "The scene is" if scenes == 1 else f"All {scenes} scenes are"
    return f"{whole} {_unjudged(unsure)}; the other audits found nothing."


def _unjudged(unsure: Mapping[str, Sequence[str]]) -> str:
    audits = sorted({check for checks in unsure.values() for check in checks})
    return f"not judged by every audit ({', '.join(audits)} cannot tell)"


def rows(found: Sequence[Verdict]) -> list[tuple[str, str, str, str]]:
    """Return scene, verdict, audit and what was found, a row for each reason."""
    table = []
    for verdict in found:
        scene, said = verdict.scene, verdict.word
        for reason in verdict.reasons:
            shorts = ", ".join(pair.removeprefix(f"{verdict.scene}/") for pair in reason.pairs)
            message = f"{shorts}: {reason.message}" if shorts else reason.message
            table.append((scene, said, reason.check, message))
            scene, said = "", ""
    return table


def _listed(found: Sequence[Verdict]) -> str:
    return ", ".join(f"scene {v.scene} ({v.checks})" for v in found)
