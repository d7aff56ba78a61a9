"""Whether short and long show the same place, and how far one is shifted and turned.

The short's green is compared with the long's on the same photosites. Its greens fall into two
interleaved halves with independent noise: how far they agree is the short's own reliability, and
it bounds the correlation that any clean picture of the same place can reach (Spearman 1904,
correction for attenuation). So

    agreement = correlation(short, long at the best shift) / sqrt(reliability)

is near 1 when both show the same place, however noisy the short, and far below when not: noise is
not called movement, nor movement noise. The best shift is the peak of the correlation on small
pictures (shift_search), made exact by least squares on ever larger ones (block_fit).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lldata import cfa
from lldata.frame import Frame
from lldata.measures import block_fit, local_motion
from lldata.measures.block_fit import LONG, NOISE, SHORT, BlockSums, Fit
from lldata.measures.local_motion import LocalMotion
from lldata.measures.resample import Pose
from lldata.measures.shift_search import search
from lldata.measures.whitening import Exposed, Level, bend, expose, level, reduced

Planes = NDArray[np.float32]

SEARCH_PX = 64  # packed pixels either way, at most a quarter of the frame
SAME_PLACE = 0.65  # agreement below: two different places
RELIABLE = 0.3  # reliability from which a scale tells best whether places agree
HARDLY = 0.1  # below it at every scale: nothing but noise
LARGEST_SIDE = 512  # pixels; larger frames are searched at half size, quarter size, ...
SAMPLING_ERROR_PX = 0.02  # what coarse sampling adds to the error of the noise, as measured
_SMALLEST_SIDE = 32  # pixels of the coarsest scale
_ENOUGH = 0.25  # share of blocks that are neither too bright nor too coarse
_SURE = 4.0  # standard errors from which a turn is believed
_ROUNDS, _LONGEST_STEP, _FARTHEST, _CLOSE = 8, 1.5, 6.0, 0.05  # of the least squares, pixels


@dataclass(frozen=True)
class Shift:
    """Where the long lies against the short, in packed pixels; positive is down and right."""

    y_px: float
    x_px: float
    error_px: float  # standard error in the direction that is known least
    agreement: float  # 1: the same place; near 0: another
    reliability: float  # of the short at the scale of the agreement; 0: nothing but noise
    rotation_deg: float = 0.0  # of the long, clockwise; known as well as its error says
    rotation_error_deg: float = np.inf


class Registration(NamedTuple):
    """How the long lies against the short, as a whole and block by block."""

    shift: Shift
    motion: LocalMotion


def green_halves(frame: Frame) -> Planes:
    """Return two interleaved halves (2, h, w) of a frame's green, linear, black subtracted."""
    packed = cfa.pack(frame.mosaic, frame.cfa)
    black = cfa.black_of_planes(frame.black_level, frame.cfa)

    def linear(plane: int) -> Planes:
        dark = np.float32(black[plane])
        light: Planes = (packed[plane].astype(np.float32) - dark) / (
            np.float32(frame.white_level) - dark
        )
        return light

    return np.stack(
        [np.mean([linear(p) for p in half], axis=0) for half in _green_planes(frame.cfa)]
    )


def halves_of_picture(linear_green: Planes, pattern: str) -> Planes:
    """Return two interleaved halves (2, h, w) of a linear picture's green on the green sites."""
    packed = cfa.pack(linear_green, pattern)
    first, second = _green_planes(pattern)
    return np.stack([packed[list(first)].mean(0), packed[list(second)].mean(0)])


def _green_planes(pattern: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    # X-Trans: the 2x2 greens of each 3x3 cell, split along the diagonals, share one centre
    return ((1,), (3,)) if cfa.scale(pattern) == 2 else ((5, 8), (6, 7))


def measure(halves: Planes, target: Planes) -> Shift | None:
    """Measure the shift of `target` (h, w) against the short given as two halves (2, h, w).

    Returns None when nothing in the short rises above its noise, or the target is flat.
    """
    found = register(halves, target)
    return found.shift if found else None


def register(halves: Planes, target: Planes, step: float = 0.0) -> Registration | None:
    """Measure shift, turn and blocks; arguments and None as for `measure`.

    A target that stops to follow the light is compared up to there.

    Parameters
    ----------
    step : of the values that the short can take; noise that is smaller leaves them too coarse
    """
    exposed = expose(halves, target, step)
    found = _registered(exposed, halves, target)
    shift = found.shift if found else None
    pose = Pose(shift.y_px, shift.x_px) if shift else Pose(0.0, 0.0)
    bent = bend(halves, target, pose)
    if bent is None:
        return found
    return _registered(expose(halves, target, step, bent), halves, target, pose)


def _registered(
    exposed: Exposed | None, halves: Planes, target: Planes, near: Pose | None = None
) -> Registration | None:
    """Measure what is exposed alike, from a known pose or from the best that is found."""
    if exposed is None:
        return None
    factor = 1
    while max(target.shape) / factor > LARGEST_SIDE:
        factor *= 2
    at = cache(lambda scale: level(exposed, scale))
    radius = max(min(SEARCH_PX, min(target.shape) // 4) // factor, 1)
    pose = near.scaled(1 / factor) if near else None
    pose = pose or search(at(factor), reduced(halves.mean(0), factor), radius)
    blocks, fit = _refine(at(factor), pose)
    while factor > 1:
        factor //= 2
        blocks, fit = _refine(at(factor), fit.pose.scaled(2))
    seen = _reliable(at, blocks, fit.pose)
    if seen is None or (seen.agreement < SAME_PLACE and seen.blocks.fine.mean() < _ENOUGH):
        return None
    error = float(np.hypot(fit.error_px, SAMPLING_ERROR_PX))
    turned = block_fit.solve(blocks, turning=True) if blocks.fine.mean() >= _ENOUGH else None
    turn = np.degrees([turned.pose.turn, turned.turn_error]) if turned else (0.0, np.inf)
    shift = Shift(
        float(fit.pose.y), float(fit.pose.x), error, seen.agreement, seen.reliability,
        float(turn[0]), float(turn[1]),
    )  # fmt: skip
    pose = fit.pose.scaled(1 / seen.factor)
    return Registration(shift, local_motion.find(seen.blocks, pose, seen.gain, seen.factor))


def _refine(level: Level, pose: Pose) -> tuple[BlockSums, Fit]:
    """Refine a pose by least squares; a turn only where it is beyond doubt.

    Where the two pictures have nothing in common the pose stays, and nothing is known of it.
    """
    blocks, reach = block_fit.sums(level, pose), np.hypot(*level.shape) / 2
    for _ in range(_ROUNDS):
        fit = block_fit.solve(blocks, turning=True)
        if fit is None or abs(fit.pose.turn) < _SURE * fit.turn_error:
            fit = block_fit.solve(blocks, turning=False)
        if fit is None:
            break
        change = np.subtract(fit.pose, blocks.pose)
        step = float(np.abs(change * (1, 1, reach)).max())
        if step < _CLOSE:
            return blocks, fit
        aim = Pose(*(np.array(blocks.pose) + change * min(1.0, _LONGEST_STEP / step)))
        if max(abs(aim.y - pose.y), abs(aim.x - pose.x)) > _FARTHEST:
            break
        blocks = block_fit.sums(level, aim)
    return blocks, Fit(blocks.pose, np.inf, np.inf, 0.0)


class _Seen(NamedTuple):
    """Both frames compared at one scale."""

    blocks: BlockSums
    factor: int
    reliability: float
    agreement: float
    gain: float


def _reliable(at: Callable[[int], Level], blocks: BlockSums, pose: Pose) -> _Seen | None:
    """Compare at the finest scale at which the short is reliable, else at the best there is."""
    best, factor = None, 1
    while True:
        told = blocks.told
        total = blocks.products[told].sum(0) * (told.mean() >= _ENOUGH)
        picture = total[SHORT, SHORT] - total[NOISE, NOISE]
        reliability = float(picture / max(total[SHORT, SHORT], 1e-30))
        if reliability > (best.reliability if best else HARDLY) and total[LONG, LONG] > 0:
            agreement = float(total[LONG, SHORT] / np.sqrt(total[LONG, LONG] * picture))
            gain = float(np.sqrt(picture / total[LONG, LONG]))
            best = _Seen(blocks, factor, reliability, agreement, gain)
        factor *= 2
        coarsest = min(at(1).shape) / factor < _SMALLEST_SIDE
        if coarsest or (best and best.reliability >= RELIABLE):
            return best
        blocks = block_fit.sums(at(factor), pose.scaled(1 / factor))
