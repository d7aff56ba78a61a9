"""Equalise the histogram locally, with the contrast limited, on the luma or on each channel.

The library pads at one side only when tiles do not divide a picture; the mean over the picture
and its mirror images favours no side. Skies and walls show their noise and the borders of tiles.

Source: Zuiderveld, Contrast limited adaptive histogram equalization, Graphics Gems IV, 1994
(scikit-image's `equalize_adapthist`).
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.exposure import equalize_adapthist

from baselines.classical.histogram_equalization import LUMA
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import flag, number, whole
from lldata.sample import Sample

INFO = MethodInfo(
    name="clahe",
    title="Contrast-limited adaptive histogram equalisation",
    domain="srgb",
    source="Zuiderveld, Contrast limited adaptive histogram equalization, Graphics Gems IV, 1994",
    licence="MIT",
)
LEAST_TILE = 8  # pixels: the histogram of fewer says nothing
MIRRORED = [(slice(None, None, down), slice(None, None, across))
            for down in (1, -1) for across in (1, -1)]  # fmt: skip


@dataclass(frozen=True)
class Clahe:
    """Locally equalised luma with the chroma kept, or three equalised channels."""

    limit: float
    tiles: int
    per_channel: bool
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the equalised picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        if self.per_channel:
            return np.stack([self.equalised(channel) for channel in picture])
        luma: NDArray[np.float32] = np.tensordot(LUMA, picture, axes=1).clip(0, 1)
        # equal Cb and Cr mean that R, G and B all move by what Y moves
        moved: NDArray[np.float32] = picture + (self.equalised(luma) - luma)
        return moved.clip(0, 1)

    def equalised(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a locally equalised plane (H, W); a constant one as it is."""
        if values.min() == values.max():
            return values
        kernel = [max(side // self.tiles, LEAST_TILE) for side in values.shape]
        total = np.zeros(values.shape)
        for turn in MIRRORED:
            total[turn] += equalize_adapthist(values[turn], kernel, self.limit)
        return (total / len(MIRRORED)).clip(0, 1).astype(np.float32)


def build(limit: float = 0.01, tiles: int = 8, per_channel: bool = False) -> Clahe:
    """Make the method.

    Parameters
    ----------
    limit : of the contrast: the part of a tile's pixels that one of 256 bins may hold
    tiles : along each side of the picture, of 8 pixels at least
    per_channel : equalise R, G and B apart instead of the BT.601 luma

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    return Clahe(
        number("limit", limit, 1e-4, 1), whole("tiles", tiles, 1, 256),
        flag("per_channel", per_channel),
    )  # fmt: skip
