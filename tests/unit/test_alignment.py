from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import shift as move

from lldata import protocol, registration
from lldata.audit import Finding, alignment
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
    np.testing.assert_allclose(registration.green_of_picture(green, SONY.cfa), expected)
