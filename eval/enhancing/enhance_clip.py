"""Apply a method to one's own clip: a video, or a folder of frames."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.inference.clips.frame_by_frame import enhanced_clip
from baselines.inference.clips.temporal_smoothing import Smoothing, smooth
from baselines.method import Method
from eval.amplification import amplified
from eval.enhancing.clip_source import Source, Taken, gaps, is_video, open_clip
from eval.enhancing.clip_target import Frames, Target, Video, sole_writer
from eval.enhancing.targets import check_unwritten, settle_clip
from eval.enhancing.task import Enhancement
from eval.images import Picture
from eval.progress import Progress
from eval.running.option_files import files_named, read_by, recorded
from lldata.errors import LowLightError, MethodError, ScoreError
from lldata.outputs.video import check_suffix, coding
from lldata.sample import Sample

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]


def enhance_clip(
    task: Enhancement, load: Callable[[], Method], tell: Callable[[str], None], progress: Progress
) -> list[Path]:
    """Write the enhanced clip; go on where an interrupted task of the same kind stopped.

    Parameters
    ----------
    task : its source is a video or a folder of frames, its target a video or a folder
    load : makes the method; called after all else is found in order

    Returns
    -------
    the video, or the frames

    Raises
    ------
    LowLightError
        If the clip cannot be read or written, or the method does not fit.
    """
    _check(task)
    source = open_clip(task.source)
    _say(source, task, tell)
    place = _place(task, source)  # settled before the method is made, which may take long
    method = load()
    fingerprint = _fingerprint(task, source, method)
    gain = _gain(source, method, task, tell)
    video = is_video(task.target) and not task.target.is_dir()
    with sole_writer(task.target, video=video), closing(place(fingerprint)) as target:
        around = _around(method, task)
        if target.done and around is None:
            tell(f"{task.method} does not say on how many frames one depends: it starts again")
        elif target.done:
            tell(f"{target.done} of {len(source.names)} frames are finished already")
        _write(task, source, method, gain, target, around, progress)
        return target.finish()


def _check(task: Enhancement) -> None:
    if task.compare:
        raise MethodError(
            "--compare", "the input is a clip", "pictures alone are laid side by side",
            "Leave it out; lleval enhance --compare works on single frames",
        )  # fmt: skip
    if not task.source.is_dir() and not is_video(task.source):
        raise ScoreError(
            task.source, "it is no video by its suffix and no folder",
            "a clip is one of these", "Leave --clip out, or name the folder of the frames",
        )  # fmt: skip


def _say(source: Source, task: Enhancement, tell: Callable[[str], None]) -> None:
    if not source.video:
        ends = f"{source.names[0]} to {source.names[-1]}"
        tell(f"{task.source}: one clip of {len(source.names)} frames, {ends}")
        missing = gaps(source)
        if missing:
            few = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
            tell(f"{task.source}: frames are missing among them: {few}")
    if source.sound and is_video(task.target):
        tell(f"{task.source}: its sound is not kept")


def _place(task: Enhancement, source: Source) -> Callable[[str], Target]:
    """Check where the clip goes; return what begins to write it there."""
    kept = [*source.files, *files_named(task.method, task.options).values()]
    if is_video(task.target) and not task.target.is_dir():
        check_suffix(task.target)
        check_unwritten(task.target, kept)
        rate = task.fps or source.rate
        if rate is None:
            raise LowLightError(
                task.target, "no frame rate is known", "a video of a folder of frames needs one",
                "Give it with --fps, for example --fps 25",
            )  # fmt: skip
        how = coding(task.target, deep=source.deep, size=source.shown_size)
        return lambda fingerprint: Video(task.target, how, rate, source.shown_size, fingerprint)
    if task.fps is not None:
        raise LowLightError(
            "--fps", f"{task.target} is a folder of frames", "videos alone have a frame rate",
            f"Leave it out, or name a video: {task.target}.mp4",
        )  # fmt: skip
    files = settle_clip(source.files, task.target, source.names, kept)
    return lambda fingerprint: Frames(files, fingerprint)


def _fingerprint(task: Enhancement, source: Source, method: Method) -> str:
    """Return a hash of all that decides what is written."""
    given = [] if task.weights is None else [task.weights, *task.weights.glob("*")]
    weights = sorted(file for file in given if file.is_file())
    facts: dict[str, Any] = {
        "method": task.method,
        "options": recorded(task.method, task.options) | read_by(method, ()),
        "ratio": str(task.ratio), "smooth": task.smooth, "rate": str(task.fps or source.rate),
        "frames": [_state(file) for file in source.files], "weights": [_state(f) for f in weights],
        "names": source.names, "version": version("lowlight-toolkit"),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _state(file: Path) -> tuple[str, int, int]:
    state = file.stat()
    return file.name, state.st_size, state.st_mtime_ns


def _gain(
    source: Source, method: Method, task: Enhancement, tell: Callable[[str], None]
) -> float | None:
    """Return the amplification of all frames; --ratio auto is settled by the first, once."""
    if method.info.input != "amplified" or task.ratio is None:
        return None
    gain = amplified(source.first.planes, task.ratio)[1]
    if task.ratio == "auto":
        tell(f"{task.source}: amplified by {gain:.3g}, as its first frame asks for")
    return gain


def _around(method: Method, task: Enhancement) -> int | None:
    """Return how many frames before and after it a frame depends on, None if unknown."""
    smoothed = Smoothing().frames if task.smooth else 0
    if method.info.domain != "clip":
        return smoothed
    known = getattr(method, "frames_around", None)
    return None if known is None else int(known) + smoothed


def _write(
    task: Enhancement, source: Source, method: Method, gain: float | None, target: Target,
    around: int | None, progress: Progress,
) -> None:  # fmt: skip
    """Write the frames that are not finished."""
    total = len(source.names)
    if target.done == total:
        return
    start = 0 if around is None else max(target.done - around, 0)
    if around is None:
        target.done = 0
    waiting: deque[Picture] = deque()
    frames = _enhanced(task, method, _read(source, start, gain, waiting))
    label = f"{task.method} on {task.source.name}"
    finished = number = target.done
    with progress(label, total - finished) as advance:
        number = start
        while (frame := next(frames, None)) is not None:
            number += 1
            if not waiting or frame.shape[1:] != source.size:
                break
            like = waiting.popleft()
            if number > finished:
                target.put(frame, like)
                advance()
            del frame, like  # 0.6 GB of 8K, which would lie here until the next is made
    if number != total or waiting:
        raise MethodError(
            f"--model {task.method}", f"frame {number} of {total} was its last of the right size",
            "it gives one for each it reads", "Correct the method",
        )  # fmt: skip


def _read(
    source: Source, start: int, gain: float | None, waiting: deque[Picture]
) -> Iterator[Planes]:
    def planes(taken: Taken) -> Planes:
        waiting.append(taken.like)
        return taken.planes if gain is None else amplified(taken.planes, gain)[0]

    return map(planes, islice(source.frames(start), len(source.names) - start))


def _enhanced(task: Enhancement, method: Method, frames: Iterator[Planes]) -> Iterator[Planes]:
    sample = Sample(task.source.stem, 1.0, clip=frames)
    enhanced = enhanced_clip(method, sample)
    return smooth(enhanced) if task.smooth else enhanced
