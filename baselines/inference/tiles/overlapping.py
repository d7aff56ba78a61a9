"""A network of small patches applied to a frame of any size: patches overlap, and are averaged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Planes = NDArray[np.float32]  # (B, C, H, W)
PATCHES = 4096  # computed at once, about; memory follows from it and not from the frame


def averaged(
    network: Callable[[Tensor], Tensor],
    planes_BCHW: Planes,
    *,
    side: int,
    stride: int,
    device: torch.device,
) -> Planes:
    """Apply a network to overlapping patches; each pixel is the mean of the patches over it.

    Parameters
    ----------
    network : flattened patches (P, C * side * side) -> as many, of the same size
    planes_BCHW : any size: what patches need beyond it is mirrored
    side, stride : of patches, px; stride at most side, so that they cover every pixel
    device : where patches are computed

    Returns
    -------
    (B, C, H, W) float32
    """
    height, width = planes_BCHW.shape[2:]
    beyond = [_missing(length, side, stride) for length in (height, width)]
    padded = np.pad(planes_BCHW, ((0, 0), (0, 0), (0, beyond[0]), (0, beyond[1])), mode="symmetric")
    total = np.zeros_like(padded)
    rows, columns = ((length - side) // stride + 1 for length in padded.shape[2:])
    rows_at_once = max(PATCHES // (columns * len(padded)), 1)
    for first in range(0, rows, rows_at_once):
        last = min(first + rows_at_once, rows) - 1
        band = slice(first * stride, last * stride + side)
        part = torch.from_numpy(np.ascontiguousarray(padded[:, :, band])).to(device)
        total[:, :, band] += _summed(network, part, side, stride).cpu().numpy()
    down, across = (_cover(length, side, stride) for length in padded.shape[2:])
    total /= down[:, None] * across
    return np.ascontiguousarray(total[:, :, :height, :width])


def _missing(length: int, side: int, stride: int) -> int:
    """Return the pixels after which the last patch ends at the border."""
    return side - length if length < side else -(length - side) % stride


def _summed(
    network: Callable[[Tensor], Tensor], part_BCHW: Tensor, side: int, stride: int
) -> Tensor:
    """Return the sum of the enhanced patches of a band, each at its place."""
    patches_BKP = functional.unfold(part_BCHW, side, stride=stride)
    batch, values, count = patches_BKP.shape
    enhanced = network(patches_BKP.transpose(1, 2).reshape(-1, values)).float()
    back = enhanced.view(batch, count, values).transpose(1, 2)
    size = (part_BCHW.shape[2], part_BCHW.shape[3])
    return functional.fold(back, size, side, stride=stride)


def _cover(length: int, side: int, stride: int) -> NDArray[np.float32]:
    """Return how many patches lie over each pixel of one side."""
    counts = np.zeros(length, np.float32)
    for first in range(0, length - side + 1, stride):
        counts[first : first + side] += 1
    return counts
