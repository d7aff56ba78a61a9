"""Focus: a blurred long is found by its edges alone, whatever its noise and light."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from lldata import cfa
from lldata.audit import focus
from lldata.measures.sharpness import edge_blur
from lldata.render import linearise
from tests.captures import frame, light, pair_of

RNG = np.random.default_rng(4)
LIMIT = 1.0


def halves(green: np.ndarray, blur_px: float, electrons: float = 60000.0) -> np.ndarray:
    """Return the green halves of a green blurred by packed pixels, with the noise of its light."""
    soft = cv2.GaussianBlur(green, (0, 0), 2 * blur_px) if blur_px else green
    noisy = RNG.poisson(np.maximum(soft, 0) * electrons) + RNG.normal(0, 4, green.shape)
    return cfa.pack((noisy / electrons).astype(np.float32), "RGGB")[[1, 3]]


def edges() -> np.ndarray:
    """Return straight and slanted step edges, (512, 512) linear."""
    y, x = np.mgrid[:512, :512]
    steps = ((x + 0.3 * y) // 61 + (y - 0.2 * x) // 47) % 2
    return (0.1 + 0.4 * steps).astype(np.float32)


@pytest.mark.parametrize("blur_px", [1.0, 1.5, 2.0])
def test_the_blur_of_step_edges_is_the_one_planted(blur_px: float):
    assert edge_blur(halves(edges(), blur_px)) == pytest.approx(blur_px, rel=0.15)


@pytest.mark.parametrize("electrons", [60000, 2000])
def test_noise_makes_nothing_sharper(electrons: float):
    assert (edge_blur(halves(edges(), 3, electrons)) or 0) > 2.4


def test_exposure_changes_nothing():
    dark = halves(edges() / 20, 2)
    assert edge_blur(dark) == pytest.approx(edge_blur(halves(edges(), 2)), rel=0.1)


def test_a_picture_without_edges_is_unknown():
    flat = np.full((256, 256), 0.3, np.float32)
    assert edge_blur(halves(flat, 0)) is None
    pair = pair_of(frame(np.full((192, 256), 0.3), 0.1), frame(np.full((192, 256), 0.3), 10))
    assert focus.audit(pair).status == "unknown"


def test_pictures_too_small_for_blocks_are_unknown():
    assert edge_blur(np.zeros((2, 24, 32), np.float32)) is None


def test_a_long_out_of_focus_is_a_warning_and_a_sharp_one_passes():
    picture = light(3, (512, 512))
    soft = cv2.GaussianBlur(picture, (0, 0), 2 * 4.0)
    short = frame(picture, 0.1)
    assert focus.audit(pair_of(short, frame(picture, 10))).status == "pass"
    finding = focus.audit(pair_of(short, frame(soft, 10)))
    assert (finding.status, finding.limit) == ("warn", LIMIT)
    assert "out of focus or shaken" in finding.message


def tile_greens(shared_data: Path) -> dict[str, np.ndarray]:
    folder = shared_data / "sid_sony_tiles"
    with (folder / "tiles.csv").open() as table:
        names = [row["id"] for row in csv.DictReader(table)]
    greens = {}
    for name in names:
        picture = cv2.imread(str(folder / "long" / f"{name}_00_10s.png"), cv2.IMREAD_UNCHANGED)
        greens[name] = linearise(picture[..., 1].astype(np.float32) / np.float32(65535))
    return greens


def test_the_real_tiles_are_sharp_and_blurred_by_two_and_a_half_pixels_are_not(shared_data: Path):
    greens = {n: g.astype(np.float32) for n, g in tile_greens(shared_data).items()}
    found = {n: [edge_blur(halves(g, b)) for b in (0, 0.5, 2.5)] for n, g in greens.items()}
    assert max(blurs[0] for blurs in found.values()) < 0.7
    assert max(blurs[1] for blurs in found.values()) < LIMIT
    assert min(blurs[2] for blurs in found.values()) > LIMIT
