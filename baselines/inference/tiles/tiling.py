"""A convolutional network applied to a frame tile by tile, with the whole frame's result.

A tile is computed with as much of the frame around it as the network looks at, and only its
inside is kept. Tiles begin on the grid of the network's strides, so that every pooling cell holds
the pixels it holds in the whole frame; at the frame's own border they end where the frame ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Span(NamedTuple):
    """Rows (or columns) of one tile: what is computed, and what of it is kept."""

    first: int
    last: int  # exclusive
    kept_first: int
    kept_last: int  # exclusive


@torch.no_grad()
def tiled(
    network: Callable[[Tensor], Tensor],
    frame: Tensor,
    *,
    tile: int | None,
    overlap: int,
    scale: int = 1,
    stride: int = 1,
    device: torch.device | None = None,
) -> Tensor:
    """Apply a network to a frame in tiles; memory grows with the tile, not with the frame.

    Equal to the network on the whole frame, but for the order of sums, if `overlap` is at least
    what it looks around an output pixel and it pools nothing over the whole frame.

    Parameters
    ----------
    network : (1, C, h, w) -> (1, K, scale * h, scale * w), for any h and w
    frame : (C, H, W)
    tile : longest side of what a tile keeps, input pixels; None is the whole frame at once
    overlap : input pixels computed around it
    scale : output pixels for each input pixel
    stride : product of the network's strides, the grid of its coarsest pooling cells: for a U-Net
        of L levels 2^(L-1)
    device : where tiles are computed; the frame's by default, where the result always lies

    Returns
    -------
    (K, scale * H, scale * W) float32, on the device of the frame

    Raises
    ------
    ValueError
        If the tile or the overlap has a size it cannot have.
    """
    _check(tile, overlap, stride)
    place = device or frame.device
    height, width = frame.shape[-2:]
    result: Tensor | None = None
    for rows in spans(height, tile or height, overlap, stride):
        for columns in spans(width, tile or width, overlap, stride):
            part = frame[None, :, rows.first : rows.last, columns.first : columns.last]
            inner = _kept(network(part.to(place))[0], rows, columns, scale)
            if result is None:
                size = (len(inner), height * scale, width * scale)
                result = torch.empty(size, dtype=torch.float32, device=frame.device)
            result[
                :,
                rows.kept_first * scale : rows.kept_last * scale,
                columns.kept_first * scale : columns.kept_last * scale,
            ] = inner
    if result is None:
        raise ValueError(f"a frame of {height}x{width} has no pixels")
    return result


def spans(length: int, tile: int, overlap: int, stride: int = 1) -> Iterator[Span]:
    """Yield the tiles along one side: their insides follow each other without a gap.

    All insides but the last are equally long, and no longer than `tile`, rounded up to the grid.
    """
    count = -(-length // tile)
    inside = _up(-(-length // max(count, 1)), stride)
    around = _up(overlap, stride)
    for first in range(0, length, inside):
        last = min(first + inside, length)
        yield Span(max(first - around, 0), min(last + around, length), first, last)


def _kept(output: Tensor, rows: Span, columns: Span, scale: int) -> Tensor:
    y, x = rows.kept_first - rows.first, columns.kept_first - columns.first
    height = rows.kept_last - rows.kept_first
    width = columns.kept_last - columns.kept_first
    return output[:, y * scale : (y + height) * scale, x * scale : (x + width) * scale]


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _check(tile: int | None, overlap: int, stride: int) -> None:
    if (tile is not None and tile < 1) or overlap < 0 or stride < 1:
        raise ValueError(f"tile {tile}, overlap {overlap}, stride {stride}: at least 1, 0 and 1")
