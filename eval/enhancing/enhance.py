"""Apply a method to one's own RAW file, image, folder of them, or clip."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from baselines import method as methods
from baselines.method import Method, MethodInfo
from eval import images
from eval.enhancing.clip_source import is_video
from eval.enhancing.enhance_clip import enhance_clip
from eval.enhancing.picture import enhance_picture
from eval.enhancing.targets import RAW_SUFFIXES, check_paths, settle
from eval.enhancing.task import Enhancement
from eval.progress import Progress, unseen
from eval.running.option_files import files_named
from eval.running.pairs import accepted, load_method
from lldata.errors import LowLightError, MethodError, ScoreError
from lldata.store import home


def enhance(
    task: Enhancement,
    *,
    tell: Callable[[str], None] = lambda _: None,
    progress: Progress = unseen,
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
        return enhance_picture(method, work[0], task.ratio)
    written: list[Path] = []
    with progress(f"{task.method} on {task.source.name}", len(work)) as advance:
        for one in work:
            try:
                written += enhance_picture(method, one, task.ratio)
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
