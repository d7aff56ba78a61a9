"""One RAW file or one ready image: the mosaic as the sensor gave it, and what its file says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """A mosaic and its metadata; every level and colour comes from the file, never a constant.

    Per-channel values are ordered R, G (row of R), B, G (row of B), as the packed planes are.
    """

    mosaic: NDArray[np.uint16]  # (H, W) DN, visible area, untouched
    cfa: str  # letters from the top-left, row by row: "RGGB", or 36 for X-Trans
    black_level: tuple[float, float, float, float]  # DN
    white_level: int  # DN
    white_balance: tuple[float, float, float, float]  # as-shot multipliers, G = 1
    colour_matrix: tuple[tuple[float, float, float], ...]  # 3x3 XYZ -> camera; zeros: unknown
    exposure_s: float
    iso: float
    camera: str  # make and model, e.g. "SONY ILCE-7SM2"
    sha256: str  # of the file; "" for a frame that came from none
    f_number: float | None = None
    focal_length_mm: float | None = None
    lens: str | None = None
    time: str | None = None  # ISO 8601, camera clock
    software: str | None = None  # EXIF Software, e.g. "lldata simulator"

    def metadata(self) -> dict[str, Any]:
        """Return every field but the mosaic, JSON-ready."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "mosaic"}

    @classmethod
    def from_metadata(cls, mosaic: NDArray[np.uint16], metadata: dict[str, Any]) -> Self:
        """Rebuild a frame from its mosaic and `metadata()`, also after a trip through JSON."""
        values = dict(metadata)
        for name in ("black_level", "white_balance"):
            values[name] = tuple(values[name])
        values["colour_matrix"] = tuple(tuple(row) for row in values["colour_matrix"])
        return cls(mosaic=mosaic, **values)

    @property
    def synthetic(self) -> bool:
        """Whether the simulator made this frame (its Software tag says so)."""
        return (self.software or "").startswith("lldata simulator")
