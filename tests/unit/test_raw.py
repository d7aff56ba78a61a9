from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lldata.dng import dng_bytes, write_dng
from lldata.errors import FrameError, MetadataError
from lldata.raw import decode, read_frame, read_header
from tests.captures import SONY, frame, light

# LibRaw has its own matrix for the cameras it knows
SHOT = {"camera": "Acme Night", "lens": "Sonnar 35mm", "software": "test"}


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    path = tmp_path / "00001_00_0.1s.DNG"
    write_dng(path, frame(light(1), 0.1, **SHOT))
    return path


def test_a_frame_comes_back_as_it_was_written(shot: Path):
    written, read = frame(light(1), 0.1, **SHOT), read_frame(shot)
    np.testing.assert_array_equal(read.mosaic, written.mosaic)
    floats = ("white_balance", "colour_matrix")  # LibRaw keeps them in single precision
    for name in floats:
        assert np.array(getattr(read, name)) == pytest.approx(
            np.array(getattr(written, name)), rel=1e-6
        )
    expected = {k: v for k, v in written.metadata().items() if k not in (*floats, "sha256")}
    assert {k: v for k, v in read.metadata().items() if k in expected} == expected


def test_the_arrays_outlive_the_file(shot: Path):
    mosaic = decode(shot).mosaic
    shot.unlink()
    assert int(mosaic.sum()) > 0
    assert mosaic.flags.owndata


def test_a_header_tells_camera_and_iso(shot: Path):
    assert read_header(shot) == ("Acme Night", 200.0)


def test_a_cut_file_is_refused_with_what_is_missing(shot: Path):
    data = shot.read_bytes()
    shot.write_bytes(data[: len(data) - 1000])
    with pytest.raises(FrameError, match="at least 1000 bytes of its pixel data are missing"):
        decode(shot)


def test_a_frame_of_one_value_is_refused(tmp_path: Path):
    path = tmp_path / "flat.DNG"
    write_dng(path, replace(SONY, mosaic=np.full((96, 96), 600, np.uint16)))
    with pytest.raises(FrameError, match="every pixel is 600 DN"):
        decode(path)


def test_missing_exposure_and_iso_are_named(tmp_path: Path):
    # the writer refuses zeros, so that the tags are renamed in the finished file
    data = bytearray(dng_bytes(frame(light(2), 0.1)))
    for tag, field in ((33434, "exposure time"), (34855, "ISO")):
        spoilt = bytes(data).replace(tag.to_bytes(2, "little"), (65000).to_bytes(2, "little"))
        path = tmp_path / "spoilt.DNG"
        path.write_bytes(spoilt)
        with pytest.raises(MetadataError, match=f"spoilt.DNG: it states no {field}"):
            decode(path)


def test_paths_that_are_no_files_are_told_apart(tmp_path: Path):
    fifo, empty, text = tmp_path / "f.CR2", tmp_path / "e.CR2", tmp_path / "t.CR2"
    os.mkfifo(fifo)
    empty.touch()
    text.write_text("not a photograph " * 100)
    said = []
    for path in (fifo, tmp_path, empty, text, tmp_path / "none.CR2"):
        with pytest.raises(FrameError) as error:
            read_frame(path)
        said.append(str(error.value).split(": ", 1)[1].split(",")[0])
    assert said[:3] == ["it is a FIFO", "it is a folder", "the file is empty (0 bytes)"]
    assert said[3].startswith("LibRaw finds no RAW image in it")
    assert said[4] == "there is no such file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_so(shot: Path):
    shot.chmod(0)
    with pytest.raises(FrameError, match="may not be read by this user"):
        read_frame(shot)


def test_the_kodak_reads_with_its_phase_and_exact_exposure(shared_data: Path):
    read = read_frame(shared_data / "raw" / "RAW_KODAK_DC50.KDC")
    assert (read.cfa, read.exposure_s, read.iso) == ("GRBG", 87 / 20000, 84.0)
    assert read.mosaic.shape == (512, 768)


def test_the_blackmagic_is_refused_for_its_exposure(shared_data: Path):
    with pytest.raises(MetadataError, match=r"Blackmagic.dng: it states no exposure time"):
        read_frame(shared_data / "raw" / "Blackmagic.dng")


def test_the_cut_canon_is_refused_although_libraw_renders_it(shared_data: Path):
    with pytest.raises(FrameError, match=r"truncated_350d.dng: at least 127872 bytes"):
        read_frame(shared_data / "raw" / "truncated_350d.dng")


def test_a_sid_tile_reads_with_its_levels(shared_data: Path):
    read = read_frame(shared_data / "sid_sony_tiles" / "short" / "10006_00_0.04s.DNG")
    assert (read.black_level, read.white_level) == ((512.0,) * 4, 16383)
    assert (read.exposure_s, read.iso, read.f_number) == (0.04, 320.0, 8.0)
    assert read.white_balance[0] == pytest.approx(2.03, abs=0.7)
