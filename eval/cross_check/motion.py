"""The scores of clips computed a second time: block means by scikit-image, warping by SciPy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from scipy.ndimage import map_coordinates
from skimage import transform

from eval.cross_check.formulas import grey_levels
from eval.cross_check.pictures import Case, Floats
from eval.metrics.definition import Image


def flicker(case: Case) -> float:
    """Distance of a block's brightness from the mean of the frames before and after."""
    reduce: Any = transform.resize_local_mean
    means = [reduce(grey_levels(frame).astype(float), (8, 8)) for frame in case.clip]
    triples = zip(means, means[1:], means[2:], strict=False)
    return float(np.mean([np.abs(now - (before + after) / 2) for before, now, after in triples]))


def warp_error(case: Case) -> float:
    """Square difference of each frame from the next one moved onto it, by the same optical flow."""
    return float(np.mean([_difference(now, after) for now, after in pairwise(case.clip)]))


def _difference(now: Image, after: Image) -> float:
    there, back = _flow(now, after), _flow(after, now)
    rows, columns = np.indices(now.shape[:2])
    places = np.stack([rows + there[..., 1], columns + there[..., 0]])
    returned = np.stack([_read(back[..., axis], places) for axis in (0, 1)], axis=2)
    miss = np.square(there + returned).sum(axis=2)
    length = np.square(there).sum(axis=2) + np.square(returned).sum(axis=2)
    height, width = now.shape[:2]
    inside = (places >= 0).all(axis=0) & (places[0] <= height - 1) & (places[1] <= width - 1)
    seen = inside & (miss < 0.01 * length + 0.5)
    errors = [now[..., c] - _read(after[..., c].astype(float), places) for c in range(3)]
    return float(np.mean([np.square(error[seen] / 255).mean() for error in errors]))


def _flow(first: Image, second: Image) -> Floats:
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((*first.shape[:2], 2), np.float32)
    return np.asarray(dense.calc(grey_levels(first), grey_levels(second), start), np.float64)


def _read(plane: Floats, places: Floats) -> Floats:
    found: Floats = map_coordinates(plane, places, order=1, mode="nearest")
    return found
