"""Means over square blocks of a mosaic, each CFA channel apart: what light is measured on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lldata import cfa
from lldata.frame import Frame

LARGEST = 16  # CFA periods a side
_WANTED = 4096  # blocks of a frame


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of one frame."""

    mean: NDArray[np.float64]  # (channels, blocks) DN above black; R, G, B, G or, X-Trans, R, G, B
    peak: NDArray[np.uint16]  # (blocks,) brightest photosite, DN

    @property
    def channels(self) -> str:
        """Return the letter of each channel."""
        return "RGBG"[: len(self.mean)]


def side_for(frame: Frame) -> int:
    """Return the side of a frame's blocks in CFA periods: some thousand blocks for any size."""
    period = math.isqrt(len(frame.cfa))
    sites = frame.mosaic.size / period**2
    return int(np.clip(math.sqrt(sites / _WANTED), 1, LARGEST))


def of_frame(frame: Frame, side: int) -> Blocks:
    """Return the means of a frame's blocks of `side` CFA periods; an incomplete rim is left out."""
    period = math.isqrt(len(frame.cfa))
    step = period * side
    down, across = (length // step for length in frame.mosaic.shape)
    whole = frame.mosaic[: down * step, : across * step]
    rows = whole.reshape(down, side, period, across * step).sum(axis=1, dtype=np.uint32)
    sums = rows.reshape(down, period, across, side, period).sum(axis=3, dtype=np.uint32)
    sites = sums.transpose(1, 3, 0, 2).reshape(period**2, down * across) / side**2
    peaks = whole.reshape(down, step, across * step).max(axis=1)
    channel = channel_of_sites(frame.cfa)
    mean = np.stack([sites[channel == c].mean(axis=0) for c in range(channel.max() + 1)])
    mean -= np.array(frame.black_level[: len(mean)])[:, None]
    return Blocks(mean, peaks.reshape(down, across, step).max(axis=2).ravel())


def channel_of_sites(pattern: str) -> NDArray[np.intp]:
    """Return the channel of each site of one CFA period, row by row: R 0, G 1, B 2, G of B 3."""
    tile = cfa.letters(pattern)
    channel = np.array([["RGB".index(str(letter)) for letter in row] for row in tile])
    if len(pattern) == 4:
        rows_of_blue = (tile == "B").any(axis=1)
        channel[rows_of_blue[:, None] & (tile == "G")] = 3
    return channel.ravel()
