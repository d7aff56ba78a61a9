from __future__ import annotations

import io
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from lldata import raw
from lldata.dng import dng_bytes, write_dng
from lldata.errors import FrameError, MetadataError
from lldata.raw import decode, read_frame, read_header
from lldata.reading import tiff
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


def test_a_header_tells_camera_iso_exposure_and_time(shot: Path):
    assert read_header(shot) == ("Acme Night", 200.0, 0.1, "2026-01-02T20:00:00")


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


def test_a_white_level_under_the_black_one_is_refused(tmp_path: Path):
    path = tmp_path / "upside.DNG"
    write_dng(path, frame(light(3), 0.1, **SHOT))
    data = bytearray(path.read_bytes())
    at = data.index((50717).to_bytes(2, "little") + b"\4\0\1\0\0\0")
    data[at + 8 : at + 12] = (400).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(MetadataError, match="its white level is 400 DN, its black level 512 DN"):
        decode(path)


def test_damaged_directories_give_a_frame_or_a_named_error(tmp_path: Path):
    whole = dng_bytes(frame(light(4, (96, 128)), 0.1, **SHOT))
    rng = np.random.default_rng(4)
    path, refused = tmp_path / "mutant.DNG", 0
    for _ in range(300):
        mutant = bytearray(whole)
        for position in rng.integers(4, 700, 3):
            mutant[position] = rng.integers(256)
        path.write_bytes(mutant)
        try:
            assert decode(path).mosaic.ndim == 2
        except FrameError:
            refused += 1
    assert refused > 30


def raf(size: int, reach: int) -> bytes:
    """Return a RAF header whose preview is a JPEG with EXIF and whose CFA ends at `reach`."""
    exif = Image.Exif()
    exif[271], exif[272] = "FUJIFILM", "X-T2"
    exif.get_ifd(34665).update({33434: IFDRational(1, 25), 34855: 1000})
    preview = io.BytesIO()
    Image.new("RGB", (8, 8)).save(preview, "JPEG", exif=exif)
    head = bytearray(256)
    head[:16] = b"FUJIFILMCCD-RAW "
    head[28:32] = b"X-T2"
    numbers = (256, len(preview.getvalue()), 250, 4, 300, reach - 300)
    head[84:108] = struct.pack(">6I", *numbers)
    return bytes(head + preview.getvalue()).ljust(size, b"\0")


def test_a_raf_names_its_camera_and_keeps_its_exif_in_the_preview():
    tags = raw._exif(raf(4096, 4096))
    assert raw._camera(tags) == "FUJIFILM X-T2"
    assert float(raw._tag(tags, "ExposureTime")) == 0.04
    bare = raw._exif(b"FUJIFILMCCD-RAW ".ljust(28, b"0") + b"X-T2" + bytes(100))
    assert raw._camera(bare) == "FUJIFILM X-T2"


def test_a_cut_raf_is_refused(tmp_path: Path):
    path = tmp_path / "cut.RAF"
    path.write_bytes(raf(4096, 5000))
    with pytest.raises(FrameError, match="at least 904 bytes of its pixel data are missing"):
        decode(path)


def test_a_cr3_keeps_its_exif_in_two_boxes():
    def box(name: bytes, tags: dict[int, object]) -> bytes:
        exif = Image.Exif()
        exif.update(tags)
        content = exif.tobytes()[6:]  # without the JPEG marker's "Exif"
        return (len(content) + 8).to_bytes(4, "big") + name + content

    data = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"
    data += box(b"CMT1", {271: "Canon", 272: "Canon EOS R5"}) + box(b"CMT2", {34855: 800})
    tags = raw._exif(data)
    assert raw._camera(tags) == "Canon EOS R5"
    assert raw._iso(tags) == 800


def test_a_panasonic_file_whose_offset_stands_elsewhere_is_not_called_cut():
    entries = [(0x0111, 4, 1, 0xFFFFFFFF), (0x0117, 4, 1, 5000)]
    directory = struct.pack("<H", 2) + b"".join(struct.pack("<HHII", *e) for e in entries)
    data = b"IIU\0" + struct.pack("<I", 8) + directory + bytes(4)
    assert tiff.missing_bytes(data) == 0


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


def test_a_cut_file_is_refused_also_when_its_first_bytes_are_damaged(shared_data: Path):
    data = bytearray((shared_data / "raw" / "truncated_350d.dng").read_bytes())
    data[3] = 9  # LibRaw reads it all the same, and gives memory that nothing was decoded into
    assert tiff.missing_bytes(data) == 127872
