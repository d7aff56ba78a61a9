"""What the audits of a pair of ready pictures look at, measured only once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lldata.audit import Finding, Status
from lldata.curve import linearise
from lldata.measures import registration
from lldata.protocol import PictureLimits
from lldata.reading.picture_files import PictureFile
from lldata.scene import Picture

SMALLEST_PX = 32  # a side; below it no shift is measured
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709


@dataclass(frozen=True, eq=False)
class PicturePair:
    """A dark picture and the normally lit one of the same place."""

    scene: str
    name: str  # SCENE/LOW
    low: PictureFile
    normal: PictureFile
    limits: PictureLimits

    @cached_property
    def light(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Linear luminance (H, W) in [0, 1] of low and normal."""
        return luminance(self.low.pixels), luminance(self.normal.pixels)

    @property
    def comparable(self) -> bool:
        """Whether both have the same size."""
        return self.low.pixels.shape == self.normal.pixels.shape

    @cached_property
    def shift(self) -> registration.Shift | None:
        """Where the normal picture lies against the low one, in blocks of 2x2 pixels."""
        if not self.comparable or min(self.low.pixels.shape[:2]) < SMALLEST_PX:
            return None
        low, normal = (interleaved_halves(plane) for plane in self.light)
        return registration.measure(low, normal.mean(0))

    @cached_property
    def shift_px(self) -> tuple[float, float] | None:
        """Shift of the normal against the low picture, rows and columns, pixels."""
        return None if self.shift is None else (2 * self.shift.y_px, 2 * self.shift.x_px)

    @cached_property
    def clipped(self) -> float:
        """Share of the normal picture's pixels with a channel at white."""
        red, green, blue = (self.normal.pixels[..., channel] for channel in range(3))
        white = np.iinfo(red.dtype).max
        return float(((red == white) | (green == white) | (blue == white)).mean())

    def finding(
        self, check: str, status: Status, measured: float | None, limit: float | None, message: str
    ) -> Finding:
        """Return what an audit says of this pair."""
        return Finding(self.scene, self.name, check, status, measured, limit, message)


def luminance(picture: Picture) -> NDArray[np.float32]:
    """Return a picture's linear luminance, (H, W) in [0, 1], taking its values for BT.709's."""
    white = np.iinfo(picture.dtype).max
    light = linearise(np.arange(white + 1, dtype=np.float32) / np.float32(white))
    red, green, blue = (light * share for share in _LUMA)
    return np.asarray(red[picture[..., 0]] + green[picture[..., 1]] + blue[picture[..., 2]])


def interleaved_halves(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of both diagonals of each 2x2 block, (2, H/2, W/2): they share a centre."""
    height, width = (side // 2 * 2 for side in plane.shape)
    even, odd = plane[:height:2, :width], plane[1:height:2, :width]
    falling, rising = even[:, ::2] + odd[:, 1::2], even[:, 1::2] + odd[:, ::2]
    return np.asarray(np.stack([falling, rising]) / 2, np.float32)
