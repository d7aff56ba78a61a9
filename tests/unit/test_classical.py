from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.exposure import adjust_gamma, equalize_hist, match_histograms

from baselines import method
from baselines.classical.histogram_equalization import LUMA
from lldata.errors import MethodError
from lldata.sample import Sample


def sample(seed: int = 0, shape: tuple[int, int] = (40, 50), low: float = 0.3) -> Sample:
    rng = np.random.default_rng(seed)
    dark, bright = (rng.random((3, *shape), np.float32) ** 2 * top for top in (low, 1))
    return Sample("1/1", 100.0, srgb=dark, reference=bright.astype(np.float32))


def test_amplify_is_the_amplified_rendering_clipped():
    given = Sample("1/1", 100.0, srgb=np.array([-0.5, 0.25, 1.5], np.float32).reshape(3, 1, 1))
    assert method.build("amplify")(given).ravel().tolist() == [0, 0.25, 1]
    assert method.info("amplify").input == "amplified"


def test_scaled_has_the_mean_of_the_reference():
    given = sample(low=0.01)
    scaled = method.build("scaled")(given)
    assert given.reference is not None
    unclipped = given.reference.mean() / given.srgb.mean() * given.srgb  # type: ignore[union-attr]
    np.testing.assert_allclose(scaled, unclipped.clip(0, 1), rtol=1e-5)


def test_scaled_leaves_a_black_frame_black():
    black = Sample("1/1", 1.0, srgb=np.zeros((3, 2, 2), np.float32),
                   reference=np.ones((3, 2, 2), np.float32))  # fmt: skip
    assert method.build("scaled")(black).max() == 0


def test_gamma_equals_scikit_image():
    given = sample()
    expected = adjust_gamma(given.srgb, 1 / 2.2)
    np.testing.assert_allclose(method.build("gamma")(given), expected, rtol=1e-5)


def test_automatic_gamma_brings_a_grey_picture_to_one_half():
    grey = Sample("1/1", 1.0, srgb=np.full((3, 4, 4), 0.03, np.float32))
    np.testing.assert_allclose(method.build("gamma", gamma="auto")(grey), 0.5, rtol=1e-5)


def test_equalisation_per_channel_equals_scikit_image():
    given = sample()
    expected = [equalize_hist(channel) for channel in given.srgb]  # type: ignore[union-attr]
    equalised = method.build("histogram_equalization", per_channel=True)(given)
    np.testing.assert_allclose(equalised, expected, atol=1e-6)


def test_equalisation_of_luma_keeps_the_differences_between_channels():
    given = sample(low=0.05)
    assert given.srgb is not None
    equalised = method.build("histogram_equalization")(given)
    inside = (equalised > 0).all(axis=0) & (equalised < 1).all(axis=0)
    assert inside.mean() > 0.9
    np.testing.assert_allclose(
        (equalised[0] - equalised[2])[inside], (given.srgb[0] - given.srgb[2])[inside], atol=1e-6
    )
    luma = np.tensordot(LUMA, given.srgb, 1)
    np.testing.assert_allclose(
        np.tensordot(LUMA, equalised, 1)[inside], equalize_hist(luma)[inside], atol=1e-5
    )


def test_matching_to_the_reference_equals_scikit_image_and_is_an_oracle():
    given = sample()
    matched = method.build("histogram_matching")
    expected = match_histograms(given.srgb, given.reference, channel_axis=0)
    np.testing.assert_allclose(matched(given), expected, atol=1e-6)
    assert matched.info.reference_use == "histogram"


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_matching_to_a_target_reads_its_colours_and_is_blind(tmp_path: Path, depth: type):
    white = np.iinfo(depth).max
    target = np.zeros((6, 7, 3), depth)
    target[...] = [white, 0, white // 2]  # blue, green, red as OpenCV writes them
    cv2.imwrite(str(tmp_path / "t.png"), target)
    matched = method.build("histogram_matching", target=str(tmp_path / "t.png"))
    assert matched.info.reference_use == "none"
    means = matched(sample()).mean(axis=(1, 2))
    np.testing.assert_allclose(means, [0.5, 0, 1], atol=0.003)


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_target_that_is_no_image_is_refused_by_its_path(tmp_path: Path, content: bytes | None):
    path = tmp_path / "target.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MethodError, match=r"target\.png: this is no image that can be read"):
        method.build("histogram_matching", target=path)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gamma", {"gamma": 0}, "--set gamma: it is 0, but it is a number from 0.01 to 100"),
        ("gamma", {"gamma": "x"}, "--set gamma: it is 'x'"),
        ("gamma", {"gamma": math.inf}, "--set gamma: it is inf"),
        ("gamma", {"gamma": 10**400}, "--set gamma: it is 1000"),
        *(
            (
                "histogram_equalization",
                {"per_channel": value},
                f"--set per_channel: it is {value!r}, but it is true or false",
            )
            for value in ("no", "off", 1, None)
        ),
        ("histogram_matching", {"target": 5}, "--set target: it is 5, but it is the path"),
        ("histogram_matching", {"target": True}, "--set target: it is True, but it is the path"),
        ("gamma", {"strength": 1}, "gamma has no such option, but its options are gamma"),
        ("amplify", {"gain": 2}, "its options are none"),
        ("retinexnet", {}, "--model retinexnet: no such method, but the methods are amplify"),
        ("lime@long", {}, "'long' is no rendering of the short frame"),
        ("sid@short", {}, "sid reads raw data, but only a method of domain srgb"),
    ],
)
def test_a_wrong_name_or_option_says_what_there_is(name: str, options: dict, message: str):
    with pytest.raises(MethodError) as caught:
        method.build(name, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["gamma", "scaled", "histogram_matching"])
def test_a_sample_without_what_a_method_reads_is_refused(name: str):
    with pytest.raises(MethodError, match=f"{name} on 1/1: the sample does not hold it"):
        method.build(name)(Sample("1/1", 1.0))


def test_an_oracle_without_a_reference_is_refused():
    picture = np.zeros((3, 2, 2), np.float32)
    with pytest.raises(MethodError, match="scaled needs the reference"):
        method.build("scaled")(Sample("1/1", 1.0, srgb=picture))


def test_the_name_can_choose_the_other_rendering():
    amplified = method.build("gamma@amplified", gamma=1.5)
    assert (amplified.info.name, amplified.info.input) == ("gamma@amplified", "amplified")
    assert amplified.info.needs_ratio
    assert method.info("amplify@short").input == "short"
    given = sample()
    np.testing.assert_array_equal(amplified(given), method.build("gamma", gamma=1.5)(given))
