"""CIEDE2000 written a second time: from 8-bit sRGB to one number, angles in degrees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.cross_check.formulas import eight_bit
from eval.cross_check.pictures import Case
from eval.metrics.charts import BRADFORD, CHART
from eval.metrics.definition import Image

SRGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169),
        (0.019334, 0.119193, 0.950227))  # fmt: skip  # to XYZ under D65
D65, D50 = (0.95047, 1.0, 1.08883), (0.96421199, 1.0, 0.82518828)  # 2 degrees
SEVENTH = 25.0**7

Floats = NDArray[np.floating[Any]]


def delta_e(case: Case) -> float:
    """Mean colour difference over pixels."""
    one, other = (_lab(_xyz(eight_bit(i)), D65) for i in (case.output, case.reference))
    return float(ciede2000(one, other).mean())


def chart_delta_e(case: Case) -> float:
    """Mean colour difference of 24 patches, each the mean of its middle half."""
    image = eight_bit(case.output).astype(float)
    high, wide = image.shape[0] / 4, image.shape[1] / 6
    means = []
    for row in range(4):
        for column in range(6):
            top, bottom = (round(high * (row + share)) for share in (0.25, 0.75))
            left, right = (round(wide * (column + share)) for share in (0.25, 0.75))
            means.append(image[top:bottom, left:right].reshape(-1, 3).mean(axis=0))
    adapted = np.einsum("ij,nj->ni", BRADFORD, _xyz(np.array(means)))
    return float(ciede2000(_lab(adapted, D50), CHART).mean())


def ciede2000(one: Floats, other: Floats) -> Floats:
    """Return the colour difference of CIELAB values (..., 3).

    Source: Sharma, Wu, Dalal 2005, eq. 2-22; kL = kC = kH = 1.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(each, -1, 0) for each in (one, other))
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + SEVENTH))  # 1 + G
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    turn = (h2 - h1 + 180) % 360 - 180  # the shorter way round
    turn = np.where(h2 - h1 == 180, 180, turn)
    turn = np.where(grey, 0, turn)
    hue_step = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    hue = np.where(grey, h1 + h2, _mean_hue(h1, h2))
    light, colour = (l1 + l2) / 2, (c1 + c2) / 2
    weight = _hue_weight(hue)
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * colour, 1 + 0.015 * colour * weight
    turned = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(colour**7 / (colour**7 + SEVENTH)) * np.sin(np.radians(turned))
    terms = (l2 - l1) / s_l, (c2 - c1) / s_c, hue_step / s_h
    square = terms[0] ** 2 + terms[1] ** 2 + terms[2] ** 2 + rotation * terms[1] * terms[2]
    return np.asarray(np.sqrt(np.maximum(square, 0)))


def _mean_hue(h1: Floats, h2: Floats) -> Floats:
    """Return the hue half way between two, the shorter way round."""
    total = h1 + h2
    far = np.where(total < 360, total + 360, total - 360)
    return np.asarray(np.where(np.abs(h1 - h2) <= 180, total, far) / 2)


def _hue_weight(hue: Floats) -> Floats:
    """Return T of the hue term."""
    terms = ((-0.17, 1, -30.0), (0.24, 2, 0.0), (0.32, 3, 6.0), (-0.20, 4, -63.0))
    return np.asarray(1 + sum(k * np.cos(np.radians(n * hue + turn)) for k, n, turn in terms))


def _xyz(levels: Image) -> Floats:
    """Return XYZ under D65 of sRGB levels of 0 to 255, (..., 3)."""
    encoded = levels / 255
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    return np.asarray(np.einsum("ij,...j->...i", np.array(SRGB), linear))


def _lab(xyz: Floats, white: tuple[float, float, float]) -> Floats:
    """Return CIELAB, with the constants as the CIE printed them in 1976."""
    share = xyz / np.array(white)
    bent = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
