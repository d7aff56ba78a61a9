"""How much a reference's own noise leaves to a perfect method: a ceiling of PSNR, in dB.

Even the clean scene itself differs from a reference that was rendered from a noisy long exposure.
The noise of each CFA channel is carried through what the render does: white balance, demosaicing,
colour matrix and curve, then the rounding to 8 bits that scores are made of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lldata import curve
from lldata.frame import Frame
from lldata.measures.blocks import Blocks
from lldata.render import SRGB_TO_XYZ

Values = NDArray[np.float64]

# Covariance (R, G, B) of flat fields demosaiced by LibRaw 0.22, AHD and its X-Trans method, for
# noise of variance 1 in the sites of one colour; measured, and measured again by a test.
_DEMOSAICED = {
    4: np.array([
        [[0.53, 0, 0], [0, 0.04, 0], [0, 0, 0]],
        [[0.535, 0.617, 0.45], [0.617, 0.758, 0.626], [0.45, 0.626, 0.53]],
        [[0, 0, 0], [0, 0.04, 0], [0, 0, 0.53]],
    ]),
    36: np.array([
        [[0.49, 0, 0], [0, 0.03, 0], [0, 0, 0]],
        [[0.496, 0.538, 0.38], [0.538, 0.743, 0.542], [0.38, 0.542, 0.498]],
        [[0, 0, 0], [0, 0.03, 0], [0, 0, 0.49]],
    ]),
}  # fmt: skip
_WAVES = np.arange(1, 17)[:, None, None]


def ceiling_db(long: Frame, lit: Blocks, white_dn: float, variance: Values) -> float:
    """Return the PSNR of the noiseless scene against the render of this frame.

    Parameters
    ----------
    long : the reference's frame
    lit : its blocks
    white_dn : the level that is rendered as white, DN above black
    variance : (channels, blocks) of its noise, DN^2
    """
    gains = np.array(long.white_balance[:3]) if min(long.white_balance[:3]) > 0 else np.ones(3)
    gains = gains / gains.min() / white_dn
    light, noise = (_three(each) for each in (lit.mean, variance))
    light, noise = light * gains[:, None], noise * gains[:, None] ** 2
    matrix = camera_to_srgb(long.colour_matrix)
    spread = np.einsum("dij,db->bij", _DEMOSAICED[len(long.cfa)], noise)
    of_srgb = np.einsum("ci,bij,cj->cb", matrix, spread, matrix)
    seen = matrix @ np.clip(light, 0, 1)
    sigma = 255 * _slope(seen) * np.sqrt(of_srgb) * (seen < 1)
    return float(10 * np.log10(255**2 / max(rounded_error(sigma).mean(), 1e-9)))


def _three(channels: Values) -> Values:
    """Return R, G, B: both greens of Bayer are one."""
    if len(channels) == 3:
        return channels
    return np.stack([channels[0], (channels[1] + channels[3]) / 2, channels[2]])


def camera_to_srgb(colour_matrix: tuple[tuple[float, ...], ...]) -> Values:
    """Return the matrix from white-balanced camera colours to linear sRGB; unknown: none is made.

    Source: dcraw's cam_xyz_coeff: rows of XYZ-to-camera times sRGB-to-XYZ sum to one.
    """
    to_camera = np.asarray(colour_matrix, np.float64) @ SRGB_TO_XYZ
    if not to_camera.any():
        return np.eye(3)
    inverse: Values = np.linalg.inv(to_camera / to_camera.sum(axis=1, keepdims=True))
    return inverse


def _slope(linear: Values) -> Values:
    """Return the slope of the reference's curve."""
    knee, offset = curve.knee_and_offset()
    inside = np.clip(linear, knee, 1)
    bent = (1 + offset) * curve.POWER * inside ** (curve.POWER - 1)
    return np.where(linear < knee, np.where(linear < 0, 0.0, curve.TOE_SLOPE), bent)


def rounded_error(sigma: Values) -> Values:
    """Return the mean squared error of two rounded values that differ by N(0, sigma^2).

    Both are rounded to whole numbers, their common part lies anywhere between two. With f the
    fraction of the difference this is E[d^2 + f (1 - f)], its second part as a cosine series.
    """
    waves = np.exp(-2 * (np.pi * _WAVES * sigma) ** 2) / (np.pi * _WAVES) ** 2
    rounding = np.maximum(1 / 6 - waves.sum(axis=0), 0)
    total: Values = sigma**2 + np.where(sigma < 0.05, sigma * np.sqrt(2 / np.pi), rounding)
    return total
