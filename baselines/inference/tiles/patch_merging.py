"""Overlapping patches of a frame, each enhanced with the region around it, merged into one frame.

Patches are shifted by half their side and weighted by a Gaussian of their own pixels, so that the
different brightness of neighbouring patches blends.

Source: Anantrasirichai and Bull 2021, section 3.3: shift N/2, mu N/2, sigma N/6. Pixel centres
lie about (N - 1)/2, which is taken for mu: the weights are symmetric so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]  # (3, H, W)
Batch = NDArray[np.float32]  # (B, 3, N, N)
PatchFn = Callable[[Batch, Batch | None], Batch]

_EPS = 1e-10  # as the released code; the weights are positive without it, if N is not huge
_SIGMAS = 6  # in the side of a patch


def merge(
    patch_fn: PatchFn,
    frame: Planes,
    *,
    local_px: int = 360,
    region_px: int | None = None,
    batch: int = 1,
) -> Planes:
    """Enhance a frame patch by patch.

    Holds the frame, its result and one batch of patches.

    Parameters
    ----------
    patch_fn : local patches (B, 3, N, N) and the regions about the same centres, reduced to the
        same size by area (None without `region_px`) -> enhanced local patches (B, 3, N, N)
    frame : (3, H, W) float32, of any size: it is mirrored beyond its border, edges not repeated
    local_px, region_px : sides of patch and region, px, as `lldata.patches.read_patches` has them
    batch : patches given at once

    Returns
    -------
    (3, H, W) float32; every pixel is the mean of the patches over it, at least one, with weights
    that are positive and sum to 1

    Raises
    ------
    ValueError
        If the sides have no common centre, or a patch would be larger than its region.
    """
    _check_sides(local_px, region_px, batch)
    rows, columns = (starts(length, local_px) for length in frame.shape[1:])
    down, across = (shares(s, length, local_px) for s, length in
                    ((rows, frame.shape[1]), (columns, frame.shape[2])))  # fmt: skip
    result = np.zeros(frame.shape, np.float32)
    places = list(itertools.product(range(len(rows)), range(len(columns))))
    for some in _batched(places, batch):
        corners = [(rows[i], columns[j]) for i, j in some]
        local = np.stack([square(frame, y, x, local_px) for y, x in corners])
        region = None if region_px is None else _regions(frame, corners, local_px, region_px)
        enhanced = patch_fn(local, region)
        for (i, j), (y, x), patch in zip(some, corners, enhanced, strict=True):
            weight = down[i][:, None] * across[j]
            _add(result, patch * weight, y, x)
    return result


def starts(length: int, side: int) -> list[int]:
    """Return where patches begin along one side of a frame: every side // 2 pixels.

    They lie symmetrically; the first and the last may reach beyond the frame.
    """
    shift = max(side // 2, 1)
    count = max(-(-(length - side) // shift), 0) + 1
    excess = (count - 1) * shift + side - length
    return [number * shift - excess // 2 for number in range(count)]


def shares(begins: list[int], length: int, side: int) -> list[NDArray[np.float32]]:
    """Return the weights of each patch along one side: over every pixel they sum to 1."""
    offsets = np.arange(side) - (side - 1) / 2
    window = np.exp(-0.5 * (offsets / (side / _SIGMAS)) ** 2) + _EPS
    total = np.zeros(length)
    for begin in begins:
        low, high = max(begin, 0), min(begin + side, length)
        total[low:high] += window[low - begin : high - begin]
    weights = []
    for begin in begins:
        low, high = max(begin, 0), min(begin + side, length)
        share = np.zeros(side, np.float32)
        share[low - begin : high - begin] = window[low - begin : high - begin] / total[low:high]
        weights.append(share)
    return weights


def square(frame: Planes, y: int, x: int, side: int) -> Planes:
    """Return a square (3, side, side) of a frame, mirrored where it reaches beyond it."""
    height, width = frame.shape[1:]
    if y >= 0 and x >= 0 and y + side <= height and x + side <= width:
        return frame[:, y : y + side, x : x + side]
    return frame[:, _mirrored(y, side, height)[:, None], _mirrored(x, side, width)]


def _mirrored(start: int, count: int, size: int) -> NDArray[np.intp]:
    period = max(1, 2 * (size - 1))
    at = (start + np.arange(count)) % period
    return np.minimum(at, period - at)


def _regions(frame: Planes, corners: list[tuple[int, int]], local: int, region: int) -> Batch:
    margin = (region - local) // 2
    reduced = np.empty((len(corners), 3, local, local), np.float32)
    for number, (y, x) in enumerate(corners):
        whole = square(frame, y - margin, x - margin, region)
        for plane, target in zip(whole, reduced[number], strict=True):
            contiguous = np.ascontiguousarray(plane)
            target[...] = cv2.resize(contiguous, (local, local), interpolation=cv2.INTER_AREA)
    return reduced


def _add(result: Planes, patch: Planes, y: int, x: int) -> None:
    """Add a patch to the part of the frame it covers."""
    height, width = result.shape[1:]
    side = patch.shape[-1]
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + side, height), min(x + side, width)
    result[:, top:bottom, left:right] += patch[:, top - y : bottom - y, left - x : right - x]


def _batched(places: list[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    for first in range(0, len(places), size):
        yield places[first : first + size]


def _check_sides(local_px: int, region_px: int | None, batch: int) -> None:
    region = local_px if region_px is None else region_px
    if batch < 1 or not 1 <= local_px <= region:
        raise ValueError(f"patches of {local_px} px in regions of {region}, {batch} at once")
    if (region - local_px) % 2:
        raise ValueError(f"patches of {local_px} px and regions of {region} have no common centre")
