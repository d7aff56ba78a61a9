"""What moves otherwise than the picture as a whole: people, leaves, clouds, a lamp switched off.

Each block of the registration is fitted by its own gain, shift and the noise that is known to be
in it. A block has moved if it lies more than a pixel off the whole, if neither the long nor noise
explains a good part of its structure, or if the long explains it only with another brightness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lldata.measures.block_fit import LONG, NOISE, SHORT, BlockSums, Numbers
from lldata.measures.resample import Pose

MOVED_PX = 1.0  # packed pixels off the whole
UNEXPLAINED = 0.4  # share of a block's structure
OTHER_GAIN = 3.0  # times the gain of the whole, or a third of it
FEWEST_BLOCKS = 8  # that can be measured; below, nothing is said
_PLACED_PX, _KNOWN_SHARE, _KNOWN_GAIN = 0.2, 0.1, 0.15  # standard errors of a measurable block
_SURE = 3.0  # standard errors
_ENOUGH = 0.25  # share of blocks that can be measured; below, blocks are joined
_JOINABLE = 6  # blocks a side, at least, to be joined
_PLACES = (("top left", "top", "top right"), ("left", "centre", "right"),
           ("bottom left", "bottom", "bottom right"))  # fmt: skip

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LocalMotion:
    """The blocks of a picture, (rows, columns) each: where each lies, and which moved."""

    y_px: Numbers  # packed pixels off the whole, NaN where that cannot be measured
    x_px: Numbers
    measured: Flags  # whether it can be told if the block moved
    moved: Flags

    @property
    def blocks(self) -> int:
        """How many blocks can be measured."""
        return int(self.measured.sum())

    @property
    def share(self) -> float | None:
        """Share of the measured blocks that moved; None where too few are measured."""
        if self.blocks < FEWEST_BLOCKS:
            return None
        return int(self.moved.sum()) / self.blocks

    @property
    def where(self) -> str:
        """The part of the picture, of nine, around which the moved blocks lie."""
        rows, columns = np.nonzero(self.moved)
        height, width = self.moved.shape
        y, x = (rows.mean() + 0.5) / height, (columns.mean() + 0.5) / width
        return _PLACES[int(3 * y)][int(3 * x)]


def find(blocks: BlockSums, pose: Pose, gain: float, factor: int) -> LocalMotion:
    """Return what moves otherwise than `pose`, in blocks large enough to tell.

    Parameters
    ----------
    blocks : of a registration, at a scale at which the short is reliable
    pose : of the whole, pixels of that scale
    gain : of the short over the long
    factor : packed pixels per pixel
    """
    found = _compared(blocks, pose, gain, factor)
    while found.measured.mean() < _ENOUGH and min(blocks.grid) >= _JOINABLE:
        blocks = blocks.joined()
        found = _compared(blocks, pose, gain, factor)
    return found


def _compared(blocks: BlockSums, pose: Pose, gain: float, factor: int) -> LocalMotion:
    products, noise = blocks.products, blocks.products[:, NOISE, NOISE]
    terms = products[:, :3, :3]
    terms = terms + (1e-9 * np.trace(terms, axis1=1, axis2=2)[:, None, None] + 1e-30) * np.eye(3)
    found = np.linalg.solve(terms, products[:, :3, SHORT, None])[:, :, 0]
    spread = np.linalg.inv(terms) * blocks.noise[:, None, None] / gain**2
    change = np.subtract(pose, blocks.pose)
    off = (found[:, :2] / gain - blocks.effect @ change) * factor
    off_error = np.sqrt(np.maximum(np.linalg.eigvalsh(spread[:, :2, :2])[:, -1], 0)) * factor
    other = found[:, LONG] / gain
    # twice the noise is added up in what is compared: the short's own and that of the noise plane
    picture = products[:, SHORT, SHORT] - noise
    left = picture - (found * products[:, :3, SHORT]).sum(axis=1)
    structure = np.maximum(gain**2 * products[:, LONG, LONG], picture)
    structure = np.maximum(structure, 1e-30)  # nothing is left of a block beyond the knee
    share = left / structure
    share_error = 2 * np.sqrt(noise * blocks.noise) / structure
    placed = (off_error < _PLACED_PX) & blocks.fine
    told = (share_error < _KNOWN_SHARE) & blocks.fine
    weighed = told & (np.sqrt(np.maximum(spread[:, LONG, LONG], 0)) < _KNOWN_GAIN)
    moved = told & (share - _SURE * share_error > UNEXPLAINED)
    moved |= placed & (np.hypot(*off.T) - _SURE * off_error > MOVED_PX)
    moved |= weighed & ((other < 1 / OTHER_GAIN) | (other > OTHER_GAIN))
    y, x = np.where(placed, off.T, np.nan)
    return LocalMotion(*(a.reshape(blocks.grid) for a in (y, x, told | placed, moved)))
