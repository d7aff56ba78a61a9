"""Take simulated captures: a folder of DNG files as a photographer would bring it home.

Each scene is lit, seen through the camera's colours and its mosaic, and exposed once long and
one to three times short. A truth file, simulated.json, says what was put in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from lldata.errors import LowLightError
from lldata.noise import calibration
from lldata.protocol import RawProtocol
from lldata.publish import write_replacing
from lldata.synthesis import photographs, sensor
from lldata.synthesis.plan import SimulatedScene, plan_set
from lldata.synthesis.shots import SOFTWARE, take

TRUTH_FILE = "simulated.json"

_FIRST_CAPTURE = datetime(2026, 1, 15, 19, 0, 0)  # noqa: DTZ001  # a camera's clock has no zone
_BETWEEN_SCENES = timedelta(minutes=5)
_BETWEEN_SETS = timedelta(days=20)
_SMALLEST, _SMALLEST_XTRANS = 96, 512  # pixels a side; LibRaw renders no smaller X-Trans


class Progress(NamedTuple):
    """One file more."""

    path: Path
    done: int
    total: int


@dataclass(frozen=True)
class _Set:
    """One protocol's part of a simulation."""

    protocol: RawProtocol
    body: sensor.Sensor
    scenes: list[SimulatedScene]
    started: datetime

    def file(self, out: Path, scene: SimulatedScene, kind: str, name_s: float) -> Path:
        files = self.protocol.files
        folder = out / files.folders[0] / (files.long if kind == "long" else files.short)
        return folder / f"{scene.name}_00_{name_s:g}s.DNG"


def simulate(
    protocols: Sequence[RawProtocol],
    out: Path,
    *,
    scenes: int,
    size: tuple[int, int] = (512, 768),
    seed: int = 0,
    faults: Mapping[str, int] | None = None,
    photos: Path | None = None,
    noise: Path | None = None,
    cameras: Sequence[sensor.Sensor] | None = None,
) -> Iterator[Progress]:
    """Check what is asked for, then return an iterator that takes one file after the other.

    Parameters
    ----------
    protocols : whose folders, names, levels and exposures are used; both ISO sets of the Canon
        6D given together share one folder, one camera body and the splits of the photographs
    out : new or empty folder, or one of the same simulation, cut short, which it then completes
    scenes : of each protocol
    size : height and width of the mosaic, even, at least 96; for X-Trans 512
    seed : the same seed gives the same bytes
    faults : kind -> number of scenes of each protocol that have it
    photos : folder of the user's photographs, in place of scikit-image's
    noise : file that `lldata calibrate` wrote, in place of the published noise of the camera
    cameras : one for each protocol, in place of those that the simulator knows

    Raises
    ------
    LowLightError
        If the size, a fault, the photographs, the noise or the folder will not do.
    """
    album = photographs.shipped() if photos is None else photographs.in_folder(photos)
    cameras = [sensor.load(protocol) for protocol in protocols] if cameras is None else cameras
    bodies, sets = list(zip(protocols, cameras, strict=True)), []
    if noise is not None:
        bodies = calibration.applied(noise, bodies)
    for index, (protocol, body) in enumerate(bodies):
        _check_size(body, size)
        planned = plan_set(
            protocol, body, index=index, scenes=scenes, seed=seed, faults=faults or {},
            photographs=album,
        )  # fmt: skip
        sets.append(_Set(protocol, body, planned, _FIRST_CAPTURE + index * _BETWEEN_SETS))
    truth = _truth(sets, size, seed)
    claim(out, truth)
    return _take(sets, out, size)


def _check_size(body: sensor.Sensor, size: tuple[int, int]) -> None:
    smallest = _SMALLEST_XTRANS if len(body.cfa) == 36 else _SMALLEST
    if any(side % 2 or side < smallest for side in size):
        raise LowLightError(
            f"--size {size[0]}x{size[1]}",
            "such a mosaic is not taken",
            f"height and width are even and at least {smallest}",
            "Give other sizes, such as 768x1152",
        )


def _truth(sets: Sequence[_Set], size: tuple[int, int], seed: int) -> bytes:
    """Return what was put in, as JSON; `sources` counts what is really different."""
    planned = [scene for part in sets for scene in part.scenes]
    kinds = sorted({scene.fault for scene in planned if scene.fault})
    content = {
        "format": 1,
        "software": SOFTWARE,
        "seed": seed,
        "size": list(size),
        "protocols": {part.protocol.name: _set_truth(part) for part in sets},
        "sources": {scene.name: scene.source for scene in planned},
        "faults": {kind: [s.name for s in planned if s.fault == kind] for kind in kinds},
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def _set_truth(part: _Set) -> dict[str, Any]:
    noises = {iso: part.body.noise.at(iso) for iso in sorted({s.iso for s in part.scenes})}
    return {
        "camera": part.body.model,
        "noise_of": part.body.noise_source,
        "stand_in": part.body.stand_in or None,
        "scenes": [scene.name for scene in part.scenes],
        "noise": {
            str(iso): {
                "gain_dn_per_electron": noise.gain,
                "read_noise_dn": noise.read_sigma,
                "row_noise_dn": noise.row_sigma,
                "black_error_dn": noise.black_error,
            }
            for iso, noise in noises.items()
        },
    }


def claim(out: Path, truth: bytes) -> None:
    """Make the folder ours, or complete our own; never mix with other files."""
    if out.exists() and not out.is_dir():
        raise LowLightError(out, "it is a file", "a folder is needed", "Name another folder")
    ours = out / TRUTH_FILE
    if ours.is_file() and ours.read_bytes() == truth:
        return
    if out.is_dir() and any(out.iterdir()):
        raise LowLightError(
            out, "other files lie in it", "captures go into a folder of their own",
            "Name a new folder, or empty this one",
        )  # fmt: skip
    write_replacing(ours, truth)


def _take(sets: Sequence[_Set], out: Path, size: tuple[int, int]) -> Iterator[Progress]:
    total = sum(1 + len(scene.short_names_s) for part in sets for scene in part.scenes)
    done = 0
    for part in sets:
        for number, scene in enumerate(part.scenes):
            moment = part.started + number * _BETWEEN_SCENES
            for kind, name_s, content in take(part.protocol, part.body, scene, size, moment):
                path = part.file(out, scene, kind, name_s)
                write_replacing(path, content)
                done += 1
                yield Progress(path, done, total)
