"""What is to be enhanced, and how: what the flags of the command say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Enhancement:
    """What `lleval enhance` is told; its flags are these fields."""

    method: str
    source: Path
    target: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    ratio: float | Literal["auto"] | None = None
    compare: bool = False
    device: str = "auto"
    clip: bool = False  # whether a folder holds the frames of one clip
    smooth: bool = False  # average frames with their neighbours along their motion
    fps: Fraction | None = None  # of a video that is written; by default the source's
