"""Clips as methods get them: frame after frame, the truth of a simulated one only as reference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lldata.errors import StoreError
from lldata.reading.clip_files import TRUTH_CLIP
from lldata.sample import Sample, pair_row
from lldata.store import Store

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]


def read_clip_sample(
    store: Store, pair: str, *, first: int = 0, count: int | None = None
) -> Sample:
    """Return one pair of clips as a sample: its `clip` yields the low clip's frames in order.

    Parameters
    ----------
    pair : its id, SCENE/low
    first, count : which of its frames; by default all

    Returns
    -------
    Its `ratio` is NaN, as nothing says how much darker an unpaired clip is; `reference` is never
    given, `clip_reference` yields it.

    Raises
    ------
    StoreError
        If the store has no such pair or its clip no such frames.
    """
    row = pair_row(store, pair)
    return Sample(pair, math.nan, clip=clip_frames(store, row.scene, row.short, first, count))


def clip_frames(
    store: Store, scene: str, clip: str, first: int = 0, count: int | None = None
) -> Iterator[Planes]:
    """Return an iterator over frames (3, H, W) float32 in [0, 1] of a clip low or target.

    Holds one frame at a time; what is wrong with the request is raised at once.
    """
    if clip == TRUTH_CLIP:
        raise StoreError(
            f"{store.name}/{scene}: {clip}", "it is read as a clip",
            "it is a reference alone, which methods never see", "Read low or target",
        )  # fmt: skip
    return _frames(store, scene, clip, first, count)


def clip_reference(
    store: Store, row: Any, first: int = 0, count: int | None = None
) -> Iterator[Planes] | None:
    """Return an iterator over the true frames of a row of the pair table, None where unknown.

    They are the low clip's frames without darkness, flicker and noise, (3, H, W) float32 in
    [0, 1]; only simulated clips have them. For metrics, and for methods that declare a
    reference_use.
    """
    if not row.reference:
        return None
    return _frames(store, row.scene, row.reference, first, count)


def _frames(store: Store, scene: str, clip: str, first: int, count: int | None) -> Iterator[Planes]:
    total = store.clip_shape(scene, clip)[0]
    end = total if count is None else first + count
    if not 0 <= first < end <= total:
        raise StoreError(
            f"{store.name}/{scene}: {clip}", f"frames {first} to {end - 1} are asked for",
            f"it has {total} frames, from 0", "Ask for some of them",
        )  # fmt: skip
    return (_planes(store.clip_frame(scene, clip, number)) for number in range(first, end))


def _planes(pixels: NDArray[np.uint16]) -> Planes:
    planes: Planes = pixels.transpose(2, 0, 1).astype(np.float32)
    planes /= np.float32(65535)
    return planes
