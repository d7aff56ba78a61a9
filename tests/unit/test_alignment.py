from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import shift as move

from lldata import protocol
from lldata.audit import Finding, alignment
from lldata.audit.evidence import Pair, Scene
from lldata.measures import registration
from lldata.measures.registration import Shift
from lldata.measures.resample import Pose, moved
from lldata.measures.shift_ceiling import ceiling_db
from lldata.pairing import SceneFiles
from lldata.scene import Pixels
from tests.captures import SONY, frame, light, pair_of

LIMITS = protocol.load_raw("sid_sony").limits


def audited(shift: registration.Shift | None, clipped: float) -> Finding:
    long = frame(light(1), 10)
    return alignment.audit(pair_of(frame(light(1), 0.1), long, shift=shift, clipped=clipped))


def measured(
    short: np.ndarray, long: np.ndarray, seconds: float = 0.1
) -> registration.Shift | None:
    halves = registration.green_halves(frame(short, seconds))
    return registration.measure(halves, registration.green_halves(frame(long, 10)).mean(0))


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (3, -5), (17.4, 6.2), (-40, 11)])
def test_a_planted_shift_is_measured_to_a_tenth_of_a_pixel(rows: float, columns: float):
    picture = light(3, (384, 384))
    moved = np.clip(move(picture, (rows, columns), mode="reflect"), 0.01, 0.9)
    cut = slice(64, 320), slice(64, 320)
    shift = measured(picture[cut], moved[cut])
    assert shift is not None
    assert (shift.y_px, shift.x_px) == pytest.approx((rows / 2, columns / 2), abs=0.1)
    assert shift.agreement == pytest.approx(1, abs=0.1)


def test_noise_is_not_called_movement_at_ratio_300():
    shift = measured(light(4), light(4), seconds=1 / 30)
    assert audited(shift, 0.0).status == "pass"


def test_two_places_are_told_from_one():
    shift = measured(light(5), light(6))
    finding = audited(shift, 0.0)
    assert finding.status == "quarantine"
    assert "two different places" in finding.message
    assert finding.measured is not None
    assert finding.measured < 0.4


def test_a_dark_short_is_unknown_and_not_moved():
    shift = measured(light(7) * 1e-6, light(7))
    assert audited(shift, 0.0).status == "unknown"


def test_a_clipped_long_is_unknown():
    shift = measured(light(8), light(8))
    assert audited(shift, 0.9).status == "unknown"


@pytest.mark.parametrize(("rows", "status"), [(0.0, "pass"), (2.0, "warn"), (6.0, "quarantine")])
def test_the_size_of_the_shift_decides(rows: float, status: str):
    picture = light(9)
    shift = measured(picture, np.clip(move(picture, (rows, 0), mode="reflect"), 0.01, 0.9))
    assert audited(shift, 0.0).status == status


def test_a_stripe_alone_leaves_its_own_direction_unknown():
    stripe = np.tile(0.2 + 0.15 * np.sin(np.arange(192) / 6)[:, None], (1, 256))
    shift = measured(stripe, stripe, seconds=1 / 30)
    finding = audited(shift, 0.0)
    assert finding.status != "pass"


def test_xtrans_halves_share_one_centre():
    picture = light(10, (192, 264))
    pattern = "RBGBRGGGRGGBGGBGGRBRGRBGGGBGGRGGRGGB"
    short = replace(frame(picture, 0.1), cfa=pattern)
    long = replace(frame(picture, 10), cfa=pattern)
    halves = registration.green_halves(short)
    shift = registration.measure(halves, registration.green_halves(long).mean(0))
    assert halves.shape == (2, 64, 88)
    assert shift is not None
    assert np.hypot(shift.y_px, shift.x_px) < 0.1


def test_a_ready_picture_is_read_on_the_green_sites():
    green = np.arange(16, dtype=np.float32).reshape(4, 4)
    expected = (green[0::2, 1::2] + green[1::2, 0::2]) / 2
    np.testing.assert_allclose(registration.halves_of_picture(green, SONY.cfa).mean(0), expected)


def waves(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return a smooth picture, (H, W) around 0.3, at any coordinates."""
    rng = np.random.default_rng(11)
    picture = np.full(y.shape, 0.3)
    for down, right, phase in zip(
        *rng.normal(0, 0.15, (2, 40)), rng.uniform(0, 6, 40), strict=True
    ):
        picture += 0.007 * np.cos(down * y + right * x + phase)
    return picture


def turned_waves(degrees: float, shape: tuple[int, int] = (256, 384)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]] - (np.array(shape)[:, None, None] - 1) / 2
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return waves(c * y + s * x, c * x - s * y)


def pair_with(short: np.ndarray, long: np.ndarray, seconds: float = 0.1) -> Pair:
    return pair_of(frame(short, seconds), frame(long, 10), clipped=0.0)


@pytest.mark.parametrize(
    ("degrees", "status"), [(0.0, "pass"), (-0.06, "warn"), (0.3, "quarantine")]
)
def test_a_turn_is_measured_and_judged(degrees: float, status: str):
    pair = pair_with(turned_waves(degrees), turned_waves(0), seconds=1)
    assert pair.shift is not None
    assert pair.shift.rotation_deg == pytest.approx(degrees, abs=0.01)
    finding = alignment.audit(pair)
    assert (finding.status, finding.limit) == (
        status,
        {"pass": 0.5, "warn": 0.02, "quarantine": 0.1}[status],
    )


def test_a_part_that_moves_by_itself_is_found_and_placed():
    picture = light(12, (256, 384))
    other = picture.copy()
    other[20:120, 20:140] = picture[26:126, 28:148]
    pair = pair_with(other, picture)
    assert pair.motion is not None
    assert pair.motion.share == pytest.approx(100 * 120 / picture.size, abs=0.06)
    finding = alignment.audit(pair)
    assert finding.status == "warn"
    assert finding.measured == pair.motion.share
    assert "blocks move otherwise, around the top left of the picture" in finding.message


def test_a_long_that_saturates_softly_is_no_movement():
    picture = light(12, (512, 768))
    long = frame(picture, 10)
    above = long.mosaic - 512.0
    bent = np.where(above > 6000, 6000 + 0.1 * (above - 6000), above)
    soft = replace(long, mosaic=np.rint(512 + bent).astype(np.uint16))
    pair = pair_of(frame(picture, 1), soft, clipped=0.0)
    found = alignment.audit(pair)
    assert (found.status, pair.motion.moved.sum()) == ("pass", 0)
    assert pair.shift.agreement == pytest.approx(1, abs=0.05)


def test_steps_that_no_noise_evens_out_are_no_movement():
    sound = frame(light(12, (512, 768)), 10)
    coarse = replace(sound, black_level=(0.0,) * 4, white_level=255)

    def steps(dn: float) -> np.ndarray:
        return np.rint((sound.mosaic - 512) / 8000 * dn).astype(np.uint16)

    short = replace(coarse, mosaic=steps(2), exposure_s=0.1)
    pair = pair_of(short, replace(coarse, mosaic=steps(200)), clipped=0.0)
    assert pair.motion is None or pair.motion.moved.sum() == 0
    assert alignment.audit(pair).status in ("pass", "unknown")


def test_a_warning_does_not_ask_to_shoot_again():
    said = [audited(Shift(0, size, 0.02, 1.0, 0.9), 0.0) for size in (1.0, 9.0)]
    assert [f.status for f in said] == ["warn", "quarantine"]
    assert ["Shoot the scene again" in f.message for f in said] == [False, True]


def test_what_is_only_in_the_long_is_found():
    picture = light(13, (256, 384))
    gone = picture.copy()
    gone[120:240, 200:360] = picture[120:240, 200:360].mean()
    motion = pair_with(gone, picture).motion
    assert motion is not None
    assert motion.where in ("bottom right", "bottom")
    assert motion.share == pytest.approx(120 * 160 / picture.size, abs=0.08)


def test_nothing_moves_in_a_still_picture_however_noisy():
    for seconds in (1.0, 0.1, 1 / 30):
        motion = pair_with(light(14, (256, 384)), light(14, (256, 384)), seconds).motion
        assert motion is not None
        assert motion.moved.sum() == 0


def test_hot_photosites_do_not_hold_a_small_shift_back():
    rng = np.random.default_rng(15)
    hot = np.zeros((256, 384))
    hot[rng.integers(0, 256, 200), rng.integers(0, 384, 200)] = 0.5
    y, x = np.mgrid[:256, :384].astype(float)
    shift = measured(waves(y + 0.8, x) + hot, waves(y, x) + hot, seconds=1)
    assert shift is not None
    assert (shift.y_px, shift.x_px) == pytest.approx((0.4, 0.0), abs=0.03)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.25, 0.5, 0.75, 0.99])
def test_a_slope_moved_by_a_fraction_stays_that_slope(fraction: float):
    slope = np.add.outer(2 * np.arange(40), np.arange(60)).astype(np.float32)
    change = (moved(slope, Pose(fraction, -fraction)) - slope)[8:-8, 8:-8]
    np.testing.assert_allclose(change, 2 * fraction - fraction, atol=1e-4)


def test_a_turned_plane_is_what_lies_there():
    y, x = np.mgrid[:120, :160] - np.array([59.5, 79.5])[:, None, None]
    pose = Pose(3.3, -1.8, np.radians(2))
    c, s = np.cos(pose.turn), np.sin(pose.turn)
    expected = waves(c * y + s * x + pose.y, c * x - s * y + pose.x)
    found = moved(waves(y, x).astype(np.float32), pose)
    np.testing.assert_allclose(found[12:-12, 12:-12], expected[12:-12, 12:-12], atol=2e-4)


def test_the_ceiling_of_a_shifted_grating_is_that_of_its_formula():
    step = 2 * np.pi / 32
    grating = np.tile(0.009 + 0.008 * np.sin(step * np.arange(640)), (128, 1)).astype(np.float32)
    mse = 2 * (4.5 * 0.008 * np.sin(step * 0.5 / 2)) ** 2  # in the straight toe of the curve
    assert ceiling_db(grating, 0, 0.5) == pytest.approx(-10 * np.log10(mse), abs=0.05)


def test_no_shift_has_no_ceiling():
    assert ceiling_db(light(1).astype(np.float32), 0, 0) is None


@pytest.mark.parametrize(
    ("size", "error", "status"),
    [(0.3, 0.05, "pass"), (0.3, 0.2, "unknown"), (0.6, 0.05, "warn"), (0.6, 0.2, "unknown"),
     (1.2, 0.2, "warn"), (2.2, 0.2, "warn"), (3.0, 0.2, "quarantine"), (9.0, np.inf, "unknown")],
)  # fmt: skip
def test_a_shift_that_is_known_badly_is_unknown_unless_it_is_surely_one(
    size: float, error: float, status: str
):
    assert audited(Shift(0, size, error, 1.0, 0.9), 0.0).status == status


def test_a_turn_that_cannot_be_told_is_said_and_changes_nothing():
    finding = audited(Shift(0, 0.1, 0.02, 1.0, 0.9, 0.5, 0.2), 0.0)
    assert finding.status == "pass"
    assert "a turn cannot be told" in finding.message


def drifting(*rows_px: float) -> list[Finding]:
    """Return what is said of the shorts of one scene that lie at these shifts."""
    shorts = [frame(light(1), 0.1, seed) for seed in range(len(rows_px))]
    paths = tuple(Path(f"s/short/00001_0{i}_0.1s.DNG") for i in range(len(rows_px)))
    files = SceneFiles("00001", "train", "00001", Path("s"), Path("s/long/00001_00_10s.DNG"), paths)
    pixels = Pixels(
        {path.stem: short for path, short in zip(paths, shorts, strict=True)},
        {"00001_00_10s": frame(light(1), 10)},
    )
    scene = Scene(files, protocol.load_raw("sid_sony"), pixels)
    scene.__dict__["clipped"] = 0.0
    for pair, rows in zip(scene.pairs, rows_px, strict=True):
        pair.__dict__["shift"] = Shift(rows, 0, 0.02, 1.0, 0.9)
    return [alignment.audit(pair) for pair in scene.pairs]


def test_shorts_that_drift_apart_warn_though_each_is_near_the_long():
    said = drifting(-0.35, 0.0, 0.4)
    assert [finding.status for finding in said] == ["pass", "pass", "warn"]
    assert said[2].measured == pytest.approx(0.75)
    assert all("shorts lie 0.75 px apart" in finding.message for finding in said)


def test_one_short_that_moved_leaves_the_others_alone():
    assert [finding.status for finding in drifting(0.1, 3.0, 0.0)] == ["pass", "quarantine", "pass"]
