"""What the metrics are compared on: photographs changed in known ways, edges, charts, clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift
from scipy.special import erf
from skimage import data

from eval.metrics.definition import Image, Metric
from lldata.curve import encode

SEED = 0
SIZE = (192, 256)
ODD = (179, 213)

Floats = NDArray[np.floating[Any]]


def _none() -> Image:
    return np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Case:
    """Something to score: a picture and its reference, or a clip."""

    name: str
    output: Image = field(default_factory=_none)
    reference: Image = field(default_factory=_none)
    given: Image = field(default_factory=_none)  # what the method got
    clip: tuple[Image, ...] = ()

    @property
    def planes(self) -> tuple[Floats, Floats]:
        """The picture and its reference as if they were packed linear planes."""
        output, reference = (_unit(image) for image in (self.output, self.reference))
        return output.transpose(2, 0, 1) * 1.1, reference.transpose(2, 0, 1)


def cases(metric: Metric) -> Sequence[Case]:
    """Return what a metric is compared on."""
    if metric.reads == ("clip",):
        return _clips()
    special = {"mtf50": _edges, "chart_delta_e": _charts}
    return special[metric.name]() if metric.name in special else _pairs()


@cache
def _pairs() -> Sequence[Case]:
    """Return a photograph or noise beside what it was before a known change."""
    rng = np.random.default_rng(SEED)
    people, cat, cup = (
        _crop(_photograph(name), SIZE) for name in ("astronaut", "chelsea", "coffee")
    )
    dark = _eight(people / 255 / 8 + rng.normal(0, 0.004, people.shape))
    noisy = people / 255 + rng.normal(0, 0.05, people.shape)
    grain = [rng.integers(0, 256, (*ODD, 3), dtype=np.uint8) for _ in range(2)]
    flat = [np.full((*SIZE, 3), level, np.uint8) for level in (60, 61)]
    odd = _crop(cup, ODD)
    return [
        Case("noise", _eight(noisy), people, dark),
        Case("noise in floats", noisy, people / 255, dark),
        Case("shift of 0.7 px", _eight(_shifted(cat / 255, 0.7)), cat, dark),
        Case("blur", _eight(_blurred(cup / 255, 1.2)), cup, cup // 5),
        Case("odd size", _eight(_blurred(odd / 255, 0.6)), odd, odd // 3),
        Case("eight times darker", dark, people, dark),
        Case("nothing in common", grain[0], grain[1], grain[1]),
        Case("constant", flat[0], flat[1], flat[0]),
        Case("identical", cat, cat.copy(), cat),
    ]


def _edges() -> Sequence[Case]:
    """Return edges of known blur, one along the rows, one noisy."""
    rng = np.random.default_rng(SEED)
    plain = _edge(1.0, 5.0)
    return [
        Case("edge, sigma 1", plain),
        Case("edge, sigma 0.5", _edge(0.5, -7.0)),
        Case("edge along the rows", np.ascontiguousarray(_edge(2.0, 12.0).transpose(1, 0, 2))),
        Case("edge with noise", plain + rng.normal(0, 0.01, plain.shape)),
    ]


def _edge(sigma: float, degrees: float, shape: tuple[int, int] = (120, 100)) -> Floats:
    """Return a linear edge blurred by a Gaussian, averaged over each pixel, encoded."""
    rows, columns = np.indices((shape[0], shape[1] * 8)).astype(float)
    columns = (columns + 0.5) / 8 - 0.5
    turned = np.radians(degrees)
    across = (columns - shape[1] / 2) * np.cos(turned) - (rows - shape[0] / 2) * np.sin(turned)
    fine = 0.1 + 0.6 * (1 + erf(across / sigma / np.sqrt(2))) / 2
    linear = fine.reshape(*shape, 8).mean(axis=2)
    return encode(linear)[..., None].repeat(3, axis=2)


def _charts() -> Sequence[Case]:
    """Return charts of 24 patches, noisy, some in saturated colours."""
    rng = np.random.default_rng(SEED)
    found = []
    for name, low, high in (("chart", 40, 220), ("chart, dark", 0, 30), ("chart, any", 0, 256)):
        patches = rng.integers(low, high, (4, 6, 3)).repeat(21, axis=0).repeat(23, axis=1)
        noisy = patches + rng.normal(0, 3, patches.shape)
        found.append(Case(name, np.rint(noisy).clip(0, 255).astype(np.uint8)))
    return found


def _clips() -> Sequence[Case]:
    """Return a scene that moves, one that flickers and one that does neither but has noise."""
    rng = np.random.default_rng(SEED)
    scene = _blurred(_photograph("coffee")[:160, :220] / 255, 1.5)
    moving = [_shifted(scene, 1.3 * n)[20:116, 20:148] for n in range(4)]
    lit = [scene[:101, :131] * level for level in (1, 0.8, 1, 0.9)]
    noisy = [scene[:96, :128] + rng.normal(0, 0.03, (96, 128, 3)) for _ in range(4)]
    named = (("moving 1.3 px a frame", moving), ("flickering", lit), ("noisy", noisy))
    return [Case(name, clip=tuple(map(_eight, frames))) for name, frames in named]


def _photograph(name: str) -> Image:
    """Return one of scikit-image's photographs, (H, W, 3) uint8."""
    return np.asarray(getattr(data, name)())


def _crop(image: Image, shape: tuple[int, int]) -> Image:
    return np.ascontiguousarray(image[: shape[0], : shape[1]])


def _blurred(image: Floats, sigma: float) -> Floats:
    blurred: Floats = gaussian_filter(image, (sigma, sigma, 0))
    return blurred


def _shifted(image: Floats, pixels: float) -> Floats:
    moved: Floats = shift(image, (0, -pixels, 0), order=1, mode="nearest")
    return moved


def _unit(image: Image) -> Floats:
    return image.astype(np.float64) / (255 if image.dtype == np.uint8 else 1)


def _eight(unit: Floats) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(unit.clip(0, 1) * 255).astype(np.uint8)
    return levels
