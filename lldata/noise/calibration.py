"""A camera's calibrated noise: its figures at each ISO, the lines through them, its file.

Source: Wei, Fu, Yang, Huang, CVPR 2020 (ELD), its noise model and log-linear fits over the gain.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lldata import store
from lldata.errors import LowLightError
from lldata.noise.photon_transfer import Estimate
from lldata.protocol import RawProtocol
from lldata.publish import write_replacing
from lldata.synthesis.noise import NoiseModel, tukey_lambda_sigma
from lldata.synthesis.sensor import Sensor

FORMAT = 2
COLUMNS = (
    "ISO", "gain, DN/e", "± %", "read noise, DN", "± %", "read noise, e", "row noise, DN", "shape",
    "black off, DN",
)  # fmt: skip
FOLDER = ".calibration"
_NORMAL = 0.14  # Tukey-lambda shape nearest to a normal distribution
_NONE_DN = 1e-3  # noise that cannot be told from none


@dataclass(frozen=True)
class IsoNoise:
    """What was measured at one ISO."""

    iso: float
    gain: Estimate  # DN per electron
    channel_gains: tuple[float | None, ...]  # R, G, B, G of B; X-Trans R, G, B
    read_sigma: Estimate  # DN, without row noise and quantisation
    row_sigma: Estimate  # DN
    shape: float | None  # of Tukey-lambda; None without darks
    black_error: float | None  # DN, mean of a dark over the black level that is stated; likewise
    frames: int


@dataclass(frozen=True)
class Calibration:
    """The noise of one camera over its ISO values."""

    camera: str
    isos: tuple[IsoNoise, ...]
    left_out: tuple[str, ...]  # sets that told nothing, and why

    @property
    def model(self) -> NoiseModel:
        """Return lines through the figures of all ISO values, flat ones through a single ISO.

        Without darks the shape is that of a normal distribution.
        """
        shapes = tuple(n.shape for n in self.isos if n.shape is not None) or (_NORMAL,)
        per_iso = [math.log(100 * n.gain.value / n.iso) for n in self.isos]
        gain_iso_100 = math.exp(float(np.mean(per_iso)))
        gains = [math.log(gain_iso_100 * n.iso / 100) for n in self.isos]
        one = tukey_lambda_sigma(float(np.median(shapes)))
        read = _line(gains, [max(n.read_sigma.value, _NONE_DN) / one for n in self.isos])
        row = _line(gains, [max(n.row_sigma.value, _NONE_DN) for n in self.isos])
        errors = tuple((n.iso, n.black_error) for n in self.isos if n.black_error is not None)
        return NoiseModel(gain_iso_100, *read, *row, read_shapes=shapes, black_errors=errors)

    def as_json(self) -> dict[str, Any]:
        """Return it as its file keeps it."""
        return {
            "format": FORMAT, "camera": self.camera, "lldata": version("lowlight-toolkit"),
            "isos": [asdict(n) for n in self.isos], "left_out": list(self.left_out),
            "model": asdict(self.model),
        }  # fmt: skip


def _line(gains: Sequence[float], sigmas: Sequence[float]) -> tuple[float, float]:
    """Return slope and bias of log sigma over log gain."""
    logs = np.log(sigmas)
    if len(gains) == 1:
        return 0.0, float(logs[0])
    slope, bias = np.polyfit(gains, logs, 1)
    return float(slope), float(bias)


def rows(calibration: Calibration) -> list[tuple[float | None, ...]]:
    """Return a calibration as a table under `COLUMNS`."""
    return [
        (
            n.iso, n.gain.value, _percent(n.gain), n.read_sigma.value, _percent(n.read_sigma),
            n.read_sigma.value / n.gain.value, n.row_sigma.value, _rounded(n.shape),
            _rounded(n.black_error),
        )
        for n in calibration.isos
    ]  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _percent(estimate: Estimate) -> float:
    return 50 * (estimate.high - estimate.low) / max(estimate.value, _NONE_DN)


# ---- its file


def default_path(camera: str) -> Path:
    """Return where a camera's calibration is kept, under the home of all datasets."""
    return store.home() / FOLDER / f"{re.sub(r'[^A-Za-z0-9]+', '-', camera).strip('-')}.json"


def check_target(path: Path | None) -> None:
    """Raise LowLightError if a calibration cannot be written there because it is a folder."""
    if path is not None and path.is_dir():
        raise LowLightError(
            path, "it is a folder", "a file is written", f"Name {path / 'camera.json'}"
        )  # fmt: skip


def write(calibration: Calibration, path: Path | None = None) -> Path:
    """Write a calibration, replacing an older one, and return where."""
    path = default_path(calibration.camera) if path is None else path
    text = json.dumps(calibration.as_json(), indent=1, allow_nan=False) + "\n"
    write_replacing(path, text.encode())
    return path


def load(path: Path) -> Calibration:
    """Read a calibration.

    Raises
    ------
    LowLightError
        If there is none at that path, or it is damaged or newer.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            raise LowLightError(
                path, f"its format is {content['format']}", f"this version reads {FORMAT}",
                "Upgrade lldata, or calibrate again",
            )  # fmt: skip
        isos = tuple(_iso_noise(each) for each in content["isos"])
        found = Calibration(str(content["camera"]), isos, tuple(map(str, content["left_out"])))
        if not isos or not all(n.gain.value > 0 and n.iso > 0 for n in isos):
            raise ValueError("no positive gain")
    except FileNotFoundError as error:
        raise LowLightError(
            path, "there is no such file", "lldata calibrate writes one", "Correct the path"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise LowLightError(
            path, f"it holds no calibration ({type(error).__name__})",
            "lldata calibrate writes one", "Name that file, or calibrate again",
        ) from error  # fmt: skip
    return found


def _iso_noise(values: dict[str, Any]) -> IsoNoise:
    estimates = {
        name: Estimate(**{k: float(v) for k, v in values[name].items()})
        for name in ("gain", "read_sigma", "row_sigma")
    }
    shape, black_error = (
        None if values[name] is None else float(values[name]) for name in ("shape", "black_error")
    )
    gains = tuple(None if g is None else float(g) for g in values["channel_gains"])
    return IsoNoise(
        iso=float(values["iso"]), channel_gains=gains, shape=shape, black_error=black_error,
        frames=int(values["frames"]), **estimates,
    )  # fmt: skip


def noise_model(path: Path) -> NoiseModel:
    """Return the noise model of a calibration's file, for the simulator.

    Raises
    ------
    LowLightError
        As `load`.
    """
    return load(path).model


def applied(
    path: Path, bodies: Sequence[tuple[RawProtocol, Sensor]]
) -> list[tuple[RawProtocol, Sensor]]:
    """Return simulated cameras with the noise of a calibration, at the ISO values it reaches.

    Raises
    ------
    LowLightError
        As `load`, if the calibration is of another camera, or if one of them takes none of the
        calibrated ISO values.
    """
    found = load(path)
    low, high = found.isos[0].iso, found.isos[-1].iso
    calibrated = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    reached = []
    for protocol, body in bodies:
        if not protocol.matches_camera(found.camera):
            raise LowLightError(
                path, f"it is a calibration of the {found.camera}",
                f"{protocol.name} simulates the {protocol.camera.make} {body.model}",
                "Calibrate that camera, or simulate a protocol of yours",
            )  # fmt: skip
        isos = tuple(iso for iso in body.isos if 0.99 * low <= iso <= 1.01 * high)
        source = f"calibration of {found.camera}"
        if isos:
            noisy = replace(body, noise=found.model, noise_source=source, stand_in="", isos=isos)
            reached.append((protocol, noisy))
    if len(reached) < len(bodies):
        needed = sorted({iso for _, body in bodies for iso in body.isos})
        others = " or ".join(protocol.name for protocol, _ in reached) or "another protocol"
        raise LowLightError(
            path, f"it was made at ISO {calibrated}",
            f"the simulated {bodies[0][1].model} takes ISO {', '.join(map(str, needed))}",
            f"Calibrate at these too, or simulate {others}",
        )  # fmt: skip
    return reached
