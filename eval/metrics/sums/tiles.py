"""The sum of the SSIM map tile by tile, by OpenCV: it needs nothing but the core."""

from __future__ import annotations

import itertools
import math
import threading
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from eval.metrics.sums.window import C1, C2, RADIUS, WEIGHTS, sum_of

# Side of the tiles: their moments stay in the processor's cache, and with the window's borders
# every row of them begins with a line of it.
TILE = 190
LINE = 64  # bytes

Bytes = NDArray[np.uint8]


def sum_of_tiles(output: Bytes, reference: Bytes) -> float:
    """Return the sum of the SSIM map of two (H, W, C) pictures, over all channels."""
    height, width, channels = output.shape
    corners = itertools.product(
        range(0, height - 2 * RADIUS, TILE), range(0, width - 2 * RADIUS, TILE)
    )
    scratch = threading.local()

    def tile_sum(corner: tuple[int, int]) -> float:
        if not hasattr(scratch, "buffers"):
            scratch.buffers = _Buffers(channels)
        area = tuple(slice(start, start + TILE + 2 * RADIUS) for start in corner)
        return _tile(output[area], reference[area], scratch.buffers)

    return sum_of(tile_sum, list(corners))


class _Buffers:
    """Arrays one thread uses again for every tile: allocation would cost more than arithmetic."""

    def __init__(self, channels: int) -> None:
        outer = (TILE + 2 * RADIUS, TILE + 2 * RADIUS, channels)
        inner = (TILE, *outer[1:])
        self.moments = [_aligned(outer, np.float64) for _ in range(4)]
        self.square = _aligned(outer, np.uint16)
        self.difference = _aligned(outer, np.uint8)
        self.product = _aligned(inner, np.float64)
        self.terms = [_aligned(inner, np.float32) for _ in range(4)]

    def moment(self, values: NDArray[Any], index: int) -> NDArray[np.float64]:
        """Return the windowed mean of `values` in the rows where the window fits."""
        height, width = values.shape[:2]
        out = self.moments[index][:height, :width]
        cv2.sepFilter2D(
            values, cv2.CV_64F, WEIGHTS, WEIGHTS, dst=out, borderType=cv2.BORDER_CONSTANT
        )
        return out[RADIUS:-RADIUS]


def _aligned(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Return an array that begins where a line of the cache does."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(dtype).reshape(shape)


def _tile(output: Bytes, reference: Bytes, buffers: _Buffers) -> float:
    """Return the sum of the SSIM map over one tile.

    Variances are differences of large moments, so those are float64; what is left is summed
    terms of like size, for which float32 keeps 1e-7. With m and v the means and (co)variances,
    d the difference image: v_out + v_ref = v_d + 2 v_both, m_out^2 + m_ref^2 = m_d^2 + 2 m m.
    Whole rows are computed, in place, as one block of memory; the columns where the window does
    not fit are left out of the sum.
    """
    _fill(output, reference, buffers)
    height, width = output.shape[:2]
    covariance, spread, means, shift = (
        term[: height - 2 * RADIUS, :width] for term in buffers.terms
    )
    covariance *= 2
    covariance += np.float32(C2)
    spread += covariance
    means *= 2
    means += np.float32(C1)
    shift += means
    covariance *= means
    spread *= shift
    covariance /= spread
    return sum(cv2.sumElems(covariance[:, RADIUS:-RADIUS]))  # of each channel, in float64


def _fill(output: Bytes, reference: Bytes, buffers: _Buffers) -> None:
    """Put into `terms` the covariance, v_d, the product of the means, and m_d squared."""
    height, width = output.shape[:2]
    square = buffers.square[:height, :width]
    difference = buffers.difference[:height, :width]
    product = buffers.product[: height - 2 * RADIUS, :width]
    covariance, spread, means, shift = (
        term[: height - 2 * RADIUS, :width] for term in buffers.terms
    )
    mean_output, mean_reference = buffers.moment(output, 0), buffers.moment(reference, 1)
    np.multiply(output, reference, out=square, dtype=np.uint16)
    mixed = buffers.moment(square, 2)
    cv2.absdiff(output, reference, dst=difference)
    np.multiply(difference, difference, out=square, dtype=np.uint16)
    squared = buffers.moment(square, 3)

    np.multiply(mean_output, mean_reference, out=product)
    np.copyto(means, product, casting="unsafe")
    cv2.subtract(mixed, product, dst=covariance, dtype=cv2.CV_32F)
    mean_output -= mean_reference
    mean_output *= mean_output
    np.copyto(shift, mean_output, casting="unsafe")
    cv2.subtract(squared, mean_output, dst=spread, dtype=cv2.CV_32F)
