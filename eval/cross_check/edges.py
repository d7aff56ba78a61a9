"""The sharpness of a slanted edge computed a second time: loops, sums and a plain transform."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from itertools import pairwise

from eval.cross_check.formulas import unit
from eval.cross_check.pictures import Case
from lldata.curve import linearise

Row = Sequence[float]


def mtf50(case: Case) -> float:
    """Frequency at which the edge keeps half its contrast."""
    linear = linearise(unit(case.output))
    luma = (0.2126 * linear[..., 0] + 0.7152 * linear[..., 1] + 0.0722 * linear[..., 2]).tolist()
    rows = list(zip(*luma, strict=True)) if _along_rows(luma) else luma
    slope, offset = _line(rows)
    spread = _derivative(_profile(rows, slope, offset))
    response = _response(spread)
    step = 4 / len(spread) * math.hypot(1, slope)
    for last in range(len(response) - 1):
        above, below = response[last : last + 2]
        if below < 0.5:
            return min(0.5, step * (last + (above - 0.5) / (above - below)))
    return 0.5


def _along_rows(luma: Sequence[Row]) -> bool:
    left, right = (sum(row[place] for row in luma) / len(luma) for place in (0, -1))
    top, bottom = (sum(row) / len(row) for row in (luma[0], luma[-1]))
    return abs(bottom - top) > abs(right - left)


def _line(rows: Sequence[Row]) -> tuple[float, float]:
    """Return slope and offset of the edge: centroids of rows, least squares, closer each time."""
    rising = sum(row[-1] - row[0] for row in rows) > 0
    steps = [[b - a if rising else a - b for a, b in pairwise(row)] for row in rows]
    columns = len(steps[0])
    slope, offset, width = 0.0, columns / 2, float(columns)
    for _ in range(4):
        points = []
        for place, row in enumerate(steps):
            centre = slope * place + offset
            near = [(c + 0.5, max(v, 0) ** 2) for c, v in enumerate(row)
                    if abs(c + 0.5 - centre) <= width / 2]  # fmt: skip
            total = math.fsum(weight for _, weight in near)
            if total > 0:
                points.append((place, math.fsum(c * w for c, w in near) / total, total**2))
        slope, offset = _least_squares(points)
        width = max(12.0, width / 3)
    return slope, offset


def _least_squares(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Return the line through (x, y, weight)."""
    total = math.fsum(w for _, _, w in points)
    x_mean = math.fsum(x * w for x, _, w in points) / total
    y_mean = math.fsum(y * w for _, y, w in points) / total
    slope = math.fsum(w * (x - x_mean) * (y - y_mean) for x, y, w in points) / math.fsum(
        w * (x - x_mean) ** 2 for x, _, w in points
    )
    return slope, y_mean - slope * x_mean


def _profile(rows: Sequence[Row], slope: float, offset: float) -> list[float]:
    """Return the mean brightness in each quarter pixel from the edge; gaps are joined."""
    reach = int(min(len(rows[0]) / 2 - 2, 64)) * 4
    bins: dict[int, list[float]] = {}
    for place, row in enumerate(rows):
        for column, value in enumerate(row):
            index = round((column - slope * place - offset) * 4) + reach
            if 0 <= index <= 2 * reach:
                bins.setdefault(index, []).append(value)
    means = {index: math.fsum(values) / len(values) for index, values in bins.items()}
    return [_joined(means, index) for index in range(2 * reach + 1)]


def _joined(means: dict[int, float], index: int) -> float:
    if index in means:
        return means[index]
    before, after = [i for i in means if i < index], [i for i in means if i > index]
    if not before or not after:
        return means[min(after) if after else max(before)]
    low, high = max(before), min(after)
    return means[low] + (means[high] - means[low]) * (index - low) / (high - low)


def _derivative(profile: list[float]) -> list[float]:
    """Return the central difference under a Hamming window."""
    last = len(profile) - 1
    padded = [2 * profile[0] - profile[1], *profile, 2 * profile[-1] - profile[-2]]
    return [
        (padded[i + 2] - padded[i]) / 2 * (0.54 - 0.46 * math.cos(2 * math.pi * i / last))
        for i in range(last + 1)
    ]


def _response(spread: list[float]) -> list[float]:
    """Return the transform's modulus over that at zero, without the difference's own response."""
    count = len(spread)
    turn = -2j * math.pi / count
    found = []
    for frequency in range(count // 2 + 1):
        modulus = abs(sum(v * cmath.exp(turn * frequency * i) for i, v in enumerate(spread)))
        angle = 2 * math.pi * frequency / count
        own = math.sin(angle) / angle if frequency else 1.0
        found.append(modulus / max(own, 0.1))
    return [value / found[0] for value in found]
