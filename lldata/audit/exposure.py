"""Whether the long frame really got `ratio` times the light of the short, and how much is clipped.

In the mean over blocks of green photosites, short = long / (a ratio) + b: a is the measured over
the nominal ratio, b the error of the black level. Long is regressed on, being nearly free of
noise; blocks with clipped photosites are left out, then those beyond three deviations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lldata.audit import Finding, Status
from lldata.audit.evidence import Pair
from lldata.registration import SAME_PLACE

Planes = NDArray[np.float32]

BLOCK_PX = 16  # packed pixels
_NEAR_WHITE = 0.95
_FEWEST_BLOCKS = 12


@dataclass(frozen=True)
class Fit:
    """The measured exposure ratio over the nominal one, with its standard error."""

    a: float
    error: float
    offset: float  # of the short, in units of its white - black


def fit(short: Planes, long: Planes, ratio: float) -> Fit | None:
    """Fit the exposure of two planes (h, w), linear; None where too few blocks are usable."""
    size = max(1, min(BLOCK_PX, min(short.shape) // 8))
    x, y = _tiles(long, size).mean(axis=1), _tiles(short, size).mean(axis=1)
    keep = _tiles(long, size).max(axis=1) < _NEAR_WHITE
    for _ in range(3):
        if np.count_nonzero(keep) < _FEWEST_BLOCKS or np.ptp(x[keep]) <= 0:
            return None
        slope, offset = np.polyfit(x[keep], y[keep], 1)
        residual = y - slope * x - offset
        spread = 1.4826 * np.median(np.abs(residual[keep]))
        keep &= np.abs(residual) <= 3 * max(spread, 1e-12)
    if slope <= 0:
        return None
    deviations = x[keep] - x[keep].mean()
    error = float(residual[keep].std() / np.sqrt((deviations**2).sum()) / slope)
    a = float(1 / (slope * ratio))
    return Fit(a, a * error, float(offset))


def _tiles(plane: Planes, size: int) -> NDArray[np.float64]:
    """Return the square blocks of a plane, (blocks, size * size)."""
    height, width = (side // size * size for side in plane.shape)
    tiles = plane[:height, :width].reshape(height // size, size, width // size, size)
    return tiles.transpose(0, 2, 1, 3).reshape(-1, size * size).astype(np.float64)


def audit(pair: Pair) -> Finding:
    """Turn the fit, the long's clipped share and its render's change of white into a finding."""
    limits, clipped, shift = pair.scene.protocol.limits, pair.scene.clipped, pair.shift
    white_change = pair.scene.white_change

    def finding(status: Status, value: float | None, limit: float, message: str) -> Finding:
        return pair.finding("exposure", status, value, limit, message)

    share = f"{clipped:.1%} of the long is clipped"
    if clipped >= limits.clipped_quarantine:
        return finding("quarantine", clipped, limits.clipped_quarantine, f"{share}. Expose less")
    if pair.scene.long is None:
        return finding(
            "unknown",
            None,
            limits.exposure_warn,
            f"a ready reference holds no linear long exposure to measure; {share}",
        )
    if shift is not None and shift.agreement < SAME_PLACE:
        return finding(
            "unknown", None, limits.exposure_warn, "short and long show different places"
        )
    measured = None
    if pair.comparable:
        measured = fit(pair.halves.mean(0), pair.scene.long_green, pair.ratio)
    if measured is None or 2 * measured.error >= limits.exposure_quarantine:
        return finding(
            "unknown",
            None,
            limits.exposure_warn,
            f"too little light in the short to measure the ratio; {share}",
        )
    deviation = abs(np.log(measured.a))
    said = (
        f"the measured ratio is {measured.a:.3f} ± {measured.error:.3f} of the nominal one, "
        f"short offset {measured.offset:+.5f} of white; {share}"
    )
    off = abs(measured.a - 1)
    sure = deviation - 2 * measured.error  # what noise alone does not explain
    if sure >= np.log1p(limits.exposure_quarantine):
        return finding("quarantine", off, limits.exposure_quarantine, said)
    if sure >= np.log1p(limits.exposure_warn):
        return finding("warn", off, limits.exposure_warn, said)
    if clipped >= limits.clipped_warn:
        return finding("warn", clipped, limits.clipped_warn, said)
    if white_change > limits.effective_white:
        return finding(
            "warn",
            white_change,
            limits.effective_white,
            f"{said}; LibRaw rendered its brightest pixel, {white_change:.1%} under the white "
            "level, as white",
        )
    return finding("pass", off, limits.exposure_warn, said)
