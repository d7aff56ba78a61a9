"""Equalise the histogram of the luma (or of each channel).

Source: Gonzalez & Woods, Digital Image Processing, histogram equalisation: every value becomes
its cumulative frequency, in 256 bins between the smallest and the largest.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import flag
from lldata.sample import Sample

INFO = MethodInfo(
    name="histogram_equalization",
    title="Histogram equalisation",
    domain="srgb",
    source="Gonzalez & Woods, Digital Image Processing, histogram equalisation",
    licence="MIT",
)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class HistogramEqualization:
    """Equalised luma with the chroma kept, or three equalised channels (colours shift)."""

    per_channel: bool
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the equalised picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        if self.per_channel:
            return np.stack([equalised(channel) for channel in picture])
        luma: NDArray[np.float32] = np.tensordot(LUMA, picture, axes=1)
        # equal Cb and Cr mean that R, G and B all move by what Y moves
        moved: NDArray[np.float32] = picture + (equalised(luma) - luma)
        return moved.clip(0, 1)


def equalised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cumulative frequency of each value, interpolated between 256 bin centres."""
    counts, edges = np.histogram(values, bins=256)
    frequency = counts.cumsum() / values.size
    return np.interp(values, (edges[1:] + edges[:-1]) / 2, frequency).astype(np.float32)


def build(per_channel: bool = False) -> HistogramEqualization:
    """Make the method.

    Parameters
    ----------
    per_channel : equalise R, G and B apart instead of the BT.601 luma

    Raises
    ------
    MethodError
        If `per_channel` is neither true nor false.
    """
    return HistogramEqualization(flag("per_channel", per_channel))
