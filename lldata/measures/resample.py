"""Planes moved and turned by fractions of a pixel, without drawing them towards whole pixels.

OpenCV's cubic and Lanczos kernels do not keep a slope a slope: a shift of 0.25 px comes out as
0.30 and 0.26. A cubic through four pixels (Lagrange) does. A turn is three shears (Paeth 1986),
each of which moves whole rows or columns.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]

_TAPS = np.arange(-1, 3)  # pixels of the cubic


class Pose(NamedTuple):
    """Where the long lies against the short: pixels down and right, radians clockwise."""

    y: float
    x: float
    turn: float = 0.0

    def scaled(self, factor: float) -> Pose:
        """Return the pose in pixels `factor` times as small."""
        return Pose(self.y * factor, self.x * factor, self.turn)


def moved(plane: Planes, pose: Pose) -> Planes:
    """Return the plane (h, w) moved back by a pose: what lies there comes to where the short is.

    What comes from outside the plane is not defined; `overlap` says what does not.
    """
    if pose.turn:
        return _turned(plane, pose)
    height, width = plane.shape
    down, right = int(np.floor(pose.y)), int(np.floor(pose.x))
    if pose.y != down or pose.x != right:
        taps = _lagrange(pose.x - right), _lagrange(pose.y - down)
        plane = np.asarray(
            cv2.sepFilter2D(plane, -1, *taps, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE),
            np.float32,
        )
    out = np.zeros((height, width), np.float32)
    out[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)] = plane[
        max(0, down) : height - max(0, -down), max(0, right) : width - max(0, -right)
    ]
    return out


def overlap(shape: tuple[int, int], pose: Pose) -> tuple[slice, slice]:
    """Return the rows and columns of the short for which the long has pixels of its own."""
    y, x = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    corners = np.array([[-y, -y, y, y], [-x, x, -x, x]])
    c, s = np.cos(pose.turn), np.sin(pose.turn)
    down = c * corners[0] + s * corners[1] + pose.y - corners[0]
    right = c * corners[1] - s * corners[0] + pose.x - corners[1]
    rows = slice(_beyond(-down[:2]), shape[0] - _beyond(down[2:]))
    return rows, slice(_beyond(-right[::2]), shape[1] - _beyond(right[1::2]))


def _beyond(distances: NDArray[np.float64]) -> int:
    return int(np.ceil(max(0.0, float(distances.max())) - 1e-6))


def _turned(plane: Planes, pose: Pose) -> Planes:
    """Move by three shears whose product, with their offsets, is the pose about the centre."""
    height, width = plane.shape
    y, x = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    half, sine = np.tan(pose.turn / 2), np.sin(pose.turn)
    right = pose.x + half * pose.y
    plane = _sheared(plane, -half * y)
    plane = _sheared(plane.T, sine * x + pose.y - sine * right).T
    return _sheared(plane, -half * y + right)


def _sheared(plane: Planes, shifts: NDArray[np.float64]) -> Planes:
    """Return the plane (h, w), each row moved back by its own shift; 0 from outside."""
    height, width = plane.shape
    whole = np.floor(shifts).astype(int)
    weights = _lagrange(shifts - whole).astype(np.float32)
    margin = int(np.abs(whole).max()) + len(_TAPS)
    out = np.zeros((height, width), np.float32)
    starts = [0, *(np.flatnonzero(np.diff(whole)) + 1), height]
    for top, bottom in pairwise(starts):
        rows = np.pad(plane[top:bottom], ((0, 0), (margin, margin)))
        for tap, weight in zip(_TAPS, weights, strict=True):
            left = margin + int(whole[top]) + int(tap)
            out[top:bottom] += weight[top:bottom, None] * rows[:, left : left + width]
    return out


def _lagrange(at: Any) -> NDArray[np.float64]:
    """Return the weights of the pixels -1, 0, 1, 2 in the cubic through them, at 0 <= at < 1."""
    rows = []
    for tap in _TAPS:
        others = [other for other in _TAPS if other != tap]
        rows.append(np.prod([(at - other) / (tap - other) for other in others], axis=0))
    return np.array(rows, np.float64)
