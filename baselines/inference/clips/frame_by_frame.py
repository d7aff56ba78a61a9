"""Methods on clips: one frame after the other, never a whole clip in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from baselines.method import Method
from lldata.errors import MethodError
from lldata.sample import Sample

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]


def frame_by_frame(method: Method, sample: Sample) -> Iterator[Planes]:
    """Yield the frames of a sample's clip, each enhanced by a picture method by itself.

    Parameters
    ----------
    method : of domain srgb
    sample : with a clip; the method gets samples of one frame each, in `srgb`

    Raises
    ------
    MethodError
        If the method reads RAW frames or whole clips, or the sample has no clip.
    """
    if method.info.domain != "srgb":
        raise MethodError(
            f"--model {method.info.name}", f"it is of domain {method.info.domain}",
            "the frames of a clip are ready pictures",
            "Choose a method of domain srgb or clip (lleval models)",
        )  # fmt: skip

    def enhanced(frame: Planes, number: int) -> Planes:
        return method(replace(sample, pair=f"{sample.pair} frame {number}", srgb=frame, clip=None))

    # map keeps no frame; a loop's variable would until the next is made, 0.4 GB of 8K
    return map(enhanced, clip_of(sample, method.info.name), count())


def enhanced_clip(method: Method, sample: Sample) -> Iterator[Planes]:
    """Yield the enhanced frames of a sample's clip, by a method of domain clip or srgb.

    Raises
    ------
    MethodError
        If the method reads RAW frames, the sample has no clip, or a frame that comes back is no
        finite picture of the size of the first.
    """
    if method.info.domain != "clip":
        return _checked(frame_by_frame(method, sample), method.info.name, sample.pair)
    clip_of(sample, method.info.name)
    frames: Iterable[Planes] = method(sample)
    return _checked(frames, method.info.name, sample.pair)


def clip_of(sample: Sample, name: str) -> Iterator[Planes]:
    """Return the clip of a sample.

    Raises
    ------
    MethodError
        If it has none.
    """
    if sample.clip is None:
        raise MethodError(
            f"{name} on {sample.pair}", "the sample holds no clip", f"{name} needs one",
            "Use a dataset of clips, or another method (lleval models)",
        )  # fmt: skip
    return sample.clip


def _checked(frames: Iterable[Planes], name: str, pair: str) -> Iterator[Planes]:
    def checked(frame: Planes, number: int) -> Planes:
        if frame.ndim != 3 or len(frame) != 3 or not np.isfinite(frame).all():
            raise MethodError(
                f"{name} on {pair}, frame {number}",
                f"its output of shape {frame.shape} is no finite picture",
                "three finite planes are expected", "Correct the method or train it again",
            )  # fmt: skip
        return frame

    return map(checked, frames, count())
