"""The metrics that a library computes too: scikit-image, scikit-learn, pyiqa."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from skimage import measure
from skimage import metrics as library
from skimage.color import rgb2ycbcr
from sklearn.metrics import mean_absolute_error

from eval.cross_check.formulas import eight_bit, grey_levels, unit, yiq_levels
from eval.cross_check.pictures import Case
from eval.metrics import score_images

# Where they mean the same: pyiqa adds 1e-8 to errors and counts negative values of a similarity
# map as zero.
FAR = ("eight times darker", "nothing in common")
ALIKE = ("noise", "shift of 0.7 px", "blur", "odd size", "eight times darker", "constant")
THROUGH_PYIQA = {
    "psnr": ("psnr", FAR),
    "ssim": ("ssimc", ALIKE),
    "ssim_gray": ("ssim", ALIKE),
    "ms_ssim_product": ("ms_ssim", ALIKE),
}

_ENTROPY: Any = measure.shannon_entropy  # not all of them are typed
_PSNR: Any = library.peak_signal_noise_ratio
_SSIM: Any = library.structural_similarity


def by_pyiqa(name: str, case: Case) -> float:
    """Score a picture by a metric of pyiqa's that needs no parameter file."""
    pictures = (eight_bit(case.output), eight_bit(case.reference))
    return score_images(*pictures, [f"pyiqa:{name}"])[f"pyiqa:{name}"]


def psnr(case: Case) -> float:
    """PSNR of the 8-bit pictures."""
    return _psnr(eight_bit(case.output), eight_bit(case.reference), 255)


def psnr_float(case: Case) -> float:
    """PSNR of the unrounded pictures."""
    return _psnr(unit(case.output), unit(case.reference), 1)


def psnr_raw(case: Case) -> float:
    """PSNR of planes whose full scale is 1."""
    output, reference = case.planes
    return _psnr(output, reference, 1)


def psnr_y(case: Case) -> float:
    """PSNR of the limited-range luma as scikit-image converts it."""
    luma = [rgb2ycbcr(eight_bit(image))[..., 0] for image in (case.output, case.reference)]
    if np.abs(luma[0] - luma[1]).max() < 1e-9:  # its floats differ where the bytes do not
        return math.inf
    return _psnr(luma[0], luma[1], 255)


def mae(case: Case) -> float:
    """Mean absolute error of the 8-bit pictures."""
    output, reference = (eight_bit(image).ravel() for image in (case.output, case.reference))
    return float(mean_absolute_error(reference.astype(float), output.astype(float)))


def entropy(case: Case) -> float:
    """Shannon entropy of the rounded grey."""
    return float(_ENTROPY(yiq_levels(eight_bit(case.output)), base=2))


def ssim(case: Case) -> float:
    """SSIM of the three channels."""
    return _gaussian_ssim(eight_bit(case.output), eight_bit(case.reference), channel_axis=2)


def ssim_gray(case: Case) -> float:
    """SSIM of the rounded grey."""
    return _gaussian_ssim(*(grey_levels(eight_bit(i)) for i in (case.output, case.reference)))


def ssim_l2(case: Case) -> float:
    """SSIM with the library's own window, its old range of floats."""
    return float(
        _SSIM(
            unit(case.reference), unit(case.output), data_range=2, channel_axis=2
        )
    )  # fmt: skip


def _gaussian_ssim(output: Any, reference: Any, **options: Any) -> float:
    return float(
        _SSIM(
            reference, output, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            data_range=255, **options,
        )
    )  # fmt: skip


def _psnr(output: Any, reference: Any, peak: float) -> float:
    if library.mean_squared_error(reference, output) == 0:  # the library warns of dividing by it
        return math.inf
    return float(_PSNR(reference, output, data_range=peak))
