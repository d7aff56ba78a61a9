"""Exposure, metadata and integrity: what is planted is found, what is sound passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lldata import protocol, registration
from lldata.audit import Finding, exposure, integrity, metadata, worst
from lldata.frame import Frame
from tests.captures import frame, light, pair_of

SONY = protocol.load_raw("sid_sony")


def fit(short: Frame, long: Frame, ratio: float = 100.0) -> exposure.Fit | None:
    greens = [registration.green_halves(f).mean(0) for f in (short, long)]
    return exposure.fit(greens[0], greens[1], ratio)


def judged(short: Frame, long: Frame, clipped: float = 0.0, white: float = 0.0) -> Finding:
    return exposure.audit(pair_of(short, long, clipped=clipped, white_change=white, shift=None))


@pytest.mark.parametrize("true", [0.5, 1.0, 1.3])
def test_the_measured_ratio_is_the_one_the_light_had(true: float):
    found = fit(frame(light(1) / true, 0.1), frame(light(1), 10))
    assert found is not None
    assert found.a == pytest.approx(true, rel=0.02)
    assert abs(found.a - true) < 5 * found.error


@pytest.mark.parametrize(("true", "status"), [(1.05, "pass"), (1.3, "warn"), (3.0, "quarantine")])
def test_a_wrong_exposure_is_found_by_its_size(true: float, status: str):
    assert judged(frame(light(2) / true, 0.1), frame(light(2), 10)).status == status


def test_a_wrong_black_level_is_an_offset_and_no_wrong_exposure():
    short = replace(frame(light(3), 0.1), black_level=(508.0,) * 4)
    found = fit(short, frame(light(3), 10))
    assert found is not None
    assert found.offset == pytest.approx(4 / (16383 - 508), rel=0.05)
    assert found.a == pytest.approx(1, rel=0.02)


def test_clipping_is_counted_and_limited():
    long = frame(np.where(light(4) > 0.25, 2.0, 0.1), 10)
    share = pair_of(long, long).scene.clipped
    assert share == pytest.approx((light(4) > 0.25).mean(), abs=0.001)
    sound = frame(light(4), 0.1), frame(light(4), 10)
    assert judged(*sound, clipped=0.51).status == "quarantine"
    assert judged(*sound, clipped=0.06).status == "warn"


def test_a_white_point_moved_by_the_content_is_a_warning():
    sound = frame(light(5), 0.1), frame(light(5), 10)
    assert judged(*sound, white=0.02).status == "warn"
    assert judged(*sound, white=0.005).status == "pass"


def test_what_is_measured_is_what_the_limit_is_of():
    off = judged(frame(light(2) / 1.3, 0.1), frame(light(2), 10))
    clip = judged(frame(light(2), 0.1), frame(light(2), 10), clipped=0.06)
    assert (off.measured, off.limit) == (pytest.approx(0.3, abs=0.03), SONY.limits.exposure_warn)
    assert (clip.measured, clip.limit) == (0.06, SONY.limits.clipped_warn)


def test_too_little_light_is_unknown():
    assert judged(frame(light(6) * 1e-5, 0.1), frame(light(6), 10)).status == "unknown"


def test_a_ready_reference_has_no_linear_exposure_to_measure():
    picture = np.full((192, 256, 3), 30000, np.uint16)
    short = frame(light(1), 0.1)
    finding = exposure.audit(pair_of(short, short, reference=picture, shift=None))
    assert finding.status == "unknown"


def metadata_finding(
    short: Frame, long: Frame, name: str = "00001_00_0.1s.DNG", ratio: float = 100.0
) -> tuple[str, str]:
    found = metadata.audit(pair_of(short, long, name, ratio=ratio))
    return found.status, found.message


def test_a_sound_pair_passes():
    assert metadata_finding(frame(light(7), 0.1), frame(light(7), 10))[0] == "pass"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iso": 800.0}, "ISO 800 in the short, 200 in the long"),
        ({"f_number": 2.8}, "f/2.8 in the short, f/8 in the long"),
        ({"camera": "Nikon D850"}, "camera Nikon D850 and Sony ILCE-7SM2"),
        ({"cfa": "GRBG"}, "cfa GRBG and RGGB"),
        ({"exposure_s": 10.0}, "no longer than the short"),
    ],
)
def test_what_changes_the_ratio_or_the_picture_is_quarantined(changes: dict, message: str):
    status, said = metadata_finding(replace(frame(light(8), 0.1), **changes), frame(light(8), 10))
    assert status == "quarantine"
    assert message in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"black_level": (530.0,) * 4}, "the black level is 530 DN, the protocol's 512"),
        ({"white_level": 15000}, "the white level is 15000 DN, the protocol's 16383"),
        ({"exposure_s": 0.125}, "was exposed 0.125 s by its EXIF"),
    ],
)
def test_what_only_disagrees_is_a_warning(changes: dict, message: str):
    status, said = metadata_finding(replace(frame(light(9), 0.1), **changes), frame(light(9), 10))
    assert status == "warn"
    assert message in said


def test_a_ratio_beyond_the_cap_is_a_warning():
    status, said = metadata_finding(frame(light(9), 0.1), frame(light(9), 10), ratio=1000)
    assert (status, "the ratio is 1000, methods amplify by 300" in said) == ("warn", True)


def test_frames_of_two_sizes_are_quarantined():
    short = frame(light(9, (96, 128)), 0.1)
    status, said = metadata_finding(short, frame(light(9), 10))
    assert (status, "the short has 96x128 photosites" in said) == ("quarantine", True)


def test_a_missing_aperture_counts_as_equal():
    short = replace(frame(light(10), 0.1), f_number=None)
    assert metadata_finding(short, frame(light(10), 10))[0] == "pass"


def test_a_thirtieth_may_be_called_0_033():
    short = frame(light(11), 1 / 30)
    assert metadata_finding(short, frame(light(11), 10), "00001_00_0.033s.DNG")[0] == "pass"


def test_rows_a_decoder_filled_are_counted():
    sound = frame(light(12), 0.1)
    zeros, repeats = sound.mosaic.copy(), sound.mosaic.copy()
    zeros[-10:] = 0
    repeats[-10:] = np.tile(repeats[-12:-10], (5, 1))
    assert integrity.empty_rows(sound) == 0
    assert integrity.empty_rows(replace(sound, mosaic=zeros)) == 10
    assert integrity.empty_rows(replace(sound, mosaic=repeats)) == 10
    finding = integrity.audit(pair_of(replace(sound, mosaic=zeros), frame(light(12), 10)))
    assert (finding.status, finding.measured) == ("quarantine", 10.0)


def test_blocks_a_decoder_filled_or_repeated_are_counted():
    sound = frame(light(12), 0.1)
    zeros, repeats = sound.mosaic.copy(), sound.mosaic.copy()
    zeros[64:128, 64:160] = 0
    repeats[:, 128:] = repeats[:, :128]
    assert integrity.empty_blocks(sound) == 0
    assert integrity.empty_blocks(replace(sound, mosaic=zeros)) == 6
    assert integrity.empty_blocks(replace(sound, mosaic=repeats)) == 48


def test_light_that_saturates_below_the_white_level_is_no_damage():
    sound = frame(light(12), 10)
    bright = sound.mosaic.copy()
    bright[64:128] = 15700
    assert integrity.empty_rows(replace(sound, mosaic=bright)) == 0
    assert integrity.empty_blocks(replace(sound, mosaic=bright)) == 0


def test_saturated_rows_are_light_and_no_damage():
    sound = frame(light(13), 0.1)
    bright = sound.mosaic.copy()
    bright[:20] = sound.white_level
    assert integrity.empty_rows(replace(sound, mosaic=bright)) == 0


def test_the_gravest_status_is_a_pairs_own():
    assert worst(["pass", "unknown", "warn"]) == "warn"
    assert worst(["warn", "quarantine"]) == "quarantine"
    assert worst(["pass", "unknown"]) == "unknown"
