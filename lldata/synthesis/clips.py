"""Film simulated clips: one scene in low light and, at another time, normally lit.

A camera moves over a photograph or a drawn scene, twice, on two paths that have nothing in common.
The low clip is dark, noisy and flickers; the target is clean, in light of another colour. What
the low clip would be without its faults lies in truth/, beside both, for ingest to hide away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata.curve import encode
from lldata.errors import LowLightError
from lldata.protocol import ClipProtocol
from lldata.publish import write_replacing
from lldata.reading.clip_files import TRUTH_CLIP
from lldata.synthesis import photographs
from lldata.synthesis.camera import Progress, claim
from lldata.synthesis.clip_plan import FilmedScene, plan_clips, reach_of
from lldata.synthesis.scenes import Scene, procedural
from lldata.synthesis.shots import SOFTWARE

LOW_FRAMES, TARGET_FRAMES = 13, 8  # one whole window of the temporal smoothing: 6 before, 6 after
_SMALLEST = 96  # pixels a side
_MOST_SCENES = 9999
_GREY = 0.18  # mean of a normally exposed frame, linear
_WHITE_E = 4000.0  # electrons at white: a fast ISO
_READ_E = 2.0  # read noise, electrons
_ROWS = 256  # of a frame that get their noise at once
_FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


def simulate(
    protocol: ClipProtocol,
    out: Path,
    *,
    scenes: int,
    size: tuple[int, int] = (512, 768),
    seed: int = 0,
    faults: Mapping[str, int] | None = None,
    photos: Path | None = None,
    frames: tuple[int, int] = (LOW_FRAMES, TARGET_FRAMES),
) -> Iterator[Progress]:
    """Check what is asked for, then return an iterator that films one frame after the other.

    Parameters
    ----------
    protocol : whose folder names are used
    out : new or empty folder, or one of the same simulation, cut short, which it then completes
    size : height and width of the frames, at least 96
    seed : the same seed gives the same bytes
    faults : none can be planted into clips yet
    photos : folder of the user's photographs, in place of scikit-image's
    frames : of the low clip and of the target

    Raises
    ------
    LowLightError
        If the size, the numbers, the photographs or the folder will not do.
    """
    _check(scenes, size, seed, faults or {}, frames)
    album = photographs.shipped() if photos is None else photographs.in_folder(photos)
    planned = plan_clips(album, scenes, size, seed, frames)
    claim(out, _truth(protocol, planned, size, seed))
    return _film(protocol, planned, out, size, frames)


def _check(
    scenes: int, size: tuple[int, int], seed: int, faults: Mapping[str, int],
    frames: tuple[int, int],
) -> None:  # fmt: skip
    for wrong, where, found, expected in (
        (min(size) < _SMALLEST, f"--size {size[0]}x{size[1]}", "such frames are not filmed",
         f"height and width are at least {_SMALLEST}"),
        (not 1 <= scenes <= _MOST_SCENES, f"--scenes {scenes}", "no such number can be filmed",
         f"1 to {_MOST_SCENES} fit the names"),
        (seed < 0, f"--seed {seed}", "it is negative", "seeds are whole numbers from 0"),
        (any(faults.values()), "--fault", "faults are asked for", "clips get none"),
        (min(frames) < 1, f"frames {frames}", "a clip is empty", "each has at least one frame"),
    ):  # fmt: skip
        if wrong:
            raise LowLightError(where, found, expected, "Ask for something else")


def _truth(
    protocol: ClipProtocol, planned: Sequence[FilmedScene], size: tuple[int, int], seed: int
) -> bytes:
    """Return what was put in, as JSON."""
    content: dict[str, Any] = {
        "format": 1, "software": SOFTWARE, "seed": seed, "size": list(size),
        "protocols": {protocol.name: {"scenes": [s.name for s in planned]}},
        "sources": {s.name: s.source for s in planned},
        "noise": {"white_e": _WHITE_E, "read_noise_e": _READ_E},
        "clips": {
            s.name: {
                "darkness": s.darkness, "flicker": s.flicker, "tint": s.tint,
                "low_path_px": [s.low_path.at(k) for k in range(len(s.flicker))],
            }
            for s in planned
        },
    }  # fmt: skip
    return (json.dumps(content, indent=1) + "\n").encode()


def _film(
    protocol: ClipProtocol, planned: Sequence[FilmedScene], out: Path, size: tuple[int, int],
    frames: tuple[int, int],
) -> Iterator[Progress]:  # fmt: skip
    for split in sorted({s.split for s in planned}):
        names = "".join(f"{s.name}\n" for s in planned if s.split == split)
        write_replacing(out / f"{split}.txt", names.encode())
    total, done = len(planned) * (2 * frames[0] + frames[1]), 0
    for scene in planned:
        wide = _wide(scene, size)
        for number in range(frames[0]):
            lit = _cut(wide, scene.low_path.at(number), size)
            places = {protocol.files.low: _dark(lit, scene, number), TRUTH_CLIP: lit}
            for name, picture in places.items():
                done += 1
                yield _written(out / scene.name / name, number, picture, done, total)
        for number in range(frames[1]):
            lit = _cut(wide, scene.target_path.at(number), size) * np.array(scene.tint, np.float32)
            done += 1
            folder = out / scene.name / protocol.files.target
            yield _written(folder, number, lit, done, total)


def _wide(scene: FilmedScene, size: tuple[int, int]) -> Scene:
    """Return all that the camera may see, (H, W, 3) linear, normally exposed."""
    rng = np.random.default_rng((*scene.seed, 1))
    height, width = (side + 2 * reach_of(size) + 1 for side in size)
    wide = (scene.photograph.scene if scene.photograph else procedural)(height, width, rng)
    wide *= np.float32(_GREY / wide.mean())
    return wide


def _cut(wide: Scene, place: tuple[float, float], size: tuple[int, int]) -> Scene:
    """Return what the camera sees from a place between pixels."""
    y, x = (at + (side - 1) / 2 for at, side in zip(place, size, strict=True))
    return np.asarray(cv2.getRectSubPix(wide, (size[1], size[0]), (x, y)), np.float32)


def _dark(lit: Scene, scene: FilmedScene, number: int) -> Scene:
    """Return the frame in low light, with the noise of photons and of reading."""
    rng = np.random.default_rng((*scene.seed, 2, number))
    light = np.float32(_WHITE_E * scene.flicker[number] / scene.darkness)
    seen = np.empty_like(lit)
    for top in range(0, len(lit), _ROWS):
        electrons = rng.poisson(lit[top : top + _ROWS] * light).astype(np.float32)
        electrons += rng.normal(0, _READ_E, electrons.shape).astype(np.float32)
        seen[top : top + _ROWS] = np.rint(electrons) / np.float32(_WHITE_E)
    return seen


def _written(
    folder: Path, number: int, linear: NDArray[np.float32], done: int, total: int
) -> Progress:
    """Write a frame as 16-bit PNG under the curve of all references."""
    values = np.rint(encode(np.clip(linear, 0, 1)) * 65535).astype(np.uint16)
    coded = cv2.imencode(".png", cv2.cvtColor(values, cv2.COLOR_RGB2BGR), _FAST_PNG)[1]
    path = folder / f"{number:05d}.png"
    write_replacing(path, coded.tobytes())
    return Progress(path, done, total)
