"""Structural similarity: one definition for colour, one for grey, computed tile by tile."""

from __future__ import annotations

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import metric
from lldata.errors import ScoreError

RADIUS = 5  # 11x11 window
SIGMA = 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
# Side of the tiles: their moments stay in the processor's cache, and with the window's borders
# every row of them begins with a line of it.
TILE = 190
LINE = 64  # bytes
WINDOW: dict[str, Any] = {
    "window": "Gaussian 11x11",
    "sigma": SIGMA,
    "k1": 0.01,
    "k2": 0.03,
    "range": 255,
    "covariance": "population",
    "region": "valid",
}

GREY = "grey 0.299/0.587/0.114 rounded to integer"

Bytes = NDArray[np.uint8]


@metric(unit="", better="higher", bounds=(-1, 1), channels="mean over RGB", **WINDOW)
def ssim(output: Bytes, reference: Bytes) -> float:
    """Structural similarity of two 8-bit images, mean over the three channels.

    Source: Wang, Bovik, Sheikh, Simoncelli 2004, eq. 13, with their window and constants, on
    each channel, without downsampling. Equals scikit-image's structural_similarity with
    gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255.
    """
    return mean_similarity(output, reference)


@metric(
    unit="", better="higher", bounds=(-1, 1),
    channels=GREY, **WINDOW,
)  # fmt: skip
def ssim_gray(output: Bytes, reference: Bytes) -> float:
    """Structural similarity of the two images turned to 8-bit grey.

    Source: the same formula on rint(0.299 R + 0.587 G + 0.114 B), as the authors' own script.
    """
    return mean_similarity(grey(output), grey(reference))


def grey(image: Bytes) -> Bytes:
    """Return (H, W, 1) uint8: BT.601 luma rounded to integer, in float64, summed in this order."""
    red, green, blue = (image[..., i].astype(np.float64) for i in range(3))
    luma: Bytes = np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)
    return luma[..., None]


def mean_similarity(output: Bytes, reference: Bytes) -> float:
    """Return the mean of the SSIM map over the region where the window fits.

    Parameters
    ----------
    output, reference : (H, W, C) uint8

    Raises
    ------
    ScoreError
        If the images are smaller than the window.
    """
    height, width, channels = output.shape
    inner = (height - 2 * RADIUS, width - 2 * RADIUS)
    if min(inner) < 1:
        raise ScoreError(
            "ssim",
            f"the images are {width}x{height}",
            "its window needs at least 11x11 pixels",
            "Score larger images",
        )
    corners = [(y, x) for y in range(0, inner[0], TILE) for x in range(0, inner[1], TILE)]
    scratch = threading.local()

    def tile_sum(corner: tuple[int, int]) -> float:
        if not hasattr(scratch, "buffers"):
            scratch.buffers = _Buffers(channels)
        area = tuple(slice(start, start + TILE + 2 * RADIUS) for start in corner)
        return _tile(output[area], reference[area], scratch.buffers)

    # Summed in the order of the tiles: the same bits for any number of threads.
    with ThreadPoolExecutor(min(len(corners), _threads())) as pool:
        total = float(sum(pool.map(tile_sum, corners)))
    return total / float(inner[0] * inner[1] * channels)


def _threads() -> int:
    """Return the threads to use; a worker among others is told by its environment to use one."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(told) if told.isdigit() and int(told) else os.cpu_count() or 1, 8)


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
        distance = np.arange(-RADIUS, RADIUS + 1)
        weights = np.exp(-(distance**2) / (2 * SIGMA**2))
        self.window = weights / weights.sum()

    def moment(self, values: NDArray[Any], index: int) -> NDArray[np.float64]:
        """Return the windowed mean of `values` in the rows where the window fits."""
        height, width = values.shape[:2]
        out = self.moments[index][:height, :width]
        cv2.sepFilter2D(
            values, cv2.CV_64F, self.window, self.window, dst=out, borderType=cv2.BORDER_CONSTANT
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
