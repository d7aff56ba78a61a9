"""The exposure audit: ratio, black level, knee, clipping and white point, planted and found."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from lldata import protocol
from lldata.audit import Finding, exposure
from lldata.frame import Frame
from lldata.measures import blocks, response
from lldata.measures.registration import Shift
from tests.captures import frame, light, pair_of

SONY = protocol.load_raw("sid_sony")
BIG = (384, 512)


def responses(short: Frame, long: Frame, ratio: float = 100.0) -> list[response.Response]:
    side = blocks.side_for(long)
    means = zip(blocks.of_frame(short, side).mean, blocks.of_frame(long, side).mean, strict=True)
    found = [response.fit(x, y, ratio) for x, y in means]
    assert None not in found
    return [each for each in found if each is not None]


def judged(short: Frame, long: Frame, **known: float) -> Finding:
    return exposure.audit(pair_of(short, long, shift=None, **known))


def softened(sound: Frame, knee: float, slope: float = 0.1) -> Frame:
    """Return the frame as a sensor gives it that shows `slope` of the light above a knee, DN."""
    above = sound.mosaic - 512.0
    bent = np.where(above > knee, knee + slope * (above - knee), above)
    return replace(sound, mosaic=np.rint(bent + 512).astype(np.uint16))


@pytest.mark.parametrize("true", [0.5, 1.0, 1.3])
def test_the_measured_ratio_is_the_one_the_light_had_in_each_channel(true: float):
    for found in responses(frame(light(1) / true, 0.1), frame(light(1), 10)):
        assert found.a == pytest.approx(true, rel=0.03)
        assert abs(found.a - true) < 5 * found.error


def test_the_standard_error_is_that_of_repeated_exposures():
    found = [
        responses(frame(light(1), 0.1, seed), frame(light(1), 10, seed))[1] for seed in range(40)
    ]
    spread = np.std([f.a for f in found])
    assert np.median([f.error for f in found]) == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize(("true", "status"), [(1.05, "pass"), (1.3, "warn"), (3.0, "quarantine")])
def test_a_wrong_exposure_is_found_by_its_size(true: float, status: str):
    assert judged(frame(light(2) / true, 0.1), frame(light(2), 10)).status == status


def test_a_wrong_exposure_of_one_colour_alone_is_found():
    red = np.ones((192, 256))
    red[::2, ::2] = 1.4
    found = judged(frame(light(2) / red, 0.1), frame(light(2), 10))
    assert (found.status, found.measured) == ("warn", pytest.approx(0.4, abs=0.05))


def test_a_wrong_black_level_is_found_in_dn_and_is_no_wrong_exposure():
    short = replace(frame(light(3), 0.1), black_level=(512.0, 512.0, 508.0, 512.0))
    found = responses(short, frame(light(3), 10))
    assert [f.offset_dn for f in found] == pytest.approx([0, 0, 4, 0], abs=0.35)
    finding = judged(short, frame(light(3), 10))
    assert (finding.status, finding.limit) == ("warn", SONY.limits.black_offset_dn)
    assert finding.measured == pytest.approx(4, abs=0.35)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.3])
def test_a_soft_knee_is_found_where_it_was_planted(slope: float):
    sound, short = frame(light(4, BIG), 10), frame(light(4, BIG), 0.1)
    long = softened(sound, 5000, slope)
    side = blocks.side_for(sound)
    shown = blocks.of_frame(long, side).mean / blocks.of_frame(sound, side).mean
    pair = pair_of(short, long, shift=None)
    assert pair.scene.knee is not None
    assert pair.scene.knee.share == pytest.approx((shown < 0.9).mean(), abs=2 / 32)
    assert pair.scene.knee.level_dn == pytest.approx(5000, rel=0.05)
    assert (exposure.audit(pair).status, exposure.audit(pair).measured) == (
        "warn",
        pair.scene.knee.share,
    )


def test_a_sound_sensor_has_no_knee_at_any_ratio():
    for seed, ratio in enumerate((100, 250, 300)):
        picture = light(seed, BIG)
        pair = pair_of(frame(picture, 10 / ratio), frame(picture, 10), shift=None, ratio=ratio)
        assert pair.scene.knee is not None
        assert pair.scene.knee.share == 0


def test_a_short_that_is_all_noise_tells_no_knee():
    pair = pair_of(frame(light(6) * 1e-3, 0.1), frame(light(6), 10), shift=None, ratio=1e5)
    assert pair.scene.knee is None


def test_one_bad_short_of_three_decides_nothing():
    sound = response.Response(1.0, 0.01, 0.0, 0.1, None, 0.0, 0.01)
    bad = replace(sound, beyond=0.9, knee_dn=100.0)
    assert response.knee([[sound], [bad], [sound]]) == response.Knee(0.0, None, 0)


def test_clipping_is_counted_and_limited():
    long = frame(np.where(light(4) > 0.25, 2.0, 0.1), 10)
    share = pair_of(long, long).scene.clipped
    assert share == pytest.approx((light(4) > 0.25).mean(), abs=0.001)
    sound = frame(light(4), 0.1), frame(light(4), 10)
    assert judged(*sound, clipped=0.51).status == "quarantine"
    assert judged(*sound, clipped=0.06).status == "warn"


def test_a_white_point_moved_by_the_content_is_a_warning():
    sound = frame(light(5), 0.1), frame(light(5), 10)
    assert judged(*sound, white_change=0.02).status == "warn"
    assert judged(*sound, white_change=0.005).status == "pass"


def test_what_is_measured_is_what_the_limit_is_of():
    off = judged(frame(light(2) / 1.3, 0.1), frame(light(2), 10))
    clip = judged(frame(light(2), 0.1), frame(light(2), 10), clipped=0.06)
    assert (off.measured, off.limit) == (pytest.approx(0.3, abs=0.03), SONY.limits.exposure_warn)
    assert (clip.measured, clip.limit) == (0.06, SONY.limits.clipped_warn)


def test_every_number_is_in_the_message_whatever_decides():
    said = judged(frame(light(2), 0.1), frame(light(2), 10), clipped=0.51).message
    for words in ("measured ratio is R 1.0", "B 1.0", "black off by R", "follows", "51.0% of"):
        assert words in said


def test_what_fails_opens_the_message_with_its_limit_and_what_to_do():
    sound = frame(light(2), 0.1), frame(light(2), 10)
    third = judged(frame(light(2) * 3, 0.1), frame(light(2), 10))
    assert re.match(r"the long got 0\.3\d times the light .* \(limit \d+% off; ", third.message)
    assert third.reason.endswith("Compare times, aperture and lamps of both")
    assert judged(*sound, clipped=0.51).message.startswith(
        "51.0% of the long is clipped (limit 50%)."
    )
    white = judged(*sound, white_change=0.02).message
    assert white.startswith("the reference is rendered 2.0% brighter than exposed (limit 1%)")
    assert judged(*sound).reason == judged(*sound).message


def test_a_clipped_long_is_no_other_place():
    away = Shift(0, 0, 0.02, 0.2, 0.9)
    pair = pair_of(frame(light(2), 0.1), frame(light(2), 10), shift=away, clipped=0.6)
    assert "too much of the long is clipped" in exposure.audit(pair).message
    assert "different places" not in exposure.audit(pair).message


def test_too_little_light_is_unknown():
    assert judged(frame(light(6) * 1e-5, 0.1), frame(light(6), 10)).status == "unknown"


def test_a_ready_reference_has_no_linear_exposure_to_measure():
    picture = np.full((192, 256, 3), 30000, np.uint16)
    short = frame(light(1), 0.1)
    finding = exposure.audit(pair_of(short, short, reference=picture, shift=None))
    assert finding.status == "unknown"


def test_block_means_of_xtrans_are_those_of_its_colours():
    pattern = "RBGBRGGGRGGBGGBGGRBRGRBGGGBGGRGGRGGB"
    tile = np.array([{"R": 600, "G": 700, "B": 800}[c] for c in pattern]).reshape(6, 6)
    mosaic = np.tile(tile, (20, 25)).astype(np.uint16)[:118, :149]  # an incomplete rim
    found = blocks.of_frame(replace(frame(light(1), 1), mosaic=mosaic, cfa=pattern), 4)
    assert found.mean.shape == (3, 4 * 6)
    assert found.mean.mean(axis=1).tolist() == [88, 188, 288]
    assert found.peak.tolist() == [800] * 24


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_block_means_of_bayer_tell_the_greens_by_their_rows(pattern: str):
    tile = np.zeros(4)
    for site, letter in enumerate(pattern):
        with_blue = "B" in pattern[site // 2 * 2 : site // 2 * 2 + 2]
        tile[site] = {"R": 1, "G": 4 if with_blue else 2, "B": 3}[letter]
    mosaic = np.tile(tile.reshape(2, 2) + 512, (32, 32)).astype(np.uint16)
    found = blocks.of_frame(replace(frame(light(1), 1), mosaic=mosaic, cfa=pattern), 8)
    assert found.mean[:, 0].tolist() == [1, 2, 3, 4]
