"""Scores of photographs of charts: sharpness of a slanted edge, colours of a ColorChecker."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2xyz, xyz2lab

from eval.metrics.definition import LARGEST, metric
from lldata.curve import linearise
from lldata.errors import ScoreError

OVERSAMPLING = 4  # samples of the edge's profile per pixel
SLANT = (2.0, 15.0)  # degrees from the rows or columns; beyond, sharpness is overstated

# CIELAB (D50, 2 degrees) of the 24 patches from the top left, row by row: dark skin ... black.
# Source: X-Rite, ColorChecker Classic, values for charts made before November 2014.
CHART = np.array([
    [37.986, 13.555, 14.059], [65.711, 18.130, 17.810], [49.927, -4.880, -21.925],
    [43.139, -13.095, 21.905], [55.112, 8.844, -25.399], [70.719, -33.397, -0.199],
    [62.661, 36.067, 57.096], [40.020, 10.410, -45.964], [51.124, 48.239, 16.248],
    [30.325, 22.976, -21.587], [72.532, -23.709, 57.255], [71.941, 19.363, 67.857],
    [28.778, 14.179, -50.297], [55.261, -38.342, 31.370], [42.101, 53.378, 28.190],
    [81.733, 4.039, 79.819], [51.935, 49.986, -14.574], [51.038, -28.631, -28.638],
    [96.539, -0.425, 1.186], [81.257, -0.638, -0.335], [66.766, -0.734, -0.504],
    [50.867, -0.153, -0.270], [35.656, -0.421, -1.231], [20.461, -0.079, -0.973],
])  # fmt: skip
ROWS, COLUMNS = 4, 6
BRADFORD = np.array([  # XYZ under D65 to XYZ under D50; Lindbloom, Chromatic adaptation
    [1.0478112, 0.0228866, -0.0501270],
    [0.0295424, 0.9904844, -0.0170491],
    [-0.0092345, 0.0150436, 0.7521316],
])  # fmt: skip

Floats = NDArray[np.floating[Any]]


@metric(
    unit="cycles/px", better="higher", reads=("output",), pixels="float", bounds=(0, 0.5),
    channels="linear BT.709 luma", oversampling=OVERSAMPLING, window="Hamming",
)  # fmt: skip
def mtf50(output: Floats) -> float:
    """Spatial frequency at which a slanted edge keeps half its contrast.

    The image is a crop around one straight edge, 2 to 15 degrees off the rows or columns, dark
    on one side and light on the other. 0.5 cycles/px is the sampling limit: sharper edges,
    which only sharpening makes, count as 0.5.

    Source: ISO 12233:2017, e-SFR: the edge's place in each row by the centroid of its
    derivative, a line through them, the profile across it in quarter pixels, its derivative
    under a Hamming window, Fourier transform, corrected for the derivative's own response.
    """
    luma = linearise(np.asarray(output, np.float64)) @ np.array([0.2126, 0.7152, 0.0722])
    if _across_rows(luma):
        luma = luma.T
    slope, offset = _edge(luma)
    profile = _profile(luma, slope, offset)
    spread = np.gradient(profile) * np.hamming(len(profile))
    response = np.abs(np.fft.rfft(spread))
    response /= response[0]
    frequency = np.fft.rfftfreq(len(spread), 1 / OVERSAMPLING) * np.hypot(1, slope)
    # the central difference over two samples damps high frequencies by this much
    response[1:] /= np.sinc(2 * np.fft.rfftfreq(len(spread))[1:]).clip(0.1)
    below = np.flatnonzero(response < 0.5)
    if not len(below):
        return 0.5
    last = below[0]
    share = (response[last - 1] - 0.5) / (response[last - 1] - response[last])
    found = frequency[last - 1] + share * (frequency[last] - frequency[last - 1])
    return float(min(found, 0.5))


def _across_rows(luma: Floats) -> bool:
    """Return whether the edge runs along the rows rather than along the columns."""
    if min(luma.shape) < 16:
        raise _no_edge(f"it is {luma.shape[1]}x{luma.shape[0]}", "at least 16x16 pixels are needed")
    steps = [abs(float(np.diff(luma.mean(axis=axis)).sum())) for axis in (0, 1)]
    if max(steps) < 0.02:
        raise _no_edge("light and dark side differ by less than 0.02", "an edge is needed")
    return steps[1] > steps[0]


def _edge(luma: Floats) -> tuple[float, float]:
    """Return slope and offset of the edge's column by row, for an edge along the columns."""
    derivative = np.diff(luma, axis=1)
    derivative *= np.sign(derivative.sum())
    columns, rows = np.arange(derivative.shape[1]) + 0.5, np.arange(len(luma))
    slope = offset = 0.0
    width: float = derivative.shape[1]
    for _ in range(4):  # first over the whole row, then ever closer to the line found
        centre = (slope * rows + offset)[:, None] if width < derivative.shape[1] else width / 2
        near = np.abs(columns - centre) <= width / 2
        weights = np.where(near, derivative, 0).clip(0) ** 2  # noise far from it counts little
        total = weights.sum(axis=1)
        good = total > 0
        if good.sum() < 8:
            raise _no_edge("it is not found in most rows", "it has to cross the whole crop")
        places = (weights[good] @ columns) / total[good]
        slope, offset = np.polyfit(rows[good], places, 1, w=total[good])
        width = max(12.0, width / 3)
    angle = round(float(np.degrees(np.arctan(abs(slope)))), 1)
    if not SLANT[0] <= angle <= SLANT[1]:
        raise _no_edge(
            f"it is {angle:.1f} degrees off", f"{SLANT[0]:g} to {SLANT[1]:g} degrees are needed"
        )
    return float(slope), float(offset)


def _profile(luma: Floats, slope: float, offset: float) -> Floats:
    """Return the mean brightness by distance from the edge along the rows, in quarter pixels."""
    rows, columns = np.indices(luma.shape)
    distance = columns - (slope * rows + offset)
    reach = int(min(luma.shape[1] / 2 - 2, 64)) * OVERSAMPLING
    bins = np.rint(distance * OVERSAMPLING).astype(int) + reach
    inside = (bins >= 0) & (bins <= 2 * reach)
    count = np.bincount(bins[inside], minlength=2 * reach + 1)
    total = np.bincount(bins[inside], luma[inside], minlength=2 * reach + 1)
    filled = np.flatnonzero(count)
    return np.interp(np.arange(2 * reach + 1), filled, total[filled] / count[filled])


def _no_edge(found: str, expected: str) -> ScoreError:
    return ScoreError("mtf50: the edge", found, expected, "Give a crop around one slanted edge")


@metric(
    unit="", better="lower", reads=("output",), bounds=(0, LARGEST), chart="ColorChecker Classic",
    formula="mean CIEDE2000 over 24 patches", space="sRGB to CIELAB, D50 (Bradford), 2 degrees",
    patch="mean of the middle half",
)  # fmt: skip
def chart_delta_e(output: NDArray[np.uint8]) -> float:
    """Mean CIEDE2000 colour difference of the 24 patches of a ColorChecker from its data sheet.

    The image is a crop of the chart alone, upright, six columns by four rows, dark skin top
    left and black bottom right.

    Source: Sharma, Wu, Dalal 2005; patch values by the maker for D50.
    """
    height, width = output.shape[:2]
    if height < 4 * ROWS or width < 4 * COLUMNS:
        raise ScoreError(
            "chart_delta_e: the chart",
            f"it is {width}x{height}",
            f"at least {4 * COLUMNS}x{4 * ROWS} pixels are needed",
            "Give a crop of the whole chart",
        )
    patches = np.array([
        output[_middle(row, ROWS, height), _middle(column, COLUMNS, width)].mean(axis=(0, 1))
        for row in range(ROWS) for column in range(COLUMNS)
    ])  # fmt: skip
    found = xyz2lab(rgb2xyz(patches / 255) @ BRADFORD.T, illuminant="D50")
    difference: Any = deltaE_ciede2000(found, CHART)  # type: ignore[no-untyped-call]
    return float(difference.mean())


def _middle(index: int, count: int, length: int) -> slice:
    start, end = index * length / count, (index + 1) * length / count
    quarter = (end - start) / 4
    return slice(round(start + quarter), max(round(start + quarter) + 1, round(end - quarter)))
