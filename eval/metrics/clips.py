"""What only a clip shows: flicker, and what is left when each frame is moved onto the next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import LARGEST, metric
from eval.metrics.similarity import grey
from lldata.errors import ScoreError

BLOCKS = 8  # rows and columns of blocks whose brightness is followed

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@metric(
    unit="1/255", better="lower", reads=("clip",), bounds=(0, LARGEST), blocks=f"{BLOCKS}x{BLOCKS}",
    formula="mean of |m[t] - (m[t-1] + m[t+1]) / 2|, m the mean grey of a block",
)  # fmt: skip
def flicker(clip: Iterable[Bytes]) -> float:
    """How far the brightness of blocks jumps from the mean of the frames before and after.

    A steady fade or pan leaves it near zero; brightness that comes and goes from frame to frame
    does not. Reads 8-bit frames of one size; at least three.

    Source: the second temporal difference of block luma, as deflickering papers plot it.
    """
    means = np.stack([_block_means(frame) for frame in _checked(clip, "flicker", 3)])
    jumps = means[1:-1] - (means[:-2] + means[2:]) / 2
    return float(np.abs(jumps).mean())


@metric(
    unit="", better="lower", reads=("clip",), bounds=(0, 1), flow="DIS medium, grey, of the clip",
    occlusion="forward-backward: |f + b|^2 < 0.01 (|f|^2 + |b|^2) + 0.5",
    formula="mean over frames of the mean square over pixels that are seen in both, RGB in [0, 1]",
    unseen="a frame that shows nothing of the next is left out",
)  # fmt: skip
def warp_error(clip: Iterable[Bytes]) -> float:
    """How much each frame differs from the next one moved onto it, where both show the same.

    Noise and flicker raise it, motion that the flow follows does not; a blurred clip scores
    well, so it is read beside the other scores. Reads 8-bit frames; at least two. Where no frame
    shows anything of the next, as of a clip of cuts, there is no score: NaN.

    Source: Lai et al. 2018, eq. 6-7 (E_warp); the occlusion test is Sundaram et al. 2010's.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    steps = pairwise(_checked(clip, "warp_error", 2))
    errors = [_warped_difference(flow, now, after) for now, after in steps]
    known = [error for error in errors if error is not None]
    return float(np.mean(known)) if known else math.nan


def _warped_difference(flow: cv2.DISOpticalFlow, now: Bytes, after: Bytes) -> float | None:
    """Return the mean square over what both frames show, None where that is nothing."""
    first, second = grey(now)[..., 0], grey(after)[..., 0]
    if min(first.shape) < 16:  # the flow needs a few of its 8x8 patches
        forward = backward = np.zeros((*first.shape, 2), np.float32)
    else:
        start = np.zeros((*first.shape, 2), np.float32)
        forward = np.asarray(flow.calc(first, second, start.copy()), np.float32)
        backward = np.asarray(flow.calc(second, first, start), np.float32)
    moved, returned = (_moved(image, forward) for image in (after.astype(np.float32), backward))
    size = (forward**2).sum(axis=2) + (returned**2).sum(axis=2)
    seen = ((forward + returned) ** 2).sum(axis=2) < 0.01 * size + 0.5
    seen &= _inside(forward)
    if not seen.any():
        return None
    error = (now[seen] - moved[seen]) / 255
    return float(np.mean(error.astype(np.float64) ** 2))


def _moved(image: Floats, flow: Floats) -> Floats:
    """Return the image read where the flow points, bilinear."""
    rows, columns = np.indices(flow.shape[:2], np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _inside(flow: Floats) -> NDArray[np.bool_]:
    height, width = flow.shape[:2]
    rows, columns = np.indices((height, width), np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    inside: NDArray[np.bool_] = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside


def _block_means(frame: Bytes) -> NDArray[np.float64]:
    luma = grey(frame)[..., 0].astype(np.float64)
    size = (min(BLOCKS, luma.shape[1]), min(BLOCKS, luma.shape[0]))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA))


def _checked(clip: Iterable[Bytes], name: str, least: int) -> Iterator[Bytes]:
    """Yield the frames of a clip if there are enough of one size."""
    frames = iter(clip)
    first = list(islice(frames, least))
    if len(first) < least:
        raise ScoreError(
            f"--metrics {name}",
            f"the clip has {len(first)} frames",
            f"at least {least} are needed",
            "Score a longer clip",
        )
    for number, frame in enumerate(_chained(first, frames)):
        if frame.shape != first[0].shape:
            sizes = [f"{each.shape[1]}x{each.shape[0]}" for each in (frame, first[0])]
            raise ScoreError(
                f"frame {number} of the clip",
                f"its size is {sizes[0]}",
                f"the first is {sizes[1]}",
                "Score a clip of one size",
            )
        yield frame


def _chained(first: list[Bytes], rest: Iterator[Bytes]) -> Iterator[Bytes]:
    yield from first
    yield from rest
