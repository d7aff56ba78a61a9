"""What a simulation of clips will film: scenes, their sources, splits, faults and camera paths."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lldata.synthesis.photographs import Photograph
from lldata.synthesis.plan import SPLIT_CYCLE

_REACH = 0.06  # of the longer side: how far the camera moves each way
_FLICKER = 0.03  # standard deviation of the brightness of a low frame, relative
_STOPS = (4.0, 6.0)  # how much darker the low clip is
_SLOW = 24  # frames in which the camera crosses its way; short clips show a part of it


@dataclass(frozen=True)
class CameraPath:
    """How the camera moves: steadily, with the sway of hands, in pixels of the wide scene."""

    start: tuple[float, float]
    step: tuple[float, float]  # a frame
    sway_px: float
    turns: float  # of the sway, per frame
    phase: float

    def at(self, frame: int) -> tuple[float, float]:
        """Return where the frame's top left stands, (y, x)."""
        angle = 2 * math.pi * self.turns * frame + self.phase
        sway = (math.sin(angle), math.cos(1.3 * angle))
        return (
            self.start[0] + self.step[0] * frame + self.sway_px * sway[0],
            self.start[1] + self.step[1] * frame + self.sway_px * sway[1],
        )


@dataclass(frozen=True)
class FilmedScene:
    """One scene before it is filmed."""

    name: str
    split: str
    photograph: Photograph | None
    source: str
    seed: tuple[int, ...]
    darkness: float  # light of the target over that of the low clip
    flicker: tuple[float, ...]  # brightness of each low frame, 1 on the average
    tint: tuple[float, ...]  # R, G, B of the target's light over that of the truth
    low_path: CameraPath
    target_path: CameraPath


def plan_clips(
    album: Sequence[Photograph], scenes: int, size: tuple[int, int], seed: int,
    frames: tuple[int, int],
) -> list[FilmedScene]:  # fmt: skip
    """Return the scenes; a photograph belongs to one split, and takes turns with drawn scenes."""
    cycle = len(SPLIT_CYCLE)
    albums = {
        split: [p for k, p in enumerate(album) if SPLIT_CYCLE[k % cycle] == split]
        for split in SPLIT_CYCLE
    }
    planned: list[FilmedScene] = []
    done = Counter[str]()  # scenes of each split
    for number in range(scenes):
        split = SPLIT_CYCLE[number % cycle]
        mine, turn = albums[split], done[split]
        photograph = mine[turn // 2 % len(mine)] if mine and turn % 2 == 0 else None
        done[split] += 1
        scene_seed = (seed, zlib.crc32(b"clips"), number)
        rng = np.random.default_rng((*scene_seed, 0))
        flicker = np.exp(rng.normal(0, _FLICKER, frames[0]))
        planned.append(FilmedScene(
            f"clip{number + 1:04d}", split, photograph,
            photograph.name if photograph else f"procedural {number + 1}", scene_seed,
            float(2 ** rng.uniform(*_STOPS)), tuple(map(float, flicker / flicker.mean())),
            tuple(map(float, rng.uniform(0.85, 1.15, 3))),
            *(_path(count, size, rng) for count in frames),
        ))  # fmt: skip
    return planned


def _path(frames: int, size: tuple[int, int], rng: np.random.Generator) -> CameraPath:
    """Draw a path that stays within reach on every side."""
    reach = reach_of(size)
    sway = 0.1 * reach * float(rng.random())
    ends = rng.uniform(sway, 2 * reach - sway, (2, 2))
    step = (ends[1] - ends[0]) / max(frames, _SLOW)
    (y, x), (down, right) = ends[0].tolist(), step.tolist()
    turns, phase = float(rng.uniform(0.02, 0.08)), float(rng.uniform(0, 2 * math.pi))
    return CameraPath((y, x), (down, right), sway, turns, phase)


def reach_of(size: tuple[int, int]) -> int:
    """Return how far beyond a frame of (H, W) the camera may move on every side, px."""
    return max(8, round(_REACH * max(size)))
