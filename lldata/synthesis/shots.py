"""Take the exposures of one simulated scene, the long one first, and what goes wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lldata.dng import dng_bytes
from lldata.frame import Frame
from lldata.protocol import RawProtocol
from lldata.synthesis import scenes
from lldata.synthesis.plan import SimulatedScene, shutter_s
from lldata.synthesis.sensor import Sensor

SOFTWARE = f"lldata simulator {version('lowlight-toolkit')}"

_HANDLING = timedelta(seconds=3)  # between two exposures of a scene
_MARGIN_PX = 48  # around the picture, for a camera that was knocked
_SHIFT_PX = (8, 24)  # mosaic pixels: 4 to 12 packed ones (Bayer)
_ISO_FAULT = 4  # times
_EXPOSURE_FAULT = 3.0  # times the light that name and EXIF promise
_OVEREXPOSED = (40.0, 1.7)  # this percentile of green gets that many times the range
_KEPT_OF_CUT_FILE = 0.6
_TUNGSTEN = (1.0985, 1.0, 0.3558)  # XYZ of CIE illuminant A
_DAYLIGHT = (0.9505, 1.0, 1.0890)  # of D65


def take(
    protocol: RawProtocol,
    body: Sensor,
    scene: SimulatedScene,
    size: tuple[int, int],
    moment: datetime,
) -> Iterator[tuple[Literal["long", "short"], float, bytes]]:
    """Yield kind, exposure as in the file name, and the DNG of each exposure of a scene.

    Parameters
    ----------
    protocol, body : camera and levels
    scene : what to take
    size : height and width of the mosaic
    moment : when the long exposure starts
    """
    rng = np.random.default_rng([*scene.seed, 1])
    white_balance = _white_balance(body, rng)
    light, shifted = _light(body, scene, size, white_balance, rng)
    for shot, name_s in enumerate((scene.long_name_s, *scene.short_names_s)):
        short = shot > 0
        exposure_s = shutter_s(name_s)
        iso = scene.iso * _ISO_FAULT if short and scene.fault == "wrong_iso" else scene.iso
        factor = _EXPOSURE_FAULT if short and scene.fault == "wrong_exposure" else 1.0
        mosaic = body.capture(
            (shifted if short else light) * factor, exposure_s, body.noise.at(iso),
            [*scene.seed, 2, shot],
        )  # fmt: skip
        content = dng_bytes(
            _frame(protocol, body, scene, mosaic, white_balance, exposure_s, iso, moment),
            description=f"Simulated capture of: {scene.source}",
        )
        if not short and scene.fault == "truncated":
            content = content[: int(len(content) * _KEPT_OF_CUT_FILE)]
        yield "short" if short else "long", name_s, content
        moment += timedelta(seconds=exposure_s) + _HANDLING


def _frame(
    protocol: RawProtocol,
    body: Sensor,
    scene: SimulatedScene,
    mosaic: NDArray[np.uint16],
    white_balance: tuple[float, float, float, float],
    exposure_s: float,
    iso: int,
    moment: datetime,
) -> Frame:
    return Frame(
        mosaic=mosaic,
        cfa=body.cfa,
        black_level=(body.black_level,) * 4,
        white_level=body.white_level,
        white_balance=white_balance,
        colour_matrix=body.matrix,
        exposure_s=exposure_s,
        iso=iso,
        camera=f"{protocol.camera.make} {body.model}",
        sha256="",
        f_number=scene.f_number,
        focal_length_mm=scene.focal_length_mm,
        lens=scene.lens,
        time=moment.replace(microsecond=0).isoformat(),
        software=SOFTWARE,
    )


def _white_balance(body: Sensor, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Draw the multipliers that this camera has for some mixture of tungsten and daylight."""
    tungsten = rng.uniform(0, 1)
    light = tungsten * np.array(_TUNGSTEN) + (1 - tungsten) * np.array(_DAYLIGHT)
    red, green, blue = np.asarray(body.matrix) @ light
    return (round(float(green / red), 4), 1.0, round(float(green / blue), 4), 1.0)


def _light(
    body: Sensor,
    scene: SimulatedScene,
    size: tuple[int, int],
    white_balance: tuple[float, ...],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return electrons per second at each site for the long exposure and for the shorts."""
    height, width = size
    padded = (height + 2 * _MARGIN_PX, width + 2 * _MARGIN_PX)
    wide = _draw(scene, padded, rng)
    if body.veil:
        wide += np.float32(body.veil) * (wide.mean(axis=(0, 1)) - wide)
    knocked = wide
    if scene.fault == "swapped":
        other = np.random.default_rng([*scene.seed, 3])
        knocked = scenes.procedural(*padded, other)
        knocked *= wide.mean() / knocked.mean()
    dy, dx = _knock(rng) if scene.fault == "misaligned" else (0, 0)
    rate = _electrons_per_second(body, scene, wide, white_balance, rng)
    views = []
    for picture, down, right in ((wide, 0, 0), (knocked, dy, dx)):
        top, left = _MARGIN_PX + down, _MARGIN_PX + right
        colours = body.camera_colours(
            picture[top : top + height, left : left + width], white_balance
        )
        views.append(body.sample(colours) * np.float32(rate))
    return views[0], views[1]


def _draw(scene: SimulatedScene, size: tuple[int, int], rng: np.random.Generator) -> scenes.Scene:
    if scene.photograph is None:
        return scenes.procedural(*size, rng)
    return scene.photograph.scene(*size, rng)


def _knock(rng: np.random.Generator) -> tuple[int, int]:
    down, right = (int(rng.integers(*_SHIFT_PX)) * int(rng.choice((-1, 1))) for _ in range(2))
    return down, right


def _electrons_per_second(
    body: Sensor,
    scene: SimulatedScene,
    picture: scenes.Scene,
    white_balance: tuple[float, ...],
    rng: np.random.Generator,
) -> float:
    """Return the rate that exposes the long frame as a photographer would, not always alike.

    Its 99th percentile of green comes to rest around `body.exposed` of the range.
    """
    green = body.camera_colours(picture[::4, ::4], white_balance)[..., 1]
    target = float(np.clip(body.exposed * rng.lognormal(0.0, 0.25), body.exposed / 2, 1.1))
    percentile = 99.0
    if scene.fault == "saturated":
        percentile, target = _OVEREXPOSED
    bright = max(float(np.percentile(green, percentile)), 1e-6)
    full_well = body.range_dn() / body.noise.at(scene.iso).gain
    return target * full_well / bright / shutter_s(scene.long_name_s)
