"""Flicker and noise of a clip averaged away along its motion, in a window of frames.

A pixel of a frame becomes the mean of itself and of its places in the frames before and after:
six on either side where nothing moves, fewer the farther its content moves, none beyond 256 px.

Source: Anantrasirichai and Bull 2021, section 3.4. The paper does not say how motion decides the
number of frames; it falls linearly here, N(v) = round(6 (1 - min(|v|, 256) / 256)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.inference.clips.motion import Shift, View, agreeing, found, shift, view
from lldata.errors import MethodError

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]
Held = NDArray[np.uint16]  # (H, W, 3), white 65535

_WHITE = 65535
_ROWS = 64  # worked on at a time, so that nothing but frames is as large as a frame
_LEAST_SHARE = 0.25  # of a frame that must be found in another one


@dataclass(frozen=True)
class Smoothing:
    """How a clip is smoothed."""

    frames: int = 6  # at most, before and after
    cap_px: float = 256.0  # motion from which on no other frame is used
    check_px: float | None = 1.0  # by which going to a frame and back may miss; None: no check
    flow_px: int = 1280  # longer side on which motion is found; the check is in px there

    def __post_init__(self) -> None:
        for name, least in (("frames", 0), ("cap_px", 1), ("flow_px", 64)):
            if getattr(self, name) < least:
                raise MethodError(
                    f"--set {name}", f"it is {getattr(self, name)}", f"it is at least {least}",
                    "Correct the value",
                )  # fmt: skip


def smooth(frames: Iterable[Planes], how: Smoothing | None = None) -> Iterator[Planes]:
    """Yield the frames of a clip, each averaged with its neighbours along their motion.

    Holds 2 `frames` + 1 frames, as 16 bits a channel, and as many flows as there are pairs of
    them: with the defaults 13 frames of 200 MB and 0.4 GB of flows at 7680x4320, and 0.5 GB for
    the frame that is read or made.

    Parameters
    ----------
    frames : (3, H, W) float32 in [0, 1], all of one size; read one by one, `frames` ahead
    how : by default as the paper has it

    Raises
    ------
    MethodError
        If a frame has another size than the first.
    """
    window = _Window(how or Smoothing())
    source = iter(frames)
    ended = False
    current = 0
    while True:
        while not ended and window.last < current + window.how.frames:
            frame = next(source, None)
            ended = frame is None
            if frame is not None:
                window.take(frame)
            del frame  # 0.4 GB of 8K, which would lie here until the next is read
        if current > window.last:
            return
        yield window.smoothed(current)
        current += 1
        window.drop_before(current - window.how.frames)


class _Window:
    """The frames around the current one, and the motion between them."""

    def __init__(self, how: Smoothing) -> None:
        self.how = how
        self.last = -1
        self.frames: dict[int, Held] = {}
        self.views: dict[int, View] = {}
        self.shifts: dict[tuple[int, int], Shift] = {}

    def take(self, frame: Planes) -> None:
        """Hold the next frame."""
        number = self.last + 1
        height, width = frame.shape[1:]
        for other in self.frames.values():
            if other.shape[:2] != (height, width):
                raise MethodError(
                    f"frame {number}", f"it has {width}x{height} px",
                    f"the frames before have {other.shape[1]}x{other.shape[0]}",
                    "Give a clip of one size",
                )  # fmt: skip
        held = np.empty((height, width, 3), np.uint16)
        for rows in _bands(height):
            values = frame[:, rows].clip(0, 1).transpose(1, 2, 0) * np.float32(_WHITE)
            held[rows] = np.rint(values, out=values)
        self.frames[number] = held
        self.views[number] = view(held, self.how.flow_px)
        self.last = number

    def drop_before(self, first: int) -> None:
        """Let go of what no later frame needs."""
        for number in [n for n in self.frames if n < first]:
            del self.frames[number], self.views[number]
        for pair in [p for p in self.shifts if min(p) < first]:
            del self.shifts[pair]

    def smoothed(self, current: int) -> Planes:
        """Return the mean of a frame and its neighbours."""
        total = np.ascontiguousarray(self.frames[current].transpose(2, 0, 1), np.float32)
        count = np.ones(total.shape[1:], np.uint16)
        for other in self.frames:
            if other != current and abs(other - current) <= self.how.frames:
                self._add(current, other, total, count)
        for rows in _bands(len(count)):
            total[:, rows] /= count[rows] * np.float32(_WHITE)
        return total

    def _add(self, current: int, other: int, total: Planes, count: NDArray[np.uint16]) -> None:
        """Add to the sums what of another frame belongs to the current one."""
        there, frame = self._shift(current, other), self.frames[other]
        if there.packed is None:
            total += frame.transpose(2, 0, 1)
            count += 1
            return
        flow, included = there.flow, self._included(current, other)
        for rows in _bands(len(count)):
            warped, valid = _warped(frame, flow, included, rows)
            warped *= valid[..., None]
            total[:, rows] += warped.transpose(2, 0, 1)
            count[rows] += valid.astype(np.uint16)

    def _included(self, current: int, other: int) -> NDArray[np.float32]:
        """Return 1 where motion is slow enough for a frame this far away, and is certain."""
        there = self._shift(current, other)
        speed = np.hypot(*np.moveaxis(there.flow, -1, 0)) * self.views[current].factor
        share = 1 - np.minimum(speed, self.how.cap_px) / self.how.cap_px
        certain = found(self.views[current], self.views[other], there)
        if self.how.check_px is not None:
            certain &= agreeing(there, self._shift(other, current), self.how.check_px)
        if certain.mean() < _LEAST_SHARE:  # another scene, alike by chance here and there
            return np.zeros(certain.shape, np.float32)
        near = abs(other - current) <= np.rint(self.how.frames * share)
        return np.asarray(near & certain, np.float32)

    def _shift(self, current: int, other: int) -> Shift:
        pair = current, other
        if pair not in self.shifts:
            self.shifts[pair] = shift(self.views[current], self.views[other])
        return self.shifts[pair]


def _bands(height: int) -> Iterator[slice]:
    return (slice(top, min(top + _ROWS, height)) for top in range(0, height, _ROWS))


def _warped(
    frame: Held, flow: NDArray[np.float32], included: NDArray[np.float32], rows: slice
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return rows of a frame moved by a flow of its own or a smaller size, and where it holds."""
    (height, width), (h, w) = frame.shape[:2], included.shape
    x, y = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(rows.start, rows.stop, dtype=np.float32)
    )
    across, down = width / w, height / h
    at = (x + 0.5) / np.float32(across) - 0.5, (y + 0.5) / np.float32(down) - 0.5
    moved = cv2.remap(flow, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sure = cv2.remap(included, *at, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    x += moved[..., 0] * np.float32(across)
    y += moved[..., 1] * np.float32(down)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    pixels = cv2.remap(frame, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return pixels.astype(np.float32), sure * inside
