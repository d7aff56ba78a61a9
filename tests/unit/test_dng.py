import io
import os
from dataclasses import replace
from fractions import Fraction

import exifread
import numpy as np
import pytest
import rawpy

from lldata import dng
from lldata.cfa import XTRANS
from lldata.errors import FrameError
from lldata.frame import Frame
from lldata.reading.tiff_fields import nearest_fraction
from lldata.render import SRGB_TO_XYZ

MATRIX = ((0.7034, -0.0804, -0.1014), (-0.442, 1.2564, 0.2058), (-0.0851, 0.1994, 0.5758))
UNKNOWN = ((0.0, 0.0, 0.0),) * 3


def frame(cfa="RGGB", **changes):
    mosaic = np.random.default_rng(1).integers(400, 16383, (37, 50)).astype(np.uint16)
    black = (512.0, 513.0, 514.0, 515.0) if len(cfa) == 4 else (1024.0,) * 4
    given = Frame(
        mosaic=mosaic, cfa=cfa, black_level=black, white_level=16300,
        white_balance=(2.03125, 1.0, 1.5, 1.0), colour_matrix=MATRIX, exposure_s=1 / 30, iso=12800,
        camera="SONY ILCE-7SM2", sha256="", f_number=2.8, focal_length_mm=40.0,
        lens="EF40mm f/2.8", time="2026-01-02T03:04:05", software="lldata simulator 0.1.0",
    )  # fmt: skip
    return replace(given, **changes)


def opened(given):
    return rawpy.imread(io.BytesIO(dng.dng_bytes(given)))


def exif(given, **options):
    return exifread.process_file(io.BytesIO(dng.dng_bytes(given, **options)), details=False)


@pytest.mark.parametrize("cfa", ["RGGB", "GRBG", "GBRG", "BGGR", XTRANS])
def test_libraw_reads_back_mosaic_pattern_and_levels(cfa):
    given = frame(cfa)
    with opened(given) as raw:
        assert np.array_equal(raw.raw_image_visible, given.mosaic)
        assert "".join("RGBG"[i] for i in raw.raw_pattern.ravel()) == cfa
        assert raw.black_level_per_channel == list(given.black_level)
        assert raw.white_level == 16300


def test_libraw_reads_back_white_balance_and_exposure():
    with opened(frame()) as raw:
        assert raw.camera_whitebalance[:3] == [2.03125, 1.0, 1.5]
        assert raw.other.shutter_speed == np.float32(1 / 30)
        assert raw.other.iso_speed == 12800
        assert raw.other.aperture == np.float32(2.8)
        assert raw.other.focal_length == 40
        assert raw.other.timestamp.isoformat() == "2026-01-02T03:04:05"
        assert raw.lens.model == "EF40mm f/2.8"


def test_libraw_derives_the_same_colours_from_the_matrix_of_an_unknown_camera():
    to_camera = np.array(MATRIX) @ SRGB_TO_XYZ
    expected = np.linalg.inv(to_camera / to_camera.sum(axis=1, keepdims=True))
    with opened(frame(camera="Acme Night")) as raw:
        assert raw.color_matrix[:, :3] == pytest.approx(expected, abs=1e-3)


def test_an_unknown_matrix_is_left_out():
    with opened(frame(camera="Acme Night", colour_matrix=UNKNOWN)) as raw:
        assert not raw.color_matrix.any()
        assert not raw.rgb_xyz_matrix.any()


def test_exifread_reads_back_every_value_as_a_true_exif_field():
    tags = exif(frame(), description="coffee.png")
    found = {name: str(tags[name]) for name in tags}
    assert found["EXIF ExposureTime"] == "1/30"
    assert found["EXIF FNumber"] == "14/5"
    assert found["EXIF ISOSpeedRatings"] == "12800"
    assert found["EXIF FocalLength"] == "40"
    assert found["EXIF LensModel"] == "EF40mm f/2.8"
    assert found["EXIF DateTimeOriginal"] == "2026:01:02 03:04:05"
    assert (found["Image Make"], found["Image Model"]) == ("SONY", "ILCE-7SM2")
    assert found["Image Software"] == "lldata simulator 0.1.0"
    assert found["Image ImageDescription"] == "coffee.png"


def test_what_the_frame_does_not_know_is_not_written():
    given = frame(f_number=None, focal_length_mm=None, lens=None, time=None, software=None)
    names = " ".join(exif(given))
    assert not any(
        word in names for word in ("FNumber", "FocalLength", "Lens", "DateTime", "Software")
    )


def test_an_iso_over_65535_is_kept_where_exif_keeps_it():
    given = frame(iso=102400)
    assert exif(given)["EXIF RecommendedExposureIndex"].values == [102400]
    with opened(given) as raw:
        assert raw.other.iso_speed == 102400


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1 / 30, "1/30"),
        (0.04, "1/25"),
        (10.0, "10"),
        (2.8, "14/5"),
        (0.004350000061094761, "87/20000"),
        (-0.0804, "-201/2500"),
        (0.0, "0"),
    ],
)
def test_a_number_is_written_as_the_simplest_fraction_of_its_float32(value, expected):
    assert nearest_fraction(value) == Fraction(expected)


def test_ten_thousand_random_numbers_come_back_as_the_same_float32():
    values = np.exp(np.random.default_rng(2).uniform(-9, 9, 10_000)).astype(np.float32)
    fractions = [nearest_fraction(float(value)) for value in values]
    assert all(np.float32(float(f)) == v for f, v in zip(fractions, values, strict=True))
    assert max(f.denominator for f in fractions) < 2**32


def test_writing_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    target = tmp_path / "a.DNG"
    target.write_bytes(b"old")
    dng.write_dng(target, frame())
    assert target.read_bytes() == dng.dng_bytes(frame())
    assert [file.name for file in tmp_path.iterdir()] == ["a.DNG"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.DNG"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        dng.write_dng(target, frame())
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("a.DNG", b"old")]


def test_an_open_file_is_written_into():
    file = io.BytesIO()
    dng.write_dng(file, frame())
    assert file.getvalue() == dng.dng_bytes(frame())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cfa": "RGBE"}, "'RGBE', but a DNG takes 4 or 36"),
        ({"exposure_s": 0.0}, r"exposure_s: 0\.0, but a DNG takes a positive number"),
        ({"iso": float("nan")}, "iso: nan"),
        ({"cfa": XTRANS, "black_level": (1.0, 2.0, 1.0, 1.0)}, "one black level for all sites"),
    ],
)
def test_a_frame_that_no_dng_can_hold_is_refused(change, message):
    with pytest.raises(FrameError, match=message):
        dng.dng_bytes(frame(**change))
