"""Colour filter arrays: packing a mosaic into planes and back, for any Bayer phase and X-Trans.

A CFA is named by its letters from the top-left of the visible area, row by row: "RGGB", or 36
letters for X-Trans. Packing shifts the mosaic to the canonical phase by reflecting whole CFA
sites at its borders, so that a site keeps its colour, and pads odd sizes likewise.

Source: Chen et al. 2018 (SID): Bayer planes R, G (row of R), B, G (row of B); X-Trans 6x6 to 9.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from lldata.errors import FrameError
from lldata.frame import Frame

Scalar = TypeVar("Scalar", bound=np.generic)

BAYER = "RGGB"
XTRANS = "RBGBRGGGRGGBGGBGGRBRGRBGGGBGGRGGRGGB"
_BAND = 128  # rows packed at a time: the processor's cache holds them

# plane -> the four sites (row, column) in the 6x6 block, for the cells (0,0) (0,1) (1,0) (1,1)
_XTRANS_PLANES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((0, 0), (0, 4), (3, 1), (3, 3)),
    ((0, 2), (0, 5), (3, 2), (3, 5)),
    ((0, 1), (0, 3), (3, 0), (3, 4)),
    ((1, 2), (2, 5), (5, 2), (4, 5)),
    ((2, 2), (1, 5), (4, 2), (5, 5)),
    *(
        tuple((r + 3 * i, c + 3 * j) for i in (0, 1) for j in (0, 1))
        for r in (1, 2)
        for c in (0, 1)
    ),
)
_BAYER_PLANES = (((0, 0),), ((0, 1),), ((1, 1),), ((1, 0),))


class Layout(NamedTuple):
    """How a CFA is packed."""

    period: int  # rows and columns after which the canonical pattern repeats
    scale: int  # mosaic pixels per packed pixel, per axis
    planes: tuple[tuple[tuple[int, int], ...], ...]  # plane -> sites in one period
    colours: str  # letter of each plane
    top: int  # rows added above to reach the canonical phase
    left: int  # columns added on the left


@lru_cache(maxsize=64)
def layout(cfa: str) -> Layout:
    """Return how a mosaic with this CFA is packed.

    Raises
    ------
    FrameError
        If the letters are no phase of the Bayer or X-Trans pattern.
    """
    for canonical, planes, scale in ((BAYER, _BAYER_PLANES, 2), (XTRANS, _XTRANS_PLANES, 3)):
        period = int(len(canonical) ** 0.5)
        tile = np.array(list(canonical)).reshape(period, period)
        colours = "".join(str(tile[sites[0]]) for sites in planes)
        for top in range(period):
            for left in range(period):
                if cfa == "".join(np.roll(tile, (-top, -left), (0, 1)).ravel()):
                    return Layout(period, scale, planes, colours, top, left)
    raise FrameError(
        f"CFA {cfa!r}",
        "this is no phase of a known pattern",
        "Bayer (RGGB, GRBG, GBRG, BGGR) and X-Trans in any phase are supported",
        "Check that the file is the RAW file of a Bayer or X-Trans camera",
    )


def scale(cfa: str) -> int:
    """Return the mosaic pixels per packed pixel along each axis: 2 for Bayer, 3 for X-Trans."""
    return layout(cfa).scale


def letters(cfa: str) -> NDArray[np.str_]:
    """Return the pattern as a square array of letters, (2, 2) or (6, 6)."""
    side = int(len(cfa) ** 0.5)
    return np.array(list(cfa)).reshape(side, side)


def packed_shape(cfa: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (C, h, w) of the packed planes of a mosaic of this shape (H, W)."""
    plan = layout(cfa)
    cells = plan.period // plan.scale
    rows = -(-(shape[-2] + plan.top) // plan.period) * cells
    columns = -(-(shape[-1] + plan.left) // plan.period) * cells
    return len(plan.planes), rows, columns


def reflected(positions: NDArray[np.intp], length: int, period: int) -> NDArray[np.intp]:
    """Move positions outside 0 ... length - 1 inside by whole periods: same site, same colour."""
    if length < period:
        raise FrameError(
            "mosaic",
            f"it is {length} pixels on one side",
            f"one period of the CFA is {period} pixels",
            "Use a larger frame or crop",
        )
    positions = np.where(positions < 0, positions % period, positions)
    beyond = (positions - length) // period + 1
    return np.where(positions >= length, positions - period * beyond, positions)


def _indices(length: int, before: int, period: int) -> NDArray[np.intp]:
    total = -(-(length + before) // period) * period
    return reflected(np.arange(total) - before, length, period)


def pack(values: NDArray[Scalar], cfa: str) -> NDArray[Scalar]:
    """Pack a mosaic into planes of one colour each.

    Parameters
    ----------
    values : (H, W), any dtype, at least one CFA period on each side
    cfa : its letters from the top-left

    Returns
    -------
    (C, h, w), same dtype: 4 planes R, G (row of R), B, G (row of B) at half resolution, or 9
    X-Trans planes at a third. Other phases and odd sizes are padded by repeating whole sites.

    Source: Chen et al. 2018, Sec. 3; the X-Trans table of their released pipeline.
    """
    plan = layout(cfa)
    packed = np.empty(packed_shape(cfa, values.shape), values.dtype)
    _pack_into(packed, _whole_periods(values, plan), plan)
    return packed


def _whole_periods(values: NDArray[Scalar], plan: Layout) -> NDArray[Scalar]:
    """Return a mosaic from where the canonical pattern begins, padded to whole periods of it."""
    height, width = values.shape
    if not (plan.top or plan.left or height % plan.period or width % plan.period):
        return values
    rows = _indices(height, plan.top, plan.period)
    columns = _indices(width, plan.left, plan.period)
    padded: NDArray[Scalar] = values[np.ix_(rows, columns)]
    return padded


def _pack_into(packed: NDArray[Any], values: NDArray[Any], plan: Layout) -> None:
    """Fill planes from a mosaic of whole canonical periods, converting to their dtype."""
    cells = plan.period // plan.scale
    for plane, sites in zip(packed, plan.planes, strict=True):
        for cell, (row, column) in enumerate(sites):
            i, j = divmod(cell, cells)
            plane[i::cells, j::cells] = values[row :: plan.period, column :: plan.period]


def unpack(planes: NDArray[Scalar], cfa: str, shape: tuple[int, int]) -> NDArray[Scalar]:
    """Return the mosaic (H, W) of this shape that `pack` would turn into these planes."""
    plan = layout(cfa)
    cells = plan.period // plan.scale
    _, h, w = planes.shape
    padded = np.empty((h * plan.scale, w * plan.scale), planes.dtype)
    for plane, sites in zip(planes, plan.planes, strict=True):
        for cell, (row, column) in enumerate(sites):
            i, j = divmod(cell, cells)
            padded[row :: plan.period, column :: plan.period] = plane[i::cells, j::cells]
    return padded[plan.top : plan.top + shape[0], plan.left : plan.left + shape[1]]


def crop(image: NDArray[Scalar], cfa: str, shape: tuple[int, ...]) -> NDArray[Scalar]:
    """Cut a network's output (C, scale*h, scale*w) back to the frame's own (C, H, W)."""
    plan = layout(cfa)
    top, left = plan.top, plan.left
    return image[..., top : top + shape[-2], left : left + shape[-1]]


def site_values(values: tuple[float, ...], cfa: str) -> NDArray[np.float32]:
    """Spread four per-channel values (R, G, B, G of the row of B) over one CFA period.

    Returns (2, 2) or (6, 6) float32, phase of `cfa`; X-Trans uses the first G for all.
    """
    tile = letters(cfa)
    channel = {"R": 0, "G": 1, "B": 2}
    spread = np.array([[values[channel[str(c)]] for c in row] for row in tile], np.float32)
    if len(cfa) == 4:
        rows_of_blue = (tile == "B").any(axis=1)
        spread[rows_of_blue[:, None] & (tile == "G")] = values[3]
    return spread


def normalise(frame: Frame) -> NDArray[np.float32]:
    """Return the packed planes of a frame, (DN - black)/(white - black), float32, not clipped."""
    mosaic = _whole_periods(frame.mosaic, layout(frame.cfa))
    return normalised_periods(mosaic, frame.black_level, frame.white_level, frame.cfa)


def normalised_periods(
    mosaic: NDArray[np.uint16], black_level: tuple[float, ...], white_level: int, cfa: str
) -> NDArray[np.float32]:
    """Return what `normalise` does for a mosaic of whole periods, cut where the pattern begins."""
    plan = layout(cfa)._replace(top=0, left=0)
    height, width = mosaic.shape
    shape = (len(plan.planes), height // plan.scale, width // plan.scale)
    packed = np.empty(shape, np.float32)
    band = _BAND // plan.period * plan.period
    for top in range(0, height, band):
        planes = packed[:, top // plan.scale : (top + band) // plan.scale]
        _pack_into(planes, mosaic[top : top + band], plan)
        _normalise(planes, black_level, white_level, cfa)
    return packed


def _normalise(
    packed: NDArray[np.float32], black_level: tuple[float, ...], white_level: int, cfa: str
) -> None:
    for plane, level in zip(packed, black_of_planes(black_level, cfa), strict=True):
        plane -= np.float32(level)
        plane /= np.float32(white_level - level)


def black_of_planes(black_level: tuple[float, ...], cfa: str) -> tuple[float, ...]:
    """Return the black level of each packed plane, DN."""
    plan = layout(cfa)
    if plan.scale == 2:
        return tuple(black_level)
    return tuple(black_level["RGB".index(letter)] for letter in plan.colours)
