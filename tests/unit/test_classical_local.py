"""Local equalisation, inverted dehazing, and what all picture methods have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage.exposure import equalize_adapthist

from baselines import method
from baselines.classical.dong import airlight, guided
from baselines.classical.histogram_equalization import LUMA
from lldata.errors import MethodError
from lldata.sample import Sample
from tests.pictures import dark, picture

NIGHT = dark(picture(3, (96, 128))).transpose(2, 0, 1).astype(np.float32) / 255
ODD = NIGHT[:, :71, :93]
FLIPPED = [
    ("identity", {}), ("gamma", {}), ("gamma", {"gamma": "auto"}), ("retinex_inverse", {}),
    ("retinex_inverse", {"alpha": 0.8, "gamma": 2}),
    ("histogram_equalization", {}), ("histogram_equalization", {"per_channel": True}),
    ("histogram_matching", {}), ("scaled", {}), ("clahe", {}), ("clahe", {"per_channel": True}),
    ("ssr", {}), ("msr", {}), ("msr", {"offset": 0}), ("msr", {"per_channel": False}),
    ("msrcr", {}), ("msrcr", {"display": "fixed"}),
    ("dong", {}), ("dong", {"patch": 9, "refine": 10}),
]  # fmt: skip


def run(name: str, given: np.ndarray, **options: Any) -> np.ndarray:
    srgb = np.ascontiguousarray(given)
    return method.build(name, **options)(Sample("1/1", 1.0, srgb=srgb, reference=srgb**0.5))


@pytest.mark.parametrize(("name", "options"), FLIPPED)
@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_picture_gives_the_mirrored_result(
    name: str, options: dict[str, Any], axis: int
):
    mirrored = run(name, np.flip(ODD, axis), **options)
    np.testing.assert_allclose(np.flip(mirrored, axis), run(name, ODD, **options), atol=1e-6)


@pytest.mark.parametrize(("name", "options"), FLIPPED)
@pytest.mark.parametrize("value", [0.0, 0.2, 1.0])
def test_a_constant_picture_stays_constant(name: str, options: dict[str, Any], value: float):
    result = run(name, np.full((3, 17, 23), value, np.float32), **options)
    assert np.ptp(result, axis=(1, 2)).max() < 1e-6


@pytest.mark.parametrize("name", ["clahe", "dong", "identity"])
@pytest.mark.parametrize("value", [0.0, 0.2, 1.0])
def test_where_there_is_no_contrast_nothing_changes(name: str, value: float):
    flat = np.full((3, 17, 23), value, np.float32)
    np.testing.assert_allclose(run(name, flat), flat, atol=1e-6)


def test_clahe_per_channel_is_scikit_images_over_the_mirror_images():
    shown = run("clahe", NIGHT, per_channel=True, limit=0.02, tiles=4)
    expected = [
        np.flip(equalize_adapthist(np.flip(NIGHT[0], axes), (24, 32), 0.02), axes)
        for axes in ((), (0,), (1,), (0, 1))
    ]
    np.testing.assert_allclose(shown[0], np.mean(expected, axis=0), atol=1e-6)
    assert np.abs(shown[0] - expected[0]).mean() < 5e-3


def test_clahe_of_luma_moves_the_channels_together():
    shown = run("clahe", NIGHT)
    inside = (shown > 0).all(axis=0) & (shown < 1).all(axis=0)
    assert inside.mean() > 0.5
    np.testing.assert_allclose((shown[0] - shown[2])[inside], (NIGHT[0] - NIGHT[2])[inside],
                               atol=1e-6)  # fmt: skip
    assert np.tensordot(LUMA, shown, 1).std() > 1.2 * np.tensordot(LUMA, NIGHT, 1).std()


def test_the_airlight_is_the_brightest_of_the_whitest_pixels():
    inverse = np.full((3, 20, 20), 0.5, np.float32)
    inverse[:, :10, :10] = 0.8
    inverse[:, 3, 4] = [0.8, 0.9, 0.85]
    inverse[:, 15, 15] = [1, 1, 0.1]  # brighter, but not among the 100 by its smallest channel
    np.testing.assert_allclose(airlight(inverse), [0.8, 0.9, 0.85], rtol=1e-6)


def test_dong_clears_the_inverse_of_its_haze():
    grey = np.zeros((3, 1, 200), np.float32)
    grey[:, 0, 100:] = 0.25  # R = 0.75, A = 1: t = 0.4, 2 t^2 = 0.32, J = -0.25 / 0.32 + 1
    shown = run("dong", grey)
    np.testing.assert_allclose(shown[:, 0, 150], 0.25 / 0.32, rtol=1e-5)
    assert shown[:, 0, :100].max() == 0
    np.testing.assert_allclose(run("dong", grey, omega=0), grey, atol=1e-6)


def test_the_floor_bounds_the_gain_of_dong():
    grey = np.zeros((3, 1, 200), np.float32)
    grey[:, 0, 100:] = 0.01
    shown = run("dong", grey, omega=1, floor=0.1)
    np.testing.assert_allclose(shown[0, 0, 150], 0.1, rtol=1e-4)


def test_the_guided_filter_keeps_what_is_linear_in_its_guide_and_smooths_noise():
    step = np.repeat([[0.2, 0.8]], 30, axis=1).repeat(40, axis=0).astype(np.float32)
    kept = guided(step, 0.5 * step + 0.1, 4)
    np.testing.assert_allclose(kept, 0.5 * step + 0.1, atol=0.01)
    noise = np.random.default_rng(0).normal(0.5, 0.1, step.shape).astype(np.float32)
    assert guided(step, noise, 4).std() < 0.3 * noise.std()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("dong", {"patch": 4}, "--set patch: it is 4, but a patch around a pixel has an odd side"),
        ("dong", {"omega": 1.1}, "--set omega: it is 1.1, but it is a number from 0 to 1"),
        ("dong", {"floor": 0}, "--set floor: it is 0, but it is a number from 0.001"),
        ("dong", {"refine": 2.5}, "--set refine: it is 2.5, but it is a whole number"),
        ("clahe", {"limit": 0}, "--set limit: it is 0, but it is a number from 0.0001"),
        ("clahe", {"tiles": 0}, "--set tiles: it is 0, but it is a number from 1 to 256"),
        ("clahe", {"per_channel": "no"}, "--set per_channel: it is 'no', but it is true or false"),
    ],
)
def test_an_option_it_cannot_have_is_refused(name: str, options: dict[str, Any], message: str):
    with pytest.raises(MethodError) as caught:
        method.build(name, **options)
    assert message in str(caught.value)
