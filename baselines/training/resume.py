"""The resume state: tensors and plain values only, replaced atomically, removed when finished."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from lldata.errors import MethodError
from lldata.publish import write_replacing

RESUME = "resume.pt"


class Resumable(Protocol):
    """A part of a training that changes as it goes on."""

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain values."""
        ...

    def load_state_dict(self, state_dict: Any) -> Any:
        """Take them back."""
        ...


def save(folder: Path, step: int, facts: Mapping[str, Any], parts: Mapping[str, Resumable]) -> None:
    """Keep the state after a step, in place of the one before."""
    states = {name: part.state_dict() for name, part in parts.items()}
    buffer = io.BytesIO()
    torch.save({"step": step, "facts": dict(facts), "parts": states}, buffer)
    write_replacing(folder / RESUME, buffer.getvalue())


def load(folder: Path, facts: Mapping[str, Any], parts: Mapping[str, Resumable]) -> int:
    """Take back the state of a folder and return its step; 0 where there is none.

    Raises
    ------
    MethodError
        If the state is damaged, or of a run with other data or another recipe.
    """
    path = folder / RESUME
    if not path.exists():
        return 0
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        former = dict(kept["facts"])
    except Exception as error:
        raise MethodError(
            path,
            f"it is no resume state ({type(error).__name__})",
            "a training left it",
            "Remove the folder and train again",
        ) from error
    refuse_another(path, former, facts)
    for name, part in parts.items():
        part.load_state_dict(kept["parts"][name])
    return int(kept["step"])


def refuse_another(path: Path, former: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Refuse to go on with what a run of other facts left.

    Raises
    ------
    MethodError
        If a fact differs.
    """
    changed = [key for key in facts if former.get(key) != facts[key]]
    if changed:
        raise MethodError(
            path,
            f"it is of a run with another {', '.join(changed)}",
            "a run is resumed with the arguments it was started with",
            "Repeat them, or choose another --out",
        )
