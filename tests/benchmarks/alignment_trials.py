"""Simulated pairs of which it is known how the long lies against the short, and what audits say.

A scene is drawn twice as large as the mosaic. Each view of it is cut at a whole large pixel and
averaged down, so that shifts of a quarter of a packed pixel (Bayer) or a sixth (X-Trans) are
exact; colours, mosaic and noise come after. A turned view is interpolated on the large, smooth
scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from lldata import cfa
from lldata.audit import alignment
from lldata.audit.evidence import Scene
from lldata.frame import Frame
from lldata.pairing import SceneFiles
from lldata.protocol import RawProtocol, load_raw
from lldata.scene import Pixels
from lldata.synthesis import photographs, scenes, sensor
from tests.benchmarks import alignment_bound

Picture = NDArray[np.float32]

PROTOCOLS = ("sid_sony", "canon6d_iso200", "canon6d_iso12600", "sid_fuji")
KINDS = ("still", "small", "whole", "far", "turned", "object")
RATIOS = (100, 250, 300)
COLUMNS = (
    "protocol", "scene", "kind", "ratio", "iso", "electrons", "y_px", "x_px", "turn_deg",
    "object_share", "object_px", "status", "measured_y_px", "measured_x_px", "error_px",
    "agreement", "measured_turn_deg", "turn_error_deg", "blocks", "moved", "bound_px",
    "bound_other_px",
)  # fmt: skip

_SIZE, _FINER, _MARGIN = (512, 768), 2, 100  # mosaic pixels; large pixels per pixel; pixels
_BLUR_PX = 0.6  # of the lens, mosaic pixels
_LONG_S, _WHITE_BALANCE, _EXPOSED = 10.0, (2.0, 1.0, 1.6, 1.0), 0.7


@dataclass(frozen=True)
class View:
    """How the short sees the scene: from where the long lies against it, and what moved."""

    y: int = 0  # large pixels
    x: int = 0
    turn_deg: float = 0.0
    object_share: float = 0.0  # of the frame's area
    object_move: tuple[int, int] = (0, 0)  # large pixels


class Stage:
    """One scene before one camera."""

    def __init__(self, number: int) -> None:
        self.number, self.rng = number, np.random.default_rng([number, 1])
        height, width = (_FINER * (side + 2 * _MARGIN) for side in _SIZE)
        album = photographs.shipped()
        if number % 2:
            drawn = scenes.procedural(height, width, self.rng)
        else:
            drawn = album[number // 2 % len(album)].scene(height, width, self.rng)
        self.scene: Picture = cv2.GaussianBlur(drawn, (0, 0), _BLUR_PX * _FINER)
        self.protocol: RawProtocol = load_raw(PROTOCOLS[number // 2 % len(PROTOCOLS)])
        self.body = sensor.load(self.protocol)
        self.iso = int(self.rng.choice(self.body.isos))
        self.noise = self.body.noise.at(self.iso)
        self.step = cfa.scale(self.body.cfa) * _FINER  # large pixels per packed pixel
        seen = self.body.camera_colours(self.seen(View()), _WHITE_BALANCE)[..., 1]
        full = self.body.range_dn() / self.noise.gain
        self.rate = np.float32(_EXPOSED * full / np.percentile(seen, 99) / _LONG_S)

    def seen(self, view: View) -> Picture:
        """Return the scene at the mosaic's size, (H, W, 3)."""
        cut = self._cut(view.y, view.x)
        if view.object_share:
            mask = _ellipse(cut.shape[:2], view.object_share, np.random.default_rng(self.number))
            other = self._cut(view.y + view.object_move[0], view.x + view.object_move[1])
            cut = cut * (1 - mask) + other * mask
        if view.turn_deg:
            cut = _turned(cut, view.turn_deg)
        return np.asarray(cv2.resize(cut, _SIZE[::-1], interpolation=cv2.INTER_AREA))

    def _cut(self, y: int, x: int) -> Picture:
        top, left = _FINER * _MARGIN + y, _FINER * _MARGIN + x
        return self.scene[top : top + _FINER * _SIZE[0], left : left + _FINER * _SIZE[1]]

    def light(self, view: View) -> Picture:
        """Return what every site of the mosaic sees, (H, W) electrons per second."""
        colours = self.body.camera_colours(self.seen(view), _WHITE_BALANCE)
        return self.body.sample(colours) * self.rate

    def bound(self, view: View, ratio: int) -> tuple[float | None, float | None]:
        """Return how exactly the shift can be known, packed px; None where more than that moves."""
        if view.turn_deg or view.object_share:
            return None, None
        return alignment_bound.bound(
            lambda y, x: self.light(View(view.y + y, view.x + x)), self.body, self.noise,
            self.step, _LONG_S / ratio, _LONG_S,
        )  # fmt: skip

    def shot(self, view: View, seconds: float, seed: list[int]) -> Frame:
        """Take one frame."""
        mosaic = self.body.capture(self.light(view), seconds, self.noise, seed)
        return Frame(
            mosaic=mosaic, cfa=self.body.cfa,
            black_level=(self.body.black_level,) * 4, white_level=self.body.white_level,
            white_balance=_WHITE_BALANCE, colour_matrix=self.body.matrix, exposure_s=seconds,
            iso=self.iso, camera=self.body.model, sha256="",
        )  # fmt: skip

    def view(self, kind: str) -> View:
        """Draw what the short of one kind of trial sees."""
        if kind == "turned":
            size = float(np.exp(self.rng.uniform(np.log(0.02), np.log(0.5))))
            return View(turn_deg=size * float(self.rng.choice((-1, 1))))
        if kind == "object":
            move = self._steps(self.rng.uniform(1, 12))
            return View(object_share=float(self.rng.uniform(0.05, 0.3)), object_move=move)
        if kind == "still":
            return View()
        y, x = self._steps(self.rng.uniform(1, 3) if kind == "small" else self.rng.uniform(1, 32))
        if kind == "whole":
            y, x = (round(side / self.step) * self.step for side in (y, x))
        return View(y, x)

    def _steps(self, length_px: float) -> tuple[int, int]:
        angle = self.rng.uniform(0, 2 * np.pi)
        y, x = (round(length_px * self.step * f(angle)) for f in (np.sin, np.cos))
        return y, x


def trials(number: int) -> list[list[Any]]:
    """Return one row per kind of trial of one scene, in the order of COLUMNS."""
    cv2.setNumThreads(1)
    stage = Stage(number)
    rows = []
    for index, kind in enumerate(KINDS):
        view, ratio = stage.view(kind), int(stage.rng.choice(RATIOS))
        long = stage.shot(View(), _LONG_S, [number, index, 0])
        short = stage.shot(view, _LONG_S / ratio, [number, index, 1])
        bound = map(_short, stage.bound(view, ratio))
        outcome = _outcome(stage, view, short, long)
        rows.append([stage.protocol.name, number, kind, ratio, *outcome, *bound])
    return rows


def _outcome(stage: Stage, view: View, short: Frame, long: Frame) -> list[Any]:
    folder = Path("scene")
    files = SceneFiles("1", "train", "1", folder, folder / "long.DNG", (folder / "short.DNG",))
    pixels = Pixels({"short": short}, {"long": long})
    (pair,) = Scene(files, stage.protocol, pixels).pairs
    found, shift, motion = alignment.audit(pair), pair.shift, pair.motion
    electrons = float(pair.halves.mean()) * stage.body.range_dn() / stage.noise.gain
    planted = [view.y / stage.step, view.x / stage.step, view.turn_deg, view.object_share,
               float(np.hypot(*view.object_move)) / stage.step]  # fmt: skip
    measured: list[Any] = [None] * 8
    if shift is not None and motion is not None:
        measured = [shift.y_px, shift.x_px, shift.error_px, shift.agreement, shift.rotation_deg,
                    shift.rotation_error_deg, motion.blocks, int(motion.moved.sum())]  # fmt: skip
    values = [stage.iso, electrons, *planted, found.status, *measured]
    return [_short(value) for value in values]


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return float(f"{value:.4g}") if np.isfinite(value) else None


def _ellipse(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> Picture:
    """Return a mask (H, W, 1) of an upright ellipse of that share of the area, inside the frame."""
    height, width = shape[:2]
    half = np.sqrt(share / np.pi)
    y, x = (rng.uniform(half, 1 - half) for _ in range(2))
    rows, columns = np.ogrid[:height, :width]
    inside = ((rows / height - y) ** 2 + (columns / width - x) ** 2) <= half**2
    return np.asarray(inside[..., None], np.float32)


def _turned(picture: Picture, degrees: float) -> Picture:
    """Turn a picture clockwise under the camera: cubic splines, which are exact on smooth ones."""
    height, width = picture.shape[:2]
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix, centre = np.array([[c, s], [-s, c]]), np.array([height - 1, width - 1]) / 2
    turned = [
        affine_transform(plane, matrix, centre - matrix @ centre, order=3, mode="mirror")
        for plane in np.moveaxis(picture, 2, 0)
    ]
    return np.maximum(np.stack(turned, axis=2), 0).astype(np.float32)
