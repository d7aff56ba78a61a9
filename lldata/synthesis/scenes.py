"""Linear scenes for the simulator: procedural ones, and the light of a night over any scene.

A scene is (H, W, 3) float32, linear sRGB, 1 is a white surface in full light; lamps exceed it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Scene = NDArray[np.float32]

_BLUR_PX = 0.6  # of a good lens: edges and lamps are not sharper than the mosaic can show
_EDGE_DEGREES = 5.0  # slant of the edge, as ISO 12233 wants it
_PALETTE_SIZE = 6

# The 24 patches of the ColorChecker Classic, 8-bit sRGB under D65, as X-Rite publishes them.
CHART = (
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
    (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
    (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
    (243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52),
)  # fmt: skip


def srgb_to_linear(encoded: NDArray[np.floating]) -> NDArray[np.float32]:
    """Turn sRGB values in [0, 1] back to linear light. Source: IEC 61966-2-1."""
    toe = encoded / 12.92
    bent = ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, toe, bent).astype(np.float32)


def procedural(height: int, width: int, rng: np.random.Generator) -> Scene:
    """Draw a scene: texture at all scales, walls, lamps, deep shadow, chart, slanted edge."""
    surface = _surfaces(height, width, rng)
    for _ in range(int(rng.integers(5, 10))):
        _add_wall(surface, rng)
    scene = night(surface, rng)
    _add_shadow(scene, rng)
    top, left, size = _place_targets(height, width, rng)
    scene[top : top + 4 * size, left : left + 6 * size] = _chart(size)
    edge = scene[top : top + 4 * size, left + 6 * size + size // 2 :][:, : 3 * size]
    edge[:] = _slanted_edge(*edge.shape[:2])
    for _ in range(int(rng.integers(2, 6))):
        _add_lamp(scene, rng)
    return _blurred(scene)


def night(surface: Scene, rng: np.random.Generator) -> Scene:
    """Light surfaces by one to three warm lamps out of the picture and a dim cool sky."""
    height, width = surface.shape[:2]
    row, column = np.ogrid[:height, :width]
    light = np.full((height, width, 3), rng.uniform(0.04, 0.15), dtype=np.float32)
    light *= np.array([0.8, 0.95, 1.25], dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        reach = rng.uniform(0.25, 0.7) * width
        y, x = rng.uniform(-0.2, 0.8) * height, rng.uniform(-0.1, 1.1) * width
        pool = 1 / (1 + ((row - y) ** 2 + (column - x) ** 2) / reach**2)
        warmth = rng.uniform(0.0, 0.3)
        tint = np.array([1 + warmth, 1.0, 1 - warmth], dtype=np.float32)
        light += pool[..., None].astype(np.float32) * tint * np.float32(rng.uniform(0.3, 0.9))
    lit: Scene = surface * light
    return lit


def fractal(
    height: int, width: int, rng: np.random.Generator, channels: int = 1, roughness: float = 1.0
) -> Scene:
    """Return random texture, (H, W, channels), about N(0, 1), from the whole picture to two px.

    `roughness` is the amplitude of each octave over that of the coarser one: 1 gives all scales
    equal contrast, 0.5 smooth clouds.
    """
    total = np.zeros((height, width, channels), dtype=np.float32)
    octaves = max(2, int(math.log2(max(height, width))))
    weights = np.float32(roughness) ** np.arange(octaves, dtype=np.float32)
    for octave, weight in enumerate(weights / np.linalg.norm(weights)):
        cells = 2 ** (octave + 1)
        rows, columns = (min(n, max(2, n * cells // max(height, width))) for n in (height, width))
        grid = rng.standard_normal((rows, columns, channels), dtype=np.float32)
        layer = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += weight * layer.reshape(height, width, channels)
    return total


def _surfaces(height: int, width: int, rng: np.random.Generator) -> Scene:
    """Cover the ground with patches of a few textured materials, below a dark sky."""
    tone = rng.uniform(0.04, 0.5, (_PALETTE_SIZE, 1))
    palette = tone * rng.uniform(0.75, 1.25, (_PALETTE_SIZE, 3))
    choice = fractal(height, width, rng, _PALETTE_SIZE, roughness=0.6).argmax(axis=2)
    texture = np.exp(0.3 * fractal(height, width, rng, roughness=0.95))
    ground = palette[choice] * texture
    horizon = rng.uniform(0.15, 0.45) * height
    clouds = 0.03 * np.exp(0.5 * fractal(height, width, rng, roughness=0.5))
    sky = clouds * np.array([0.7, 0.85, 1.3])
    below = np.arange(height)[:, None, None] > horizon + 0.01 * height * fractal(1, width, rng)
    surface: Scene = np.where(below, ground, sky).clip(0.005, 0.95).astype(np.float32)
    return surface


def _add_wall(surface: Scene, rng: np.random.Generator) -> None:
    """Put a tilted rectangle with rows of windows into the picture."""
    height, width = surface.shape[:2]
    wide, tall = rng.uniform(0.08, 0.3) * width, rng.uniform(0.15, 0.6) * height
    centre = (rng.uniform(0, width), rng.uniform(0.2, 0.9) * height)
    tilt = float(rng.normal(0, 4))
    corners = cv2.boxPoints((centre, (wide, tall), tilt)).astype(np.float32)
    colour = rng.uniform(0.05, 0.6) * rng.uniform(0.8, 1.2, 3)
    rows, columns = _around(corners, height, width)
    window = surface[rows, columns]
    if window.size:
        mask = _polygon(window.shape[0], window.shape[1], corners - (columns.start, rows.start))
        texture = np.exp(0.12 * fractal(window.shape[0], window.shape[1], rng, roughness=0.9))
        window[:] = window * (1 - mask) + (colour * texture).clip(0.01, 0.95) * mask
    across, down = int(rng.integers(2, 6)), int(rng.integers(2, 8))
    origin, right, below = corners[1], corners[2] - corners[1], corners[0] - corners[1]
    for j in range(down):
        for i in range(across):
            u, v = (i + 0.25) / across, (j + 0.25) / down
            pane = [origin + right * a + below * b for a, b in _square(u, v, across, down)]
            glow = rng.uniform(1.0, 3.0) if rng.random() < 0.15 else rng.uniform(0.02, 0.08)
            tint = np.array([1.2, 1.0, 0.65]) if glow > 1 else np.array([0.9, 1.0, 1.1])
            _fill(surface, np.array(pane, dtype=np.float32), glow * tint)


def _square(u: float, v: float, across: int, down: int) -> list[tuple[float, float]]:
    wide, tall = 0.5 / across, 0.5 / down
    return [(u, v), (u + wide, v), (u + wide, v + tall), (u, v + tall)]


def _add_shadow(scene: Scene, rng: np.random.Generator) -> None:
    """Darken a band to a hundredth, where only the sensor's own noise is left."""
    height, width = scene.shape[:2]
    x, wide = rng.uniform(0, 0.8) * width, rng.uniform(0.1, 0.25) * width
    lean = rng.normal(0, 0.15) * width
    band = np.array(
        [(x, 0), (x + wide, 0), (x + wide + lean, height), (x + lean, height)], dtype=np.float32
    )
    depth = np.float32(rng.uniform(0.01, 0.05))
    scene *= 1 - (1 - depth) * _polygon(height, width, band)


def _add_lamp(scene: Scene, rng: np.random.Generator) -> None:
    """Add a lamp of 5 to 40 times white, with the veil that a lens makes around it."""
    height, width = scene.shape[:2]
    row, column = np.ogrid[:height, :width]
    y, x = rng.uniform(0, 0.6) * height, rng.uniform(0, 1) * width
    radius = rng.uniform(0.002, 0.008) * width + 0.7
    distance = np.hypot(row - y, column - x)
    disc = np.clip(radius + 0.5 - distance, 0, 1)
    veil = 2e-3 / (1 + (distance / (3 * radius)) ** 2)
    tint = np.array([1.0 + rng.uniform(0, 0.4), 1.0, 1.0 - rng.uniform(0, 0.5)])
    brightness = rng.uniform(5, 40)
    scene += (brightness * (disc + veil)[..., None] * tint).astype(np.float32)


def _place_targets(height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """Return row, column and patch size of the chart; the edge stands right of it."""
    size = max(2, min(height // 14, width // 24))
    top = int(rng.integers(height // 2, max(height // 2 + 1, height - 5 * size)))
    left = int(rng.integers(size, max(size + 1, width - 11 * size)))
    return top, left, size


def _chart(size: int) -> Scene:
    """Return 4x6 flat patches of `size` pixels with dark gaps, in even light."""
    patches = srgb_to_linear(np.array(CHART, dtype=np.float32).reshape(4, 6, 3) / 255)
    chart = patches.repeat(size, axis=0).repeat(size, axis=1)
    gap = np.arange(6 * size) % size >= size - max(1, size // 10)
    chart[gap[: 4 * size], :] = chart[:, gap] = 0.03
    return chart * np.float32(0.6)


def _slanted_edge(height: int, width: int) -> Scene:
    """Return an edge from 3 % to 55 %, slanted, anti-aliased."""
    row, column = np.ogrid[:height, :width]
    offset = column - width / 2 + (row - height / 2) * math.tan(math.radians(_EDGE_DEGREES))
    bright = np.clip(offset + 0.5, 0, 1).astype(np.float32)
    return np.repeat((0.03 + 0.52 * bright)[..., None], 3, axis=2)


def _polygon(height: int, width: int, corners: NDArray[np.float32]) -> Scene:
    """Return an anti-aliased mask, (H, W, 1), of a polygon of (x, y) corners."""
    mask = np.zeros((height, width), dtype=np.uint8)
    fixed = np.rint(corners * 16).astype(np.int32)  # 4 fractional bits
    cv2.fillPoly(mask, [fixed], (255,), lineType=cv2.LINE_AA, shift=4)
    return (mask[..., None] / np.float32(255)).astype(np.float32)


def _fill(surface: Scene, corners: NDArray[np.float32], colour: NDArray[np.float64]) -> None:
    """Fill a small polygon, touching only the pixels around it."""
    height, width = surface.shape[:2]
    rows, columns = _around(corners, height, width)
    window = surface[rows, columns]
    if window.size:
        mask = _polygon(window.shape[0], window.shape[1], corners - (columns.start, rows.start))
        window[:] = window * (1 - mask) + colour * mask


def _around(corners: NDArray[np.float32], height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns of the picture that a polygon touches."""
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, (width, height))
    return slice(int(top), int(max(top, bottom))), slice(int(left), int(max(left, right)))


def _blurred(scene: Scene) -> Scene:
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), _BLUR_PX), dtype=np.float32)
