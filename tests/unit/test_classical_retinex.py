from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.fft import dctn, idctn

from baselines import method
from baselines.inference.illumination import lifted, stretched, surround
from lldata.errors import MethodError
from lldata.sample import Sample
from tests.pictures import dark, picture

NAMES = ("ssr", "msr", "msrcr")
SHAPE = (90, 131)
NIGHT = dark(picture(3, SHAPE)).transpose(2, 0, 1).astype(np.float32) / 255


def run(name: str, given: np.ndarray, **options: Any) -> np.ndarray:
    return method.build(name, **options)(Sample("1/1", 1.0, srgb=np.ascontiguousarray(given)))


def exact(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian mean of the mirrored plane, by its cosine transform."""
    down, across = (np.exp(-((sigma * np.pi * np.arange(n) / n) ** 2) / 2) for n in plane.shape)
    return idctn(dctn(plane) * np.outer(down, across))


@pytest.mark.parametrize("sigma", [3, 11.9, 15, 80, 250])
def test_the_surround_is_the_gaussian_mean(sigma: float):
    plane = NIGHT[0].astype(np.float64) + 1 / 255
    np.testing.assert_allclose(np.log(surround(plane, sigma)), np.log(exact(plane, sigma)),
                               atol=0.01)  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_the_surround_of_a_constant_is_that_constant(shape: tuple[int, int]):
    mean = surround(np.full(shape, 0.3), 80)
    assert mean.shape == shape
    np.testing.assert_allclose(mean, 0.3, rtol=1e-7)


def test_msr_is_the_stretched_mean_of_log_ratios():
    plane = NIGHT[1].astype(np.float64) + 1 / 255
    ratios = np.log(plane) - np.mean([np.log(surround(plane, s)) for s in (5, 9)], axis=0)
    low, high = np.percentile(ratios, (2, 98))
    expected = ((ratios - low) / (high - low)).clip(0, 1)
    shown = run("msr", NIGHT, sigmas="5,9", percent=2)[1]
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    np.testing.assert_array_equal(run("ssr", NIGHT, sigma=9), run("msr", NIGHT, sigmas=9))


def test_msrcr_weights_msr_by_the_logarithm_of_a_channels_share():
    values = NIGHT.astype(np.float64) + 1 / 255
    ratio = np.log(values[2]) - np.log(surround(values[2], 9))
    expected = 30 / 255 * (np.log(125 * values[2] / values.sum(axis=0)) * ratio + 6)
    shown = run("msrcr", NIGHT, sigmas=9, display="fixed")[2]
    np.testing.assert_allclose(shown, expected.clip(0, 1), atol=1e-6)
    doubled = run("msrcr", NIGHT, sigmas=9, display="fixed", beta=2, gain=15, bias=-12)[2]
    np.testing.assert_allclose(doubled, shown, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("exposure", [0.5, 0.1])
def test_without_offset_the_exposure_does_not_matter(name: str, exposure: float):
    scaled = run(name, NIGHT * np.float32(exposure), offset=0)
    np.testing.assert_allclose(scaled, run(name, NIGHT, offset=0), atol=1e-3)
    assert np.abs(run(name, NIGHT * np.float32(exposure)) - run(name, NIGHT)).max() > 0.01


@pytest.mark.parametrize("name", ["ssr", "msr"])
def test_of_the_intensity_alone_the_hues_stay(name: str):
    shown = run(name, NIGHT, per_channel=False)
    lit = (NIGHT > 0).all(axis=0) & (shown > 0).all(axis=0)
    assert lit.mean() > 0.5
    for channel in (1, 2):
        np.testing.assert_allclose(
            shown[channel][lit] / shown[0][lit], NIGHT[channel][lit] / NIGHT[0][lit], rtol=1e-4
        )


@pytest.mark.parametrize(("name", "options"), [
    *((name, {"offset": offset}) for name in NAMES for offset in (0, 1)),
    ("msr", {"per_channel": False}), ("msr", {"per_channel": False, "offset": 0}),
])  # fmt: skip
@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 1, 1), (0.3, 0.1, 0.0)])
def test_what_is_constant_stays_as_it_is(
    name: str, options: dict[str, Any], colour: tuple[float, ...]
):
    flat = np.broadcast_to(np.array(colour, np.float32)[:, None, None], (3, 17, 23))
    np.testing.assert_allclose(run(name, flat, **options), flat, atol=1e-6)


@pytest.mark.parametrize(("width", "sigma"), [(1024, 20), (256, 5)])
def test_sigmas_can_scale_with_the_picture(width: int, sigma: float):
    wide = np.tile(NIGHT, (1, 2, 8))[:, :64, :width]
    for name, option in (("ssr", "sigma"), ("msr", "sigmas"), ("msrcr", "sigmas")):
        scaled = run(name, wide, scale_with_size=True, **{option: 10})
        np.testing.assert_array_equal(scaled, run(name, wide, **{option: sigma}))
        assert np.abs(scaled - run(name, wide, **{option: 10})).max() > 0.01


def test_a_surround_scaled_below_a_pixel_leaves_the_picture_as_it_is():
    tiny = NIGHT[:, :3, :2]
    np.testing.assert_allclose(run("ssr", tiny, sigma=15, scale_with_size=True), tiny, atol=1e-6)


def test_zeros_take_the_smallest_value_above_zero_and_black_planes_one():
    assert lifted(np.array([[0, 0.25, 0.5]], np.float32), 0).tolist() == [[0.25, 0.25, 0.5]]
    assert lifted(np.zeros((1, 2), np.float32), 0).tolist() == [[1, 1]]


def test_a_stretch_between_equal_percentiles_uses_the_extremes():
    lamp = np.zeros((20, 20))
    lamp[3, 4] = 2.0
    shown = stretched(lamp, np.zeros((20, 20), np.float32), 1)
    assert (shown[3, 4], shown.sum()) == (1, 1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("msr", {"sigmas": "15;80"}, "--set sigmas: it is '15;80', but it is one number of pix"),
        ("msr", {"sigmas": ()}, "--set sigmas: it is (), but it is one number"),
        ("msr", {"sigmas": "15,0"}, "--set sigmas: it is 0.0, but it is a number from 0.1"),
        ("ssr", {"sigma": "15,80"}, "--set sigma: it is '15,80', but it is a number"),
        ("ssr", {"percent": 50}, "--set percent: it is 50, but it is a number from 0 to 49"),
        ("ssr", {"offset": -1}, "--set offset: it is -1, but it is a number from 0 to 255"),
        ("ssr", {"per_channel": 1}, "--set per_channel: it is 1, but it is true or false"),
        ("msrcr", {"display": "best"}, "--set display: it is 'best', but it can be stretch, fix"),
        ("msrcr", {"gain": 5}, "--set gain: it is 5, but it has no effect with display stretch"),
        ("msrcr", {"display": "fixed", "percent": 1}, "--set percent: it is 1, but it has no eff"),
        ("msrcr", {"display": "fixed", "gain": "x"}, "--set gain: it is 'x', but it is a number"),
        ("msrcr", {"alpha": 0}, "--set alpha: it is 0, but it is a number from 0.01"),
    ],
)
def test_an_option_it_cannot_have_is_refused(name: str, options: dict[str, Any], message: str):
    with pytest.raises(MethodError) as caught:
        method.build(name, **options)
    assert message in str(caught.value)
