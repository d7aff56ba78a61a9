"""Structural similarity: one definition for colour, one for grey.

It is computed tile by tile, and large pictures strip by strip in machine code where the extra
`fast` is installed; the two differ by less than 1e-8.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import metric
from eval.metrics.sums.tiles import sum_of_tiles
from eval.metrics.sums.window import SIGMA, inner_size

LARGE = 1 << 20  # pixels from which machine code is worth its loading
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
    inner = inner_size(height, width)
    summed = sum_of_tiles
    if height * width >= LARGE and find_spec("numba") is not None:
        from eval.metrics.sums.compiled import sum_of_strips as summed  # half a second
    return summed(output, reference) / float(inner[0] * inner[1] * channels)
