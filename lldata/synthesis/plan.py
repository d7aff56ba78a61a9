"""What a simulation will take: scenes, their sources and splits, exposures and faults."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lldata.errors import LowLightError
from lldata.protocol import RawProtocol
from lldata.synthesis.photographs import Photograph
from lldata.synthesis.sensor import Sensor

FAULTS = ("misaligned", "wrong_iso", "wrong_exposure", "saturated", "truncated", "swapped")

# Splits of ten scenes in a row: 7 train, 2 test, 1 val; two scenes have both train and test.
SPLIT_CYCLE = ("train", "test", "train", "train", "val", "train", "test", "train", "train", "train")
_SCENES_PER_SET = 5000  # running numbers that a set may use: four digits, up to two sets


@dataclass(frozen=True)
class SimulatedScene:
    """One scene before it is taken."""

    name: str  # "00001": split digit and running number
    split: str
    source: str  # file name of the photograph, or "procedural N"
    photograph: Photograph | None
    seed: tuple[int, ...]
    long_name_s: float  # as in the file name
    short_names_s: tuple[float, ...]
    iso: int
    f_number: float
    focal_length_mm: float
    lens: str
    fault: str | None


def shutter_s(name_s: float) -> float:
    """Return the exposure behind a rounded file-name one: 0.033 is 1/30 s."""
    if name_s >= 1:
        return name_s
    exact = 1 / round(1 / name_s)
    return exact if abs(exact - name_s) < 0.02 * name_s else name_s


def plan_set(
    protocol: RawProtocol,
    sensor: Sensor,
    *,
    index: int,
    scenes: int,
    seed: int,
    faults: Mapping[str, int],
    photographs: Sequence[Photograph],
) -> list[SimulatedScene]:
    """Return the scenes of one protocol.

    In each split, photographs and procedural scenes take turns. A photograph belongs to one
    split, for all the sets of a simulation.

    Raises
    ------
    LowLightError
        If there are too many scenes, the seed is negative, or a fault is unknown or asked for
        too often.
    """
    if not 1 <= scenes < _SCENES_PER_SET:
        raise LowLightError(
            f"--scenes {scenes}", "no such number can be taken",
            f"1 to {_SCENES_PER_SET - 1} scenes fit the file names", "Give a number in between",
        )  # fmt: skip
    if seed < 0:
        raise LowLightError(
            f"--seed {seed}", "it is negative", "seeds are whole numbers from 0", "Give another one"
        )
    faulty = _assign_faults(protocol, scenes, seed, faults)
    albums = {split: _turns(album, index) for split, album in _albums(photographs).items()}
    planned = []
    for number in range(scenes):
        split = SPLIT_CYCLE[number % len(SPLIT_CYCLE)]
        running = index * _SCENES_PER_SET + number + 1
        scene_seed = (seed, zlib.crc32(protocol.name.encode()), number)
        rng = np.random.default_rng(scene_seed)
        photograph = next(albums[split])
        planned.append(
            SimulatedScene(
                name=f"{_digit(protocol, split)}{running:04d}",
                split=split,
                source=photograph.name if photograph else f"procedural {running}",
                photograph=photograph,
                seed=scene_seed,
                iso=int(rng.choice(sensor.isos)),
                fault=faulty.get(number),
                **_ladder(protocol, rng),
                **_lens(protocol, rng),
            )
        )
    return planned


def _ladder(protocol: RawProtocol, rng: np.random.Generator) -> dict[str, Any]:
    """Draw a long exposure and one to three shorts at ratios that the protocol allows."""
    allowed = {
        long_s: [
            short_s
            for short_s in protocol.exposure.short_s
            if any(
                abs(shutter_s(long_s) / shutter_s(short_s) / ratio - 1) < 0.02
                for ratio in protocol.exposure.ratios
            )
        ]
        for long_s in protocol.exposure.long_s
    }
    longs = [long_s for long_s, shorts in allowed.items() if shorts]
    long_s = float(rng.choice(longs))
    count = int(rng.integers(1, min(3, len(allowed[long_s])) + 1))
    shorts = rng.choice(allowed[long_s], count, replace=False)
    ordered = tuple(sorted((float(s) for s in shorts), reverse=True))
    return {"long_name_s": long_s, "short_names_s": ordered}


def _lens(protocol: RawProtocol, rng: np.random.Generator) -> dict[str, Any]:
    """Draw one of the protocol's lenses, "40mm f/2.8", wide open; any lens: a 35 mm one."""
    lens = str(rng.choice(protocol.camera.lenses or ("35mm f/2.8",)))
    focal, _, aperture = lens.partition("mm f/")
    return {"lens": lens, "focal_length_mm": float(focal), "f_number": float(aperture)}


def _albums(photographs: Sequence[Photograph]) -> dict[str, list[Photograph]]:
    """Give every photograph to one split, in turn, so that few still serve train and test."""
    turns = ("train", "test", "train", "train", "val", "train", "test")
    albums: dict[str, list[Photograph]] = {split: [] for split in turns}
    for number, photograph in enumerate(photographs):
        albums[turns[number % len(turns)]].append(photograph)
    return albums


def _turns(album: list[Photograph], first: int) -> Iterator[Photograph | None]:
    """Alternate for ever between the photographs in order and None, a procedural scene."""
    for number in itertools.count(first):
        yield album[number % len(album)] if album else None
        yield None


def _digit(protocol: RawProtocol, split: str) -> str:
    return next(digit for digit, name in protocol.splits.digits.items() if name == split)


def _assign_faults(
    protocol: RawProtocol, scenes: int, seed: int, faults: Mapping[str, int]
) -> dict[int, str]:
    """Return number of the scene -> fault; no scene has two."""
    for kind, count in faults.items():
        if kind not in FAULTS:
            raise LowLightError(
                f"--fault {kind}={count}", "no such fault", f"the faults are {', '.join(FAULTS)}",
                "Choose one of them",
            )  # fmt: skip
        if count < 0:
            raise LowLightError(
                f"--fault {kind}={count}", "the number is negative", "it counts scenes",
                "Give 0 or more",
            )  # fmt: skip
    kinds = [kind for kind in FAULTS for _ in range(faults.get(kind, 0))]
    if len(kinds) > scenes:
        raise LowLightError(
            "--fault", f"{len(kinds)} faults are asked for", f"there are {scenes} scenes",
            "Ask for more scenes, or for fewer faults",
        )  # fmt: skip
    rng = np.random.default_rng([seed, zlib.crc32(f"faults {protocol.name}".encode())])
    chosen = rng.permutation(scenes)[: len(kinds)]
    return {int(number): kind for number, kind in zip(chosen, kinds, strict=True)}
