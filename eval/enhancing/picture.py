"""One RAW file or image: read as a method reads it, enhanced, and written as it came."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from baselines.method import Method, MethodInfo
from eval import images
from eval.amplification import amplified, automatic_ratio
from eval.enhancing import image_files
from eval.enhancing.targets import RAW_SUFFIXES, Work
from eval.images import Picture
from eval.running.stages import check_output
from lldata import cfa
from lldata.raw import read_frame
from lldata.render import render
from lldata.sample import Sample, sample_of_frame


def enhance_picture(
    method: Method, work: Work, ratio: float | Literal["auto"] | None
) -> list[Path]:
    """Write a picture enhanced, and beside its input where that is asked for; return the files.

    Raises
    ------
    LowLightError
        If it cannot be read or written, or the method makes no finite picture of its size.
    """
    if work.source.suffix.lower() in RAW_SUFFIXES:
        sample, like = _of_raw(work.source, method.info, ratio)
    else:
        like = images.read(work.source)
        sample = _of_image(work.source, like, method.info, ratio)
    planes = method(sample)
    check_output(planes, _size(sample), f"{method.info.name} on {work.source}", "input")
    output = planes.transpose(1, 2, 0)
    written = [image_files.write(work.target, output, like)]
    if work.beside is not None:
        both = images.beside(_shown(sample, output.shape), output, like.orientation)
        written.append(image_files.write(work.beside, both, like))
    return written


def _size(sample: Sample) -> tuple[int, ...]:
    """Return the height and width of what the method was given, px."""
    if sample.srgb is not None:
        return sample.srgb.shape[1:]
    return () if sample.frame is None else sample.frame.mosaic.shape


def _of_raw(
    path: Path, info: MethodInfo, ratio: float | Literal["auto"] | None
) -> tuple[Sample, Picture]:
    frame = read_frame(path)
    rendering = info.input if info.domain == "srgb" else None
    if ratio == "auto":
        ratio = automatic_ratio(cfa.normalise(frame))
    # 16 bits, upright: a RAW file is rendered as the sensor lies
    like = Picture(np.zeros((1, 1, 3), np.uint16))
    return sample_of_frame(frame, path.stem, ratio or 1.0, picture=rendering), like


def _of_image(
    path: Path, picture: Picture, info: MethodInfo, ratio: float | Literal["auto"] | None
) -> Sample:
    white = np.float32(np.iinfo(picture.pixels.dtype).max)
    srgb = np.ascontiguousarray(picture.pixels.transpose(2, 0, 1)).astype(np.float32) / white
    if info.input == "amplified" and ratio is not None:
        srgb, gain = amplified(srgb, ratio)
        return Sample(path.stem, gain, srgb=srgb)
    return Sample(path.stem, 1.0 if ratio in (None, "auto") else float(ratio), srgb=srgb)


def _shown(sample: Sample, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return what the method was given as a picture of the output's size."""
    if sample.srgb is not None:
        return sample.srgb.transpose(1, 2, 0)
    if sample.frame is None:
        return np.zeros(shape, np.float32)
    rendered = render(sample.frame, gain=sample.ratio)
    return rendered.astype(np.float32) / np.float32(65535)
