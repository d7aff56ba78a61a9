"""What a check of a record or bundle found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    status: Status
    message: str


def failed(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are neither pass nor unknown."""
    return [one for one in findings if one.status == "fail"]


def judged(check: str, wrong: str | None, right: str) -> Finding:
    """Return a finding that fails for what is wrong, and passes where nothing is."""
    return Finding(check, "fail", wrong) if wrong else Finding(check, "pass", right)


def first_of(wrong: Sequence[str]) -> str | None:
    """Return the first of several things that are wrong and how many more there are."""
    if len(wrong) < 2:
        return wrong[0] if wrong else None
    return f"{wrong[0]} (and {len(wrong) - 1} more)"
