"""A simulated camera body: linear light in, mosaics out, in electrons in between."""

from __future__ import annotations

import math
import tomllib
import zlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lldata.errors import ProtocolError
from lldata.protocol import RawProtocol
from lldata.render import SRGB_TO_XYZ
from lldata.synthesis.noise import Noise, NoiseModel, expose, quantise

_GLOW_REACH = 0.12  # of the longer side: where the glow has fallen to 1/e
_HOT_SPREAD = 1.5  # standard deviation of log electrons per second among hot pixels


@dataclass(frozen=True)
class Sensor:
    """One camera: how it sees colour, how noisy it is, what its long exposures add."""

    model: str
    cfa: str
    black_level: float  # DN
    white_level: int  # DN
    noise: NoiseModel
    noise_source: str
    stand_in: str  # the camera whose noise is used, if it is another one
    matrix: tuple[tuple[float, float, float], ...]  # XYZ -> camera, D65
    dark_e_s: float  # electrons per second and pixel
    glow_e_s: float  # of the amplifier, at its corner
    hot_share: float  # of the pixels
    hot_e_s: float  # median of the hot pixels
    isos: tuple[int, ...]
    exposed: float = 0.7  # share of the range that the 99th percentile of green comes to
    veil: float = 0.0  # share of the scene's light that its lens spreads over the whole picture

    def range_dn(self) -> float:
        """DN from black to white."""
        return self.white_level - self.black_level

    def camera_colours(
        self, scene: NDArray[np.float32], white_balance: tuple[float, ...]
    ) -> NDArray[np.float32]:
        """Turn linear sRGB, (H, W, 3), into the colours of this camera's sensor.

        White becomes 1 / white_balance, so that developing with it gives white again.
        """
        to_camera = np.asarray(self.matrix) @ SRGB_TO_XYZ
        to_camera /= to_camera.sum(axis=1, keepdims=True)
        to_camera /= np.asarray(white_balance[:3])[:, None]
        colours: NDArray[np.float32] = np.maximum(scene @ to_camera.T.astype(np.float32), 0)
        return colours

    def sample(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        """Keep at every site of the CFA the one colour that it sees: (H, W, 3) -> (H, W)."""
        side = math.isqrt(len(self.cfa))
        planes = np.array(["RGB".index(letter) for letter in self.cfa]).reshape(side, side)
        height, width = colours.shape[:2]
        rows, columns = np.ogrid[:height, :width]
        mosaic: NDArray[np.float32] = colours[rows, columns, planes[rows % side, columns % side]]
        return mosaic

    def dark_rate(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return the electrons per second without light, (H, W): dark current, glow, hot pixels.

        Always the same for a camera and a size: hot pixels stay where they are.
        """
        height, width = shape
        rng = np.random.default_rng(zlib.crc32(f"{self.model} {height}x{width}".encode()))
        row, column = np.ogrid[:height, :width]
        distance = np.hypot(height - row, width - column) / (_GLOW_REACH * max(shape))
        rate: NDArray[np.float64] = self.dark_e_s + self.glow_e_s * np.exp(-distance)
        hot = rng.random(shape) < self.hot_share
        rate[hot] += self.hot_e_s * rng.lognormal(0.0, _HOT_SPREAD, np.count_nonzero(hot))
        return rate

    def capture(
        self, light: NDArray[np.floating[Any]], exposure_s: float, noise: Noise, seed: list[int]
    ) -> NDArray[np.uint16]:
        """Take one picture.

        Parameters
        ----------
        light : (H, W) electrons per second at every site
        exposure_s : seconds
        noise : of the ISO, `self.noise.at(iso)`
        seed : whole numbers; the same ones give the same picture

        Returns
        -------
        (H, W) uint16, DN.
        """
        rng = np.random.default_rng(seed)
        height, width = light.shape
        full = 4 * self.range_dn() / noise.gain  # far beyond white; Poisson draws stay cheap
        electrons = np.minimum((light + self.dark_rate((height, width))) * exposure_s, full)
        return quantise(expose(electrons, noise, rng), self.black_level, self.white_level)


def load(protocol: RawProtocol) -> Sensor:
    """Return the simulated camera of a protocol.

    Raises
    ------
    ProtocolError
        If the simulator has no figures for the protocol's camera.
    """
    table = _cameras()
    known = table["camera"]
    model = next((model for model in protocol.camera.models if model in known), None)
    if model is None:
        camera = protocol.camera
        named = " ".join([camera.make, *camera.models])
        raise ProtocolError(
            protocol.name,
            "it is for any camera" if camera.make == "any" else f"its camera is {named}",
            f"the simulator must take the frames as one that it knows: {', '.join(known)}",
            "Choose a protocol of one of these",
        )
    facts = known[model]
    apart = ("noise", "black_errors", "iso", "matrix")
    return Sensor(
        model=model,
        cfa=protocol.camera.cfa,
        black_level=float(protocol.camera.black_level),
        white_level=int(protocol.camera.white_level),
        noise=_noise(table, facts),
        noise_source=facts["noise"],
        isos=tuple(protocol.camera.iso_exif or facts["iso"]),
        matrix=tuple((x, y, z) for x, y, z in facts["matrix"]),
        **{name: value for name, value in facts.items() if name not in apart},
    )


def noise_of(camera: str) -> NoiseModel | None:
    """Return the calibrated noise of a camera, make and model, or None where it is not known."""
    table = _cameras()
    for model, facts in table["camera"].items():
        if camera.casefold().endswith(model.casefold()):
            return _noise(table, facts)
    return None


def _cameras() -> dict[str, Any]:
    return tomllib.loads((files("lldata.synthesis") / "cameras.toml").read_text("utf-8"))


def _noise(table: dict[str, Any], facts: dict[str, Any]) -> NoiseModel:
    figures = table["noise"][facts["noise"]]
    return NoiseModel(
        **figures | {"read_shapes": tuple(figures["read_shapes"])},
        black_errors=tuple((iso, dn) for iso, dn in facts.get("black_errors", ())),
    )
