"""Metadata and integrity: what is planted is found, what is sound passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lldata.audit import integrity, metadata, worst
from lldata.frame import Frame
from tests.captures import frame, light, pair_of


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
