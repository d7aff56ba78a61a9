"""How a picture looks: colour difference, colourfulness, contents, order of lightness."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from eval.metrics.definition import LARGEST, metric

ROWS = 256  # compared at a time, so that float64 never holds the whole image
YIQ = np.array([0.298936021293776, 0.587043074451121, 0.114020904255103])
SHORTER_SIDE = 50  # px, at which `loe` compares every pixel with every other

Bytes = NDArray[np.uint8]


@metric(
    unit="", better="lower", bounds=(0, LARGEST), formula="CIEDE2000 kL=kC=kH=1, mean over pixels",
    space="sRGB to CIELAB, D65, 2 degrees",
)  # fmt: skip
def delta_e(output: Bytes, reference: Bytes) -> float:
    """Mean CIEDE2000 colour difference of two 8-bit images; about 1 is just noticeable.

    Source: Sharma, Wu, Dalal 2005; values are read as sRGB under D65.
    """
    total = 0.0
    for row in range(0, len(output), ROWS):
        laboratory = [rgb2lab(image[row : row + ROWS]) for image in (output, reference)]
        difference: Any = deltaE_ciede2000(*laboratory)  # type: ignore[no-untyped-call]
        total += float(difference.sum())
    return total / float(output.shape[0] * output.shape[1])


@metric(unit="", better="none", reads=("output",), bounds=(0, LARGEST), formula="M3, 8-bit RGB")
def colourfulness(output: Bytes) -> float:
    """Colourfulness of an 8-bit image: spread and distance from grey of its opponent colours.

    Source: Hasler, Suesstrunk 2003, M3 = sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2) with
    rg = R - G and yb = (R + G) / 2 - B.
    """
    count = output.shape[0] * output.shape[1]
    sums, squares = np.zeros(2), np.zeros(2)
    for row in range(0, len(output), ROWS):
        red, green, blue = np.moveaxis(output[row : row + ROWS].astype(np.float64), 2, 0)
        for axis, opponent in enumerate((red - green, (red + green) / 2 - blue)):
            sums[axis] += opponent.sum()
            squares[axis] += np.vdot(opponent, opponent)
    means = sums / count
    spread = (squares / count - means**2).clip(0)
    return math.sqrt(spread.sum()) + 0.3 * math.hypot(*means)


@metric(
    unit="bits", better="none", reads=("output",), bounds=(0, 8), bins=256,
    channels="grey 0.298936/0.587043/0.114021 rounded half up",
)  # fmt: skip
def entropy(output: Bytes) -> float:
    """Shannon entropy of the 256 grey levels of an 8-bit image.

    Source: -sum p log2 p over the histogram of BT.601 luma rounded to integer, with the weights
    that MATLAB's rgb2gray takes from the inverse of the YIQ matrix: they decide ties.
    """
    counts = np.zeros(256, np.int64)
    for row in range(0, len(output), ROWS):
        luma = np.floor(output[row : row + ROWS].astype(np.float64) @ YIQ + 0.5)
        counts += np.bincount(luma.astype(np.intp).ravel(), minlength=256)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0


@metric(
    unit="", better="lower", reads=("output", "input"), bounds=(0, LARGEST),
    lightness="max over RGB", shorter_side=SHORTER_SIDE, resampling="area, exact",
    formula="mean over pixels of the number of pixels whose order is reversed",
)  # fmt: skip
def loe(output: Bytes, input: Bytes) -> float:  # noqa: A002 - the noun every metric declares
    """Lightness order error: how many pairs of pixels changed which one is lighter.

    Both images are reduced to 50 pixels on the shorter side; smaller ones stay as they are.
    The number grows with the pixels compared, so it says little between different shapes.

    Source: Wang, Zheng, Hu, Li 2013, eq. 2-4 (LOE), against the method's input.
    """
    after, before = (_lightness(image) for image in (output, input))
    reversed_ = 0
    for start in range(0, after.size, 512):  # rows of the table of all pairs
        part = slice(start, start + 512)
        order_after = after[part, None] >= after[None]
        order_before = before[part, None] >= before[None]
        reversed_ += int(np.count_nonzero(order_after ^ order_before))
    return reversed_ / after.size


def _lightness(image: Bytes) -> NDArray[np.float64]:
    """Return the maximum over RGB, reduced to 50 pixels on the shorter side, as a vector."""
    lightness: NDArray[np.float64] = image.max(axis=2).astype(np.float64)
    scale = SHORTER_SIDE / min(lightness.shape)
    if scale >= 1:
        return lightness.ravel()
    rows, columns = (_shares(side, max(1, round(side * scale))) for side in lightness.shape)
    # Sums of whole numbers, exact in float64: means of one value would differ in their last bits
    # and count as an order.
    return (rows @ lightness @ columns.T).ravel()


def _shares(length: int, count: int) -> NDArray[np.float64]:
    """Return (count, length): how much each pixel covers of each cell, in parts of a pixel."""
    cells, pixels = np.arange(count + 1)[:, None] * length, np.arange(length) * count
    shared = np.minimum(cells[1:], pixels + count) - np.maximum(cells[:-1], pixels)
    return shared.clip(0).astype(np.float64)
