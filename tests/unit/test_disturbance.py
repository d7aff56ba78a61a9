from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.running.disturbance import (
    AXES,
    Disturbance,
    axes,
    disturbed,
    disturbed_frames,
    read_noise_dn,
)
from lldata.errors import ScoreError
from lldata.sample import Sample, sample_of_frame
from tests.captures import frame, light


@pytest.fixture
def sample() -> Sample:
    shot = replace(frame(light(1, (48, 64)), 0.1), iso=200.0, camera="SONY ILCE-7SM2")
    return sample_of_frame(shot, "s/s_00_0.1s", 100.0)


@pytest.fixture
def picture() -> Sample:
    drawn = np.random.default_rng(0).random((3, 20, 30), np.float32)
    return Sample("p/p", np.nan, srgb=drawn)


@pytest.mark.parametrize("name", axes("raw"))
def test_step_0_is_the_sample_itself_and_every_other_step_differs(name: str, sample: Sample):
    for step in AXES[name].steps:
        found = disturbed(sample, Disturbance(name, step))
        assert (found is sample) == (step == 0)


def test_steps_rise_and_hold_0():
    for axis in AXES.values():
        assert list(axis.steps) == sorted(axis.steps)
        assert 0 in axis.steps


def test_only_the_ratio_told_doubles_on_its_axis(sample: Sample):
    found = disturbed(sample, Disturbance("ratio", 1))
    assert found.ratio == 200
    assert found.packed is sample.packed


def test_black_level_shifts_what_is_read_as_dark(sample: Sample):
    found = disturbed(sample, Disturbance("black_level", 2))
    assert found.frame is not None
    assert found.frame.black_level == (514, 514, 514, 514)
    black = (float(sample.frame.mosaic.min()) - 514) / (16383 - 514)  # type: ignore[union-attr]
    assert found.packed.min() == pytest.approx(black)  # type: ignore[union-attr]


def test_a_negative_black_level_is_refused(sample: Sample):
    low = replace(sample, frame=replace(sample.frame, black_level=(1.0, 1.0, 1.0, 1.0)))
    with pytest.raises(ScoreError, match="-2 DN on its black level gives -1"):
        disturbed(low, Disturbance("black_level", -2))


def test_read_noise_is_added_in_units_of_the_calibrated_one(sample: Sample):
    flat = replace(sample.frame, mosaic=np.full((200, 200), 2000, np.uint16))
    noisy = disturbed(replace(sample, frame=flat), Disturbance("read_noise", 4))
    sigma = read_noise_dn(flat, "s")
    assert sigma == pytest.approx(1.36, abs=0.05)  # of the Sony at ISO 200, see cameras.toml
    assert noisy.frame.mosaic.std() == pytest.approx(4 * sigma, rel=0.02)  # type: ignore[union-attr]


def test_an_unknown_camera_has_no_read_noise(sample: Sample):
    with pytest.raises(ScoreError, match="read noise of the Nikon is not known"):
        read_noise_dn(replace(sample.frame, camera="Nikon"), "s")


def test_more_hot_pixels_are_the_same_ones_and_others(sample: Sample):
    large = replace(sample, frame=replace(sample.frame, mosaic=np.full((500, 600), 600, "uint16")))
    few, many = (
        disturbed(large, Disturbance("hot_pixels", step)).frame.mosaic == 16383  # type: ignore[union-attr]
        for step in (1, 2)
    )
    assert many[few].all()
    assert many.mean() == pytest.approx(0.002, rel=0.15)


def test_eight_bits_leave_at_most_256_levels_between_black_and_white(sample: Sample):
    full = np.linspace(512, 16383, 48 * 64).reshape(48, 64).astype(np.uint16)
    found = disturbed(replace(sample, frame=replace(sample.frame, mosaic=full)),
                      Disturbance("eight_bit", 1))  # fmt: skip
    levels = np.unique(found.frame.mosaic)  # type: ignore[union-attr]
    assert (levels.min(), levels.max(), len(levels)) == (512, 16383, 256)


def test_brightness_of_one_ev_doubles_the_light_of_a_frame(sample: Sample):
    found = disturbed(sample, Disturbance("brightness", 1))
    light_before = sample.frame.mosaic.astype(float) - 512  # type: ignore[union-attr]
    after = found.frame.mosaic.astype(float) - 512  # type: ignore[union-attr]
    assert np.abs(after - 2 * light_before)[light_before < 7000].max() == 0


def test_brightness_of_a_picture_acts_on_its_light(picture: Sample):
    darker = disturbed(picture, Disturbance("brightness", -1))
    brighter = disturbed(darker, Disturbance("brightness", 1))
    assert brighter.srgb == pytest.approx(picture.srgb, abs=1e-5)


def test_noise_of_a_picture_depends_on_its_pair_alone(picture: Sample):
    one, again = (disturbed(picture, Disturbance("noise", 5)).srgb for _ in range(2))
    other = disturbed(replace(picture, pair="q/q"), Disturbance("noise", 5)).srgb
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_every_frame_of_a_clip_gets_noise_of_its_own():
    grey = np.full((3, 16, 16), 0.5, np.float32)
    first, second = disturbed_frames(iter([grey, grey]), Disturbance("noise", 5), "c/c")
    assert not np.array_equal(first, second)
    assert next(disturbed_frames(iter([grey]), None, "c/c")) is grey
