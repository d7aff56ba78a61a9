"""Pairs as a training looks at them: whole ones to score, and the middle of one to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.method import Method
from lldata import cfa
from lldata.clip_sample import clip_frames, clip_reference
from lldata.render import encode
from lldata.sample import (
    Sample,
    packed_shape,
    pair_row,
    read_crop,
    read_picture_crop,
    read_sample,
)
from lldata.store import Store

Picture = NDArray[np.float32]  # (3, H, W) in [0, 1]


def whole(store: Store, pair: str) -> Sample:
    """Return a pair with its reference; of clips the first frame, whose truth may be unknown."""
    if store.kind != "clips":
        return read_sample(store, pair, reference=True)
    row = pair_row(store, pair)
    frames = clip_frames(store, row.scene, row.short, 0, 1)
    truth = clip_reference(store, row, 0, 1)
    return Sample(pair, np.nan, clip=frames, reference=None if truth is None else next(truth))


def picture(method: Method, sample: Sample) -> Picture:
    """Return what a method makes of a sample; of a clip its first frame."""
    if method.info.domain != "clip":
        return method(sample)
    frames: Any = method(sample)
    first: Picture = next(iter(frames))
    return first


def middle(store: Store, row: Any, size: int) -> tuple[Picture, Sample, Picture]:
    """Return the middle of a pair: as it is shown, as a sample, and what it should become.

    Parameters
    ----------
    row : of the pair table
    size : (packed) pixels on a side, where the frame is as large

    Returns
    -------
    The first is a picture of the size of the last, which for unpaired clips is the target's
    middle: it shows another time.
    """
    return _MIDDLES[store.kind](store, row, size)


def _of_frame(store: Store, row: Any, size: int) -> tuple[Picture, Sample, Picture]:
    y, x, size = _square(packed_shape(store, row)[1:], size)
    packed, reference = read_crop(store, row, y, x, size)
    return _shown(packed, row.ratio), Sample(row.pair, float(row.ratio), packed=packed), reference


def _of_pictures(store: Store, row: Any, size: int) -> tuple[Picture, Sample, Picture]:
    y, x, size = _square(store.shape(row.scene, row.reference, "normal"), size)
    low, reference = read_picture_crop(store, row, y, x, size)
    return low, Sample(row.pair, np.nan, srgb=low), reference


def _of_clips(store: Store, row: Any, size: int) -> tuple[Picture, Sample, Picture]:
    y, x, size = _square(store.clip_shape(row.scene, "low")[1:3], size)
    low, target = (
        np.ascontiguousarray(next(clip_frames(store, row.scene, clip, 0, 1))[
            :, y : y + size, x : x + size
        ])
        for clip in ("low", "target")
    )  # fmt: skip
    return low, Sample(row.pair, np.nan, clip=iter([low])), target


_MIDDLES: dict[str, Callable[[Store, Any, int], tuple[Picture, Sample, Picture]]] = {
    "raw": _of_frame,
    "pictures": _of_pictures,
    "clips": _of_clips,
}


def _square(shape: tuple[int, ...], size: int) -> tuple[int, int, int]:
    """Return top, left and side of the middle square."""
    height, width = shape
    size = min(size, height, width)
    return (height - size) // 2, (width - size) // 2, size


def _shown(packed: Picture, ratio: float) -> Picture:
    """Return amplified planes as a picture: means of each colour on the curve of references."""
    plan = cfa.layout(cfa.BAYER if len(packed) == 4 else cfa.XTRANS)
    light = (packed * np.float32(ratio)).clip(0, 1)
    colours = [
        np.mean([plane for plane, of in zip(light, plan.colours, strict=True) if of == letter], 0)
        for letter in "RGB"
    ]
    shown: Picture = encode(np.stack(colours)).astype(np.float32)
    return shown.repeat(plan.scale, axis=1).repeat(plan.scale, axis=2)
