"""Apply a method to one's own RAW file, image, folder of them, or clip."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from baselines import method as methods
from baselines.method import Method, MethodInfo
from eval import images
from eval.enhancing.amplification import amplified, automatic_ratio
from eval.enhancing.clip_source import is_video
from eval.enhancing.enhance_clip import enhance_clip
from eval.enhancing.targets import RAW_SUFFIXES, Work, check_paths, settle
from eval.images import Picture
from eval.running.option_files import files_named
from eval.running.pairs import accepted, load_method
from eval.running.stages import check_output
from lldata.errors import LowLightError, MethodError, ScoreError
from lldata.raw import read_frame
from lldata.render import render
from lldata.sample import Sample, sample_of_frame
from lldata.store import home

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Enhancement:
    """What `lleval enhance` is told; its flags are these fields."""

    method: str
    source: Path
    target: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    ratio: float | Literal["auto"] | None = None
    compare: bool = False
    device: str = "auto"
    clip: bool = False  # whether a folder holds the frames of one clip
    smooth: bool = False  # average frames with their neighbours along their motion
    fps: Fraction | None = None  # of a video that is written; by default the source's


def enhance(
    task: Enhancement,
    *,
    tell: Callable[[str], None] = lambda _: None,
    progress: Progress = lambda _label, _total: nullcontext(lambda: None),
) -> list[Path]:
    """Write the enhanced picture of a file, or of every RAW file and image of a folder; or a clip.

    A video is a clip; a folder is one with `clip`, with a method of domain clip, or when it is
    made into a video.

    Returns
    -------
    the files written; with `compare` also NAME.compare.SUFFIX, input and output side by side

    Raises
    ------
    LowLightError
        If a file cannot be read or written, or would be written over an input, or the method
        needs what is not given.
    """
    check_paths(task.source, task.target)
    load = functools.cache(lambda: _method(task))
    info = _checked_info(task)
    if info.trainable:  # what it reads may follow from its weights
        info = load().info
    if _is_clip(task, info):
        return enhance_clip(task, load, tell, progress)
    _check_picture_task(task)
    named = files_named(task.method, task.options).values()
    work = settle(task.source, task.target, named, compare=task.compare)
    for one in work:
        _check_file(one.source, info, task)
    method = load()
    if not task.source.is_dir():
        return _one(method, task, work[0])
    written: list[Path] = []
    with progress(f"{task.method} on {task.source.name}", len(work)) as advance:
        for one in work:
            try:
                written += _one(method, task, one)
            except LowLightError as error:
                tell(f"skipped: {error}")
            advance()
    if not written:
        raise ScoreError(
            task.source, "none of its files could be enhanced", "at least one should",
            "Correct what is said of them above",
        )  # fmt: skip
    return written


def _checked_info(task: Enhancement) -> MethodInfo:
    info = methods.info(task.method)
    if info.trainable and task.weights is None:
        known = sorted((home() / ".weights" / info.name).glob("*/*/config.json"))
        there = ", ".join(str(path.parent) for path in known)
        raise MethodError(
            f"--model {task.method}", "no weights are named", "a trained method needs some",
            f"Name them with --weights: {there}" if there
            else f"Train them: lleval train --model {info.name} --dataset D",
        )  # fmt: skip
    return info


def _is_clip(task: Enhancement, info: MethodInfo) -> bool:
    """Whether the source is one clip, which a folder does not say by itself."""
    clip = task.clip or is_video(task.source)
    if task.source.is_dir():
        clip = clip or info.domain == "clip" or (is_video(task.target) and not task.target.is_dir())
    if clip and info.domain == "raw":
        raise MethodError(
            f"--model {task.method}", "it reads RAW frames", "the frames of a clip are pictures",
            "Choose a method of domain srgb or clip (lleval models)",
        )  # fmt: skip
    if not clip and info.domain == "clip":
        raise MethodError(
            f"--model {task.method}", "it reads clips", f"{task.source} is none",
            "Give a video or a folder of frames, or choose a method of domain raw or srgb",
        )  # fmt: skip
    return clip


def _check_picture_task(task: Enhancement) -> None:
    for flag, given in (("--smooth", task.smooth), ("--fps", task.fps is not None)):
        if given:
            raise MethodError(
                flag, f"{task.source} is taken for pictures", "clips alone have a before and after",
                "Add --clip where a folder holds the frames of one, or leave it out",
            )  # fmt: skip


def _check_file(file: Path, info: MethodInfo, task: Enhancement) -> None:
    suffix = file.suffix.lower()
    if suffix in RAW_SUFFIXES:
        if info.needs_ratio and task.ratio is None:
            raise MethodError(
                file, "no ratio is given", f"{info.name} amplifies a RAW file by one",
                "Give it with --ratio R (exposure wanted over exposure taken), or --ratio auto",
            )  # fmt: skip
    elif suffix not in images.FORMATS:
        raise ScoreError(
            file, "it is neither a RAW file nor an image by its suffix",
            f"RAW files or {', '.join(images.FORMATS)} can be enhanced", "Give another file",
        )  # fmt: skip
    elif info.domain == "raw":
        raise MethodError(
            file, "it is a ready image", f"{info.name} reads the mosaic of a RAW file",
            "Give a RAW file, or choose a method of domain srgb (lleval models)",
        )  # fmt: skip


def _method(task: Enhancement) -> Method:
    options = accepted(task.method, task.options, {"device": task.device})
    method = load_method(task.method, options, task.weights)[0]
    if method.info.oracle:  # an option may have made it blind
        raise MethodError(
            f"--model {task.method}", "it looks at the reference", "a photograph has none",
            "Choose a blind method (lleval models)",
        )  # fmt: skip
    return method


def _one(method: Method, task: Enhancement, work: Work) -> list[Path]:
    if work.source.suffix.lower() in RAW_SUFFIXES:
        sample, like = _of_raw(work.source, method.info, task.ratio)
    else:
        like = images.read(work.source)
        sample = _of_image(work.source, like, method.info, task.ratio)
    planes = method(sample)
    check_output(planes, _size(sample), f"{method.info.name} on {work.source}", "input")
    output = planes.transpose(1, 2, 0)
    written = [images.write(work.target, output, like)]
    if work.beside is not None:
        both = images.beside(_shown(sample, output.shape), output, like.orientation)
        written.append(images.write(work.beside, both, like))
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
    sample = sample_of_frame(frame, path.stem, 1.0)
    if ratio == "auto":
        ratio = automatic_ratio(sample.packed) if sample.packed is not None else 1.0
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
