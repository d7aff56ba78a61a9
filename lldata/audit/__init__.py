"""Audits: each a function from frames to findings, in a module named after its check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["pass", "warn", "quarantine", "unknown"]
BESIDES = ". Besides: "  # in a message: what follows was measured too and decided nothing
_GRAVITY: tuple[Status, ...] = ("pass", "unknown", "warn", "quarantine")


@dataclass(frozen=True)
class Finding:
    """What one audit says of one pair, or of a scene as a whole (pair empty)."""

    scene: str
    pair: str
    check: str  # the audit's module name
    status: Status
    measured: float | None
    limit: float | None
    message: str

    @property
    def reason(self) -> str:
        """What decided, without the other numbers."""
        return self.message.partition(BESIDES)[0]

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON values."""
        return asdict(self)


def worst(statuses: list[Status]) -> Status:
    """Return the gravest of some statuses: quarantine, warn, unknown, pass."""
    return max(statuses, key=_GRAVITY.index, default="pass")
