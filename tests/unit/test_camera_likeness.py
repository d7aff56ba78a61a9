"""The simulated Sony beside real frames of it: read noise, gain and white balance."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lldata import protocol
from lldata.curve import linearise
from lldata.raw import decode
from lldata.synthesis import sensor, shots
from tests.benchmarks.likeness import black_error

SONY = sensor.load(protocol.load_raw("sid_sony"))


class Mixture:
    """A generator that draws one share of tungsten light."""

    def __init__(self, share: float) -> None:
        self.share = share

    def uniform(self, low: float, high: float) -> float:
        return self.share


@pytest.mark.parametrize(
    ("iso", "read_sigma"), [(100, 0.89), (200, 1.37), (320, 1.83), (6400, 9.65)]
)
def test_tails_of_the_read_noise_grow_with_the_gain(iso: int, read_sigma: float):
    assert SONY.noise.at(iso).read_sigma == pytest.approx(read_sigma, abs=0.01)


def test_shapes_are_used_in_order_and_kept_beyond_the_last():
    shapes = SONY.noise.read_shapes
    found = [SONY.noise.shape(iso) for iso in (100, 6400, 25600)]
    assert found == pytest.approx([shapes[0], shapes[-1], shapes[-1]])


@pytest.mark.parametrize(("iso", "off"), [(200, -1.03), (320, -0.521), (400, -0.28), (51200, 4.07)])
def test_the_black_level_is_off_as_calibrated_and_in_between(iso: int, off: float):
    assert SONY.noise.at(iso).black_error == pytest.approx(off, abs=0.001)


def flat_patches(short: np.ndarray, long: np.ndarray) -> np.ndarray:
    """Return mean and variance, DN, of 16x16 patches of green where the reference is flat."""
    green = short[0::2, 1::2].astype(float)
    tiles = [x.reshape(16, 16, 16, 16).swapaxes(1, 2).reshape(256, 16, 16) for x in (green, long)]
    flat = tiles[1].std(axis=(1, 2)) < 0.06 * tiles[1].mean(axis=(1, 2))
    kept = tiles[0][flat]
    return np.stack([kept.mean(axis=(1, 2)), np.diff(kept).var(axis=(1, 2)) / 2])


@pytest.mark.parametrize(("iso", "tiles"), [(200, "1 4 5 6"), (320, "11 12 13 14 15 16 17")])
def test_noise_in_flat_patches_of_the_real_camera_is_the_simulated_one(
    shared_data: Path, iso: int, tiles: str
):
    folder, found = shared_data / "sid_sony_tiles", []
    for number in map(int, tiles.split()):
        frame = decode(next((folder / "short").glob(f"{number:05}_*.DNG")))
        long = cv2.imread(str(folder / "long" / f"{number:05}_00_10s.png"), cv2.IMREAD_UNCHANGED)
        found.append(flat_patches(frame.mosaic - np.uint16(512), long[::2, ::2, 1].astype(float)))
    mean, variance = np.concatenate(found, axis=1)
    lit = (mean > 3) & (mean < 12)  # below, the source has clipped the noise at black
    noise = SONY.noise.at(iso)
    expected = noise.gain * mean[lit] + noise.read_sigma**2 + 1 / 12
    assert lit.sum() > 20
    assert np.median(variance[lit] / expected) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("iso", "tiles"), [(200, "1 4 5 6"), (320, "11 12 13 14 15 16 17")])
def test_the_dark_of_the_real_camera_is_as_far_off(shared_data: Path, iso: int, tiles: str):
    folder, found = shared_data / "sid_sony_tiles", []
    for number in map(int, tiles.split()):
        frame = decode(next((folder / "short").glob(f"{number:05}_*.DNG")))
        long = cv2.imread(str(folder / "long" / f"{number:05}_00_10s.png"), cv2.IMREAD_UNCHANGED)
        found.append(black_error(frame, linearise(long[..., ::-1] / 65535), 100))
    assert np.ptp(found) < 0.2
    assert np.median(found) == pytest.approx(SONY.noise.at(iso).black_error, abs=0.4)


@pytest.mark.parametrize(
    ("tungsten", "red", "blue"), [(0, 2.767, 1.427), (0.75, 1.943, 2.141), (1, 1.727, 2.71)]
)
def test_the_white_balance_is_the_one_of_this_camera_in_that_light(
    tungsten: float, red: float, blue: float
):
    found = shots._white_balance(SONY, Mixture(tungsten))  # type: ignore[arg-type]
    assert found == pytest.approx((red, 1, blue, 1), abs=1e-3)


def test_the_real_camera_was_balanced_for_light_between_the_two(shared_data: Path):
    balances = [
        decode(path).white_balance
        for path in sorted((shared_data / "sid_sony_tiles" / "short").glob("0*.DNG"))
    ]
    red, blue = (np.array([b[c] / b[1] for b in balances]) for c in (0, 2))
    nearest = [
        min(np.hypot(*(np.array(shots._white_balance(SONY, Mixture(w)))[[0, 2]] - pair))  # type: ignore[arg-type]
            for w in np.linspace(0, 1, 101))
        for pair in zip(red, blue, strict=True)
    ]  # fmt: skip
    assert max(nearest) < 0.25  # before, with any two drawn multipliers: 0.5
