"""Photographs as scenes: those inside scikit-image's wheel, or a folder of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

from lldata.errors import LowLightError
from lldata.synthesis.scenes import Scene, night, srgb_to_linear

# Shipped inside the wheel (the rest of skimage.data would be fetched from the network); the
# order decides the splits; licences in scikit-image's data/README.txt.
SHIPPED = (
    "coffee.png", "chelsea.png", "astronaut.png", "motorcycle_left.png", "brick.png",
    "gravel.png", "rocket.jpg", "hubble_deep_field.jpg", "grass.png",
)  # fmt: skip
_EXTENSIONS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}
_LARGEST_ENLARGEMENT = 2.0  # beyond it, a photograph is mirrored at its borders instead
_SMALLEST = 16  # pixels a side


@dataclass(frozen=True)
class Photograph:
    """One source picture; its name tells it from the others."""

    name: str
    path: Path

    def scene(self, height: int, width: int, rng: np.random.Generator) -> Scene:
        """Cut a piece of that size, at a random scale and place, and light it as at night.

        Raises
        ------
        LowLightError
            If the file is no picture of at least 16x16 pixels.
        """
        picture = self._read()
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
        fit = max(height / picture.shape[0], width / picture.shape[1])
        factor = min(fit * rng.uniform(1.0, 1.25), _LARGEST_ENLARGEMENT)
        rows, columns = (max(2, round(n * factor)) for n in picture.shape[:2])
        method = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
        scaled = cv2.resize(np.ascontiguousarray(picture), (columns, rows), interpolation=method)
        top = int(rng.integers(0, max(1, rows - height + 1)))
        left = int(rng.integers(0, max(1, columns - width + 1)))
        at = np.ix_(_mirrored(top, height, rows), _mirrored(left, width, columns))
        surface = np.maximum(scaled[at], 0).astype(np.float32)
        if np.ptp(surface, axis=2).max() < 1e-6:  # a grey photograph: of a coloured material
            surface *= rng.uniform(0.7, 1.1, 3).astype(np.float32)
        return night(surface, rng)

    def _read(self) -> Scene:
        picture = cv2.imdecode(
            np.frombuffer(self.path.read_bytes(), dtype=np.uint8),
            cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH,
        )
        if picture is None or min(picture.shape[:2]) < _SMALLEST:
            raise LowLightError(
                self.path,
                "it cannot be read as a picture of 16x16 pixels or more",
                "a scene needs one",
                "Remove it from the folder, or convert it to PNG",
            )
        rgb = np.ascontiguousarray(picture[..., ::-1])
        full = {"uint8": 255, "uint16": 65535}.get(rgb.dtype.name)
        return srgb_to_linear(rgb / np.float32(full)) if full else rgb.astype(np.float32)


def shipped() -> list[Photograph]:
    """Return the photographs that lie inside the installed scikit-image."""
    folder = Path(str(files("skimage.data")))
    return [Photograph(name, folder / name) for name in SHIPPED if (folder / name).is_file()]


def in_folder(folder: Path) -> list[Photograph]:
    """Return the user's photographs, by name.

    Raises
    ------
    LowLightError
        If there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise LowLightError(
            f"--photos {folder}", "there is no such folder", "it holds the photographs",
            "Correct the path",
        )  # fmt: skip
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _EXTENSIONS and p.is_file())
    if not found:
        raise LowLightError(
            f"--photos {folder}",
            "no photograph lies in it",
            f"files ending in {', '.join(sorted(_EXTENSIONS))} are taken",
            "Put photographs there, or leave --photos out",
        )
    return [Photograph(path.relative_to(folder).as_posix(), path) for path in found]


def _mirrored(start: int, count: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return `count` indices from `start` into `size` pixels, mirrored at the end."""
    at = (start + np.arange(count)) % (2 * size)
    return np.minimum(at, 2 * size - 1 - at)
