"""Whether short and long show the same place, and how far one is shifted against the other.

The short's green is compared with the long's on the same photosites. Its greens fall into two
interleaved halves with independent noise: their correlation is the short's own reliability in a
frequency band, and it bounds the correlation that any clean picture of the same place can reach
(Spearman 1904, correction for attenuation). So

    agreement = correlation(short, long at the best shift) / sqrt(reliability)

is near 1 when both show the same place, however noisy the short, and far below when not: noise is
not called movement, nor movement noise. The best shift is the peak of the masked normalised
cross-correlation (Padfield 2012, Eqs. 10-12), refined by least squares on the gradients (Lucas &
Kanade 1981), which also gives its standard error from the residual and the structure at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from lldata import cfa
from lldata.frame import Frame

Planes = NDArray[np.float32]

SEARCH_PX = 64  # packed pixels either way, at most a quarter of the frame
BANDS = (1.0, 2.0, 4.0)  # sigma of the fine side, packed pixels; the coarse side is 4 sigma
SAME_PLACE = 0.6  # agreement below: two different places
RELIABLE = 0.3  # reliability below: this band of the short is noise
LARGEST_SIDE = 1024  # pixels; larger frames are searched at half size, quarter size, ...
_CORRELATED = 4 * np.pi  # pixels over which noise smoothed with sigma 1 is one sample


@dataclass(frozen=True)
class Shift:
    """Where the long lies against the short, in packed pixels; positive is down and right."""

    y_px: float
    x_px: float
    error_px: float  # standard error in the direction that is known least
    agreement: float  # 1: the same place; near 0: another
    reliability: float  # of the short in the band used; 0: nothing but noise


def green_halves(frame: Frame) -> Planes:
    """Return two interleaved halves (2, h, w) of a frame's green, linear, black subtracted."""
    packed = cfa.normalise(frame)
    first, second = _green_planes(frame.cfa)
    return np.stack([packed[list(first)].mean(0), packed[list(second)].mean(0)])


def green_of_picture(linear_green: Planes, pattern: str) -> Planes:
    """Return the green (h, w) of a linear picture's green channel on the mosaic's green sites."""
    planes: Planes = halves_of_picture(linear_green, pattern).mean(0)
    return planes


def halves_of_picture(linear_green: Planes, pattern: str) -> Planes:
    """Return two interleaved halves (2, h, w) of a linear picture's green on the green sites."""
    packed = cfa.pack(linear_green, pattern)
    first, second = _green_planes(pattern)
    return np.stack([packed[list(first)].mean(0), packed[list(second)].mean(0)])


def _green_planes(pattern: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    # X-Trans: the 2x2 greens of each 3x3 cell, split along the diagonals, share one centre
    return ((1,), (3,)) if cfa.scale(pattern) == 2 else ((5, 8), (6, 7))


def measure(halves: Planes, target: Planes) -> Shift | None:
    """Measure the shift of `target` (h, w) against the short given as two halves (2, h, w).

    Returns None when no band of the short, or nothing in the target, rises above the noise.
    """
    gain = max(float(halves.mean()), 1e-9) / max(float(target.mean()), 1e-9)
    level = 0.05 * max(float(halves.mean()), 1e-9)
    for sigma in BANDS:
        first, second, long = (
            _band(plane, sigma, level) for plane in (halves[0], halves[1], target * gain)
        )
        half = _correlation(first, second)
        reliability = 2 * half / (1 + half) if half > 0 else 0.0  # of the mean of both halves
        if reliability >= RELIABLE and long.std() > 1e-6 * np.sqrt(level):
            short = _band(halves.mean(0), sigma, level)
            return _best(short, long, sigma, reliability)
    return None


def _band(plane: Planes, sigma: float, level: float) -> Planes:
    """Return one frequency band of a plane after a square root that evens out photon noise."""
    calm = np.minimum(plane, np.percentile(plane, 99.7))  # hot photosites and aliased highlights
    smooth = cv2.GaussianBlur(calm, (0, 0), sigma)
    root = np.sqrt(np.maximum(smooth, 0) + np.float32(level))
    band = root - cv2.GaussianBlur(root, (0, 0), 4 * sigma)
    return band.astype(np.float32, copy=False)


def _correlation(a: Planes, b: Planes) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum(dtype=np.float64) * (b * b).sum(dtype=np.float64)))
    return float((a * b).sum(dtype=np.float64)) / norm if norm > 0 else 0.0


def _best(short: Planes, long: Planes, sigma: float, reliability: float) -> Shift:
    factor = 1
    while max(short.shape) / factor > LARGEST_SIDE:
        factor *= 2
    radius = min(SEARCH_PX, min(short.shape) // 4)
    correlation = _cross_correlation(
        _reduced(short, factor), _reduced(long, factor), max(radius // factor, 1)
    )
    y, x = (factor * v for v in _peak(correlation))
    y, x, error = _refine(short, long, y, x, sigma)
    inside_short, inside_long = _overlap(short, _shifted(long, y, x), y, x)
    agreement = _correlation(inside_short, inside_long) / np.sqrt(reliability)
    return Shift(y, x, error, float(agreement), reliability)


def _reduced(plane: Planes, factor: int) -> Planes:
    if factor == 1:
        return plane
    size = (plane.shape[1] // factor, plane.shape[0] // factor)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _cross_correlation(short: Planes, long: Planes, radius: int) -> NDArray[np.float64]:
    """Return the normalised correlation over the overlap for every shift up to `radius`.

    Entry (radius + y, radius + x) belongs to the shift that moves `long` back by (y, x).
    Source: Padfield 2012, "Masked object registration in the Fourier domain", Eqs. 10-12.
    """
    height, width = short.shape
    size = fft.next_fast_len(height + radius), fft.next_fast_len(width + radius)
    ones = np.ones_like(short)
    spectra = [
        fft.rfft2(p.astype(np.float64), size)
        for p in (short, long, short * short, long * long, ones)
    ]
    s, r, ss, rr, one = spectra

    def overlap(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> NDArray[np.float64]:
        full: NDArray[np.float64] = fft.irfft2(np.conj(a) * b, size)
        return np.roll(full, (radius, radius), (0, 1))[: 2 * radius + 1, : 2 * radius + 1]

    count = np.maximum(overlap(one, one), 1)
    sum_short, sum_long = overlap(s, one), overlap(one, r)
    covariance = overlap(s, r) - sum_short * sum_long / count
    energy = (overlap(ss, one) - sum_short**2 / count) * (overlap(one, rr) - sum_long**2 / count)
    floor = 1e-6 * max(float(energy.max()), 1e-30)
    return covariance / np.sqrt(np.maximum(energy, floor))


def _peak(correlation: NDArray[np.float64]) -> tuple[float, float]:
    """Return the shift of the highest entry, to a fraction of a pixel by a parabola each way."""
    row, column = (int(v) for v in np.unravel_index(correlation.argmax(), correlation.shape))
    radius = correlation.shape[0] // 2
    return (
        row - radius + _vertex(correlation[:, column], row),
        column - radius + _vertex(correlation[row], column),
    )


def _vertex(line: NDArray[np.float64], at: int) -> float:
    if not 0 < at < len(line) - 1:
        return 0.0
    before, here, after = line[at - 1 : at + 2]
    curvature = before - 2 * here + after
    return float(0.5 * (before - after) / curvature) if curvature < 0 else 0.0


def _shifted(plane: Planes, y: float, x: float) -> Planes:
    """Return the plane moved back by (y, x): its pixel (i + y, j + x) comes to (i, j)."""
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    size = (plane.shape[1], plane.shape[0])
    moved = cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return moved.astype(np.float32, copy=False)


def _overlap(short: Planes, moved: Planes, y: float, x: float) -> tuple[Planes, Planes]:
    """Cut both planes to where `moved`, shifted by (y, x), has pixels of its own."""
    height, width = short.shape
    rows = slice(max(0, int(np.ceil(-y))), height - max(0, int(np.ceil(y))))
    columns = slice(max(0, int(np.ceil(-x))), width - max(0, int(np.ceil(x))))
    return short[rows, columns], moved[rows, columns]


def _refine(
    short: Planes, long: Planes, y: float, x: float, sigma: float
) -> tuple[float, float, float]:
    """Refine a shift by least squares; return it with its standard error, packed pixels."""
    start, error = (y, x), np.inf
    for _ in range(4):
        inside, moved = _overlap(short, _shifted(long, y, x), y, x)
        slope_y, slope_x = np.gradient(moved)
        design = np.stack([slope_y, slope_x, moved, np.ones_like(moved)]).reshape(4, -1)
        normal = (design @ design.T).astype(np.float64)
        normal += np.eye(4) * 1e-12 * np.trace(normal)
        solution = np.linalg.solve(normal, (design @ inside.ravel()).astype(np.float64))
        gain = solution[2]
        if gain <= 0:
            break
        step = solution[:2] / gain
        if np.abs(step).max() > 1.5:  # beyond what a gradient can tell
            break
        residual = inside.ravel() - solution @ design
        samples = max(inside.size / (_CORRELATED * sigma**2), 5)
        variance = float((residual.astype(np.float64) ** 2).mean()) * inside.size / samples
        covariance = variance * np.linalg.inv(normal)[:2, :2] / gain**2
        error = float(np.sqrt(max(np.linalg.eigvalsh(covariance)[-1], 0)))
        y, x = y + float(step[0]), x + float(step[1])
        if np.abs(step).max() < 0.01:
            break
    if np.hypot(y - start[0], x - start[1]) > 3 * sigma:
        y, x = start
    return y, x, error
