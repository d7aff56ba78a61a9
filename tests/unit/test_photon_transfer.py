"""Gain and read noise come back as the simulated camera was given them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lldata import protocol
from lldata.frame import Frame
from lldata.noise import photon_transfer, tails
from lldata.noise.photon_transfer import Estimate, Points
from lldata.synthesis import noise, sensor
from tests.captures import light

SIZE = (192, 288)
CAMERAS = [("sid_sony", 200), ("sid_sony", 3200), ("canon6d_iso12600", 12800), ("sid_fuji", 400)]


class Camera:
    """One simulated camera at one ISO; `share` is the signal over the range."""

    def __init__(self, name: str, iso: int) -> None:
        self.body = sensor.load(protocol.load_raw(name))
        self.iso, self.noise = iso, self.body.noise.at(iso)
        self.full = self.body.range_dn() / self.noise.gain

    def take(self, share: np.ndarray | float, seed: int, seconds: float = 0.01) -> Frame:
        lit = np.broadcast_to(share, SIZE) * self.full / seconds
        return Frame(
            mosaic=self.body.capture(lit, seconds, self.noise, [seed]), cfa=self.body.cfa,
            black_level=(self.body.black_level,) * 4, white_level=self.body.white_level,
            white_balance=(2.0, 1.0, 1.5, 1.0), colour_matrix=self.body.matrix,
            exposure_s=seconds, iso=self.iso, camera=f"Any {self.body.model}", sha256="",
        )  # fmt: skip


def points(*takes: Frame) -> Points:
    found = photon_transfer.points(takes)
    assert found is not None
    return found


def holds(estimate: Estimate, truth: float) -> bool:
    """Whether the interval, doubled for the one in twenty, holds the truth."""
    middle, half = estimate.value, estimate.high - estimate.low
    return abs(truth - middle) < half and estimate.low < middle < estimate.high


@pytest.mark.parametrize(("name", "iso"), CAMERAS)
def test_darks_and_flats_give_gain_and_read_noise_within_five_per_cent(name: str, iso: int):
    camera = Camera(name, iso)
    sets = [points(*(camera.take(0, seed) for seed in range(3)))]
    for level in (0.05, 0.2, 0.6):
        sets.append(points(*(camera.take(level, int(level * 100) + s) for s in range(2))))
    found = photon_transfer.transfer(sets, zero=camera.noise.black_error)
    assert found is not None
    assert found.gain.value == pytest.approx(camera.noise.gain, rel=0.03)
    assert math.sqrt(found.read_variance.value) == pytest.approx(camera.noise.read_sigma, rel=0.03)
    assert holds(found.gain, camera.noise.gain)
    assert holds(found.read_variance, camera.noise.read_sigma**2)
    assert photon_transfer.row_sigma(sets[:1]).value == pytest.approx(
        camera.noise.row_sigma, rel=0.2
    )


@pytest.mark.parametrize(("name", "iso"), CAMERAS)
def test_a_dim_burst_of_one_scene_gives_both_too(name: str, iso: int):
    camera, picture = Camera(name, iso), light(3, SIZE) / 10
    found = photon_transfer.transfer([points(*(camera.take(picture, s) for s in range(3)))])
    assert found is not None
    assert found.gain.value == pytest.approx(camera.noise.gain, rel=0.05)
    assert holds(found.read_variance, camera.noise.read_sigma**2)


@pytest.mark.parametrize(("name", "iso"), CAMERAS)
def test_a_short_against_its_long_gives_both_without_any_burst(name: str, iso: int):
    camera, picture = Camera(name, iso), light(4, SIZE)
    sets = []
    for seed, ratio in enumerate((40.0, 100.0)):
        against = photon_transfer.points_against(
            camera.take(picture / ratio, seed), camera.take(picture, 9), [ratio] * 4
        )
        assert against is not None
        sets.append(against)
    found = photon_transfer.transfer(sets)
    assert found is not None
    assert found.gain.value == pytest.approx(camera.noise.gain, rel=0.1)
    assert holds(found.gain, camera.noise.gain)
    total = camera.noise.read_sigma**2 + camera.noise.gain * 0.004 * camera.full * camera.noise.gain
    measured = (
        found.read_variance.value + found.gain.value * 0.004 * camera.full * camera.noise.gain
    )
    assert measured == pytest.approx(total, rel=0.05)  # at a signal of both exposures


def test_each_channel_has_its_own_gain():
    camera = Camera("sid_sony", 800)
    sets = [points(*(camera.take(level, 7 + s) for s in range(2))) for level in (0.0, 0.3)]
    red = replace(sets[1], variance=sets[1].variance * np.where(sets[1].channel == 0, 2, 1))
    found = [photon_transfer.transfer([sets[0], red], channel) for channel in range(4)]
    gains = [each.gain.value for each in found if each is not None]
    assert gains == pytest.approx([camera.noise.gain * k for k in (2, 1, 1, 1)], rel=0.05)


def test_something_that_moves_between_takes_changes_nothing():
    camera, picture = Camera("sid_sony", 800), light(5, SIZE) / 4
    first, second = picture.copy(), picture.copy()
    first[40:70, 40:70] *= 3
    second[40:70, 90:120] *= 3
    found = photon_transfer.transfer([points(camera.take(first, 1), camera.take(second, 2))])
    assert found is not None
    assert found.gain.value == pytest.approx(camera.noise.gain, rel=0.05)


def test_light_that_drifts_between_takes_changes_nothing():
    camera, picture = Camera("sid_sony", 800), light(5, SIZE) / 4
    found = photon_transfer.transfer(
        [points(camera.take(picture, 1), camera.take(picture * 1.02, 2))]
    )
    assert found is not None
    assert found.gain.value == pytest.approx(camera.noise.gain, rel=0.05)


@pytest.mark.parametrize(("name", "iso"), CAMERAS)
def test_one_still_picture_is_told_from_two(name: str, iso: int):
    camera, picture, other = Camera(name, iso), light(3, SIZE), light(8, SIZE)
    for share in (0.0, 0.05, 0.6):
        assert points(camera.take(share, 1), camera.take(share, 2)).one_picture
    for share in (0.01, 0.1, 1.0):
        first = camera.take(share * picture, 1)
        assert points(first, camera.take(share * picture * 1.02, 2)).one_picture
        assert not points(first, camera.take(share * other, 3)).one_picture


def test_something_that_moves_leaves_it_one_picture():
    camera, picture = Camera("sid_sony", 800), light(5, SIZE) / 4
    changed = picture.copy()
    changed[40:70, 40:70] *= 3
    assert points(camera.take(picture, 1), camera.take(changed, 2)).one_picture


def test_white_and_values_cut_off_below_are_left_out():
    camera = Camera("sid_sony", 800)
    assert photon_transfer.points([camera.take(1.2, s) for s in range(2)]) is None
    darks = [camera.take(0, s) for s in range(2)]
    cut = [replace(d, mosaic=np.maximum(d.mosaic, 512)) for d in darks]
    assert photon_transfer.points(cut) is None


@pytest.mark.parametrize("shape", [-0.14, 0.0, 0.14, 0.4])
def test_the_shape_of_read_noise_is_found_from_differences_of_darks(shape: float):
    rng = np.random.default_rng(1)
    camera = Camera("sid_sony", 800)
    darks = [
        replace(
            camera.take(0, 0),
            mosaic=np.rint(512 + 4 * noise.tukey_lambda(rng, shape, (400, 600))).astype(np.uint16),
        )
        for _ in range(4)
    ]
    assert tails.tukey_shape(tails.tail(darks)) == pytest.approx(shape, abs=0.03)


def test_l_kurtosis_is_hoskings():
    normal = stats.norm.ppf((np.arange(20001) + 0.5) / 20001)
    assert tails.l_kurtosis(normal) == pytest.approx(0.1226, abs=5e-4)
    assert tails.l_kurtosis(np.linspace(0, 1, 1001)) == pytest.approx(0, abs=1e-6)
