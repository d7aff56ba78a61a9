"""Metadata: what files say of each other, of the protocol and of the camera's own processing."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from lldata.audit import metadata, worst
from lldata.frame import Frame
from lldata.reading.file_facts import FileFacts
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


def test_the_gravest_status_is_a_pairs_own():
    assert worst(["pass", "unknown", "warn"]) == "warn"
    assert worst(["warn", "quarantine"]) == "quarantine"
    assert worst(["pass", "unknown"]) == "unknown"


TOLD = FileFacts(
    compression="uncompressed", lossy=False, bit_depth=14, crop="full", shutter="mechanical",
    high_iso_noise_reduction="off", long_noise_reduction="off", orientation=1, serial="7",
    time="2026-01-02T20:00:12",
)  # fmt: skip
LONG_TOLD = replace(TOLD, time="2026-01-02T20:00:00.50")


def told(short: FileFacts, long: FileFacts = LONG_TOLD) -> tuple[str, str]:
    pair = pair_of(frame(light(7), 0.1), frame(light(7), 10))
    pair.scene.facts.update({
        pair.path.name: asdict(short), pair.scene.files.long.name: asdict(long),
    })  # fmt: skip
    found = metadata.audit(pair)
    return found.status, found.message


def test_files_that_tell_everything_and_agree_pass():
    assert told(TOLD) == ("pass", "camera, ISO, aperture, levels and names agree")


def test_what_the_files_do_not_tell_is_said_and_is_no_warning():
    status, said = told(FileFacts(time=TOLD.time), FileFacts(time=LONG_TOLD.time))
    assert status == "pass"
    assert said.endswith(
        "(the files do not tell the compression, long-exposure noise reduction, "
        "high-ISO noise reduction, the crop mode, the shutter type)"
    )
    assert "the time of every frame" in told(replace(TOLD, time=None))[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bit_depth": 12}, "bit depth 12 in the short, 14 in the long"),
        ({"crop": "1.25x"}, "crop mode 1.25x in the short, full in the long"),
        ({"orientation": 6}, "orientation 6 in the short, 1 in the long"),
        ({"serial": "8"}, "body number 8 in the short, 7 in the long"),
        ({"shutter": "electronic"}, "shutter electronic in the short, mechanical in the long"),
        ({"compression": "Sony cRAW", "lossy": True}, "is packed with loss (Sony cRAW)"),
        ({"long_noise_reduction": "on"}, "long-exposure noise reduction is on in 00001_00_0.1s"),
        ({"high_iso_noise_reduction": "on (low)"}, "high-ISO noise reduction is on (low) in 0"),
        ({"noise_reduced": 0.25}, "25% of the noise of 00001_00_0.1s.DNG was removed before"),
        ({"time": "2026-01-02T19:59:58.50"}, "the short was taken 2 s before the long"),
        ({"time": "2026-01-02T20:30:00.50"}, "short and long were taken 30 minutes apart"),
    ],
)
def test_a_setting_that_differs_or_spoils_is_a_warning(changes: dict, message: str):
    status, said = told(replace(TOLD, **changes))
    assert status == "warn"
    assert message in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"white_balance": (2.2, 1, 1.75, 1)}, "white balance R 2.20 B 1.75 in the short, R 2.00"),
        ({"focal_length_mm": 50.0}, "the focal length is 50 mm in the short, 35 mm in the long"),
    ],
)
def test_colour_and_optics_that_differ_are_a_warning(changes: dict, message: str):
    status, said = metadata_finding(replace(frame(light(9), 0.1), **changes), frame(light(9), 10))
    assert status == "warn"
    assert message in said


def test_another_lens_of_the_same_pair_is_a_warning():
    short, long = (frame(light(9), s, lens=n) for s, n in ((0.1, "28mm"), (10, "35mm")))
    assert "the lens is 28mm in the short, 35mm in the long" in metadata_finding(short, long)[1]


def test_a_white_balance_that_rounding_changes_is_the_same():
    short = replace(frame(light(9), 0.1), white_balance=(2.01, 1, 1.74, 1))
    assert metadata_finding(short, frame(light(9), 10))[0] == "pass"


def test_the_shorts_of_a_bracket_may_come_first():
    pair = pair_of(frame(light(7), 0.1), frame(light(7), 10), protocol="exposure_bracket")
    early = replace(TOLD, time="2026-01-02T19:59:59")
    pair.scene.facts.update({
        pair.path.name: asdict(early), pair.scene.files.long.name: asdict(LONG_TOLD),
    })  # fmt: skip
    assert "before the long" not in metadata.audit(pair).message
