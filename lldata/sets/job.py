"""The unit of work of `check` and `ingest`: one scene, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from lldata.audit import Finding
from lldata.errors import LowLightError
from lldata.pairing import SceneFiles
from lldata.protocol import Protocol

Kind = TypeVar("Kind", bound=Protocol)


@dataclass(frozen=True)
class SceneJob(Generic[Kind]):
    """One scene to audit and, where a folder is given, to store."""

    files: SceneFiles
    protocol: Kind
    folder: Path | None
    origin: str  # the photograph a simulated scene was made from
    deep: bool = False
    check_render: bool = False  # of the first scene of a camera
    audits: bool = True  # without them pairs are stored as unknown


@dataclass(frozen=True)
class Outcome:
    """What became of one scene."""

    scene: str
    state: Literal["stored", "kept", "checked", "left out", "named"]  # named: told by names alone
    findings: tuple[Finding, ...]
    pairs: int = 0
    facts: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # of a checked scene's files
    file: tuple[int, str] | None = None  # bytes and sha256 of the scene's, where just stored
    reason: LowLightError | None = None  # why it was left out


def left_out(scene: str, check: str, error: LowLightError) -> Outcome:
    """Return the outcome of a scene that cannot be stored, its reason as a finding."""
    finding = Finding(scene, "", check, "quarantine", None, None, f"{error} The scene is left out.")
    return Outcome(scene, "left out", (finding,), reason=error)
