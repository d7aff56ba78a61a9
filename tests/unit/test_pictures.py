from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from lldata.errors import FrameError, MetadataError
from lldata.protocol import PictureProtocol, load
from lldata.reading.picture_files import PictureFile, read_picture
from lldata.sets.job import SceneJob
from lldata.sets.picture_audits import AUDITS, alignment, empty_parts, exposure
from lldata.sets.picture_evidence import PicturePair
from lldata.sets.pictures import find, run_scene, safe_name
from tests.pictures import dark, picture, write, write_pairs

PROTOCOL = load("rgb_pairs")
assert isinstance(PROTOCOL, PictureProtocol)
WIDE = (picture(3).astype(np.uint16) << 8) + 7


# ---- files


@pytest.mark.parametrize("ending", ["png", "tif", "bmp"])
def test_eight_bit_pictures_are_read_as_they_are(tmp_path: Path, ending: str):
    read = read_picture(write(tmp_path / f"a.{ending}", picture(1)))
    assert np.array_equal(read.pixels, picture(1))
    assert read.facts() == {
        "format": {"tif": "TIFF"}.get(ending, ending.upper()), "bits": 8, "orientation": 1
    }  # fmt: skip


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_sixteen_bit_tiffs_keep_every_bit(tmp_path: Path, compression: str | None):
    tifffile.imwrite(tmp_path / "a.tif", WIDE, photometric="rgb", compression=compression)
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, WIDE)


def test_sixteen_bit_pngs_keep_every_bit(tmp_path: Path):
    assert np.array_equal(read_picture(write(tmp_path / "a.png", WIDE)).pixels, WIDE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_exif_orientation_is_applied_and_said(tmp_path: Path, form: str, orientation: int):
    # the same turn by Pillow, which follows the EXIF standard
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(picture(1)).save(tmp_path / "a", form, exif=exif, quality=100)
    with Image.open(tmp_path / "a") as stored:
        turned = {3: 3, 6: 4, 8: 2, 2: 0, 4: 1, 5: 5, 7: 6}.get(orientation)
        expected = np.asarray(
            stored if turned is None else stored.transpose(Image.Transpose(turned))
        )
    read = read_picture(tmp_path / "a")
    assert read.orientation == orientation
    assert np.array_equal(read.pixels, expected)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.bmp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_an_error_wherever_it_is_cut(tmp_path: Path, name: str, share: float):
    path = write(tmp_path / name, picture(1))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FrameError, match=r"end too early or are damaged|it is no PNG"):
        read_picture(path)


def test_one_flipped_bit_of_a_png_is_an_error(tmp_path: Path):
    path = write(tmp_path / "a.png", picture(1))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(FrameError, match="damaged"):
        read_picture(path)


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    empty = zlib.compress(b"")
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", empty)
            + chunk(b"IEND", b""))  # fmt: skip


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(bomb(60000, 60000))
    with pytest.raises(MetadataError, match="60000x60000 pixels, but at most 89 megapixels"):
        read_picture(tmp_path / "a.png")
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "BMP")
    data = bytearray(buffer.getvalue())
    data[18:26] = struct.pack("<ii", 60000, 60000)
    (tmp_path / "a.bmp").write_bytes(data)
    with pytest.raises(MetadataError, match="too many pixels, but at most 89 megapixels"):
        read_picture(tmp_path / "a.bmp")


def test_what_is_no_rgb_picture_of_8_or_16_bits_is_named(tmp_path: Path):
    rgb = picture(1)
    cv2.imwrite(str(tmp_path / "grey.png"), rgb[..., 0])
    cv2.imwrite(str(tmp_path / "clear.png"), np.dstack([rgb, rgb[..., 0]]))
    tifffile.imwrite(tmp_path / "float.tif", rgb.astype(np.float32), photometric="rgb")
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "print.jpg")
    for name, found in {"grey.png": "1 channels", "clear.png": "4 channels", "print.jpg": "4 chan",
                        "float.tif": "3 channels of"}.items():  # fmt: skip
        with pytest.raises(MetadataError, match=found):
            read_picture(tmp_path / name)


def test_a_turned_tiff_is_refused(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / "a.tif", picture(1), photometric="rgb", extratags=[(274, 3, 1, 6, True)]
    )
    with pytest.raises(MetadataError, match="must be stored upright"):
        read_picture(tmp_path / "a.tif")


def test_what_is_no_picture_file_is_named(tmp_path: Path):
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(FrameError, match="it is no PNG, TIFF, JPEG or BMP file"):
        read_picture(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    with pytest.raises(FrameError, match="it is a FIFO, but a picture file is needed"):
        read_picture(tmp_path / "b.png")
    (tmp_path / "c.png").touch()
    with pytest.raises(FrameError, match=r"empty \(0 bytes\), but a picture file is needed"):
        read_picture(tmp_path / "c.png")


# ---- names


def test_each_name_in_both_folders_is_a_scene(tmp_path: Path):
    write_pairs(tmp_path, "a b")
    ((folder, scenes, findings),) = find(tmp_path, PROTOCOL)
    assert (folder, findings) == (tmp_path, [])
    assert [(s.scene, s.group, s.split) for s in scenes] == [("a", "a", ""), ("b", "b", "")]
    assert scenes[0].files == (tmp_path / "high/a.png", tmp_path / "low/a.png")


def test_pictures_without_a_partner_or_with_two_cost_their_scene(tmp_path: Path):
    write_pairs(tmp_path, "a b")
    write(tmp_path / "low" / "b.jpg", picture(1))
    write(tmp_path / "low" / "c.png", picture(1))
    write(tmp_path / "high" / "d.PNG", picture(1))
    ((_, scenes, findings),) = find(tmp_path, PROTOCOL)
    assert [s.scene for s in scenes] == ["a"]
    assert {f.scene: f.message.partition(";")[0] for f in findings} == {
        "b": "two pictures in low/: b.jpg, b.png",
        "c": "c.png has no picture of its name in high/",
        "d": "d.PNG has no picture of its name in low/",
    }
    assert {f.status for f in findings} == {"quarantine"}


def test_scene_names_are_safe_and_never_shared(tmp_path: Path):
    assert [safe_name(stem) for stem in ("105", "IMG 7.v2", "ä/ö", "..")] == [
        "105", "IMG-7-v2", "-", "-"
    ]  # fmt: skip
    write_pairs(tmp_path, "x.1 x-1 y")
    ((_, scenes, findings),) = find(tmp_path, PROTOCOL)
    assert [s.scene for s in scenes] == ["y"]
    assert [f.scene for f in findings] == ["x-1", "x-1"]


def test_folders_inside_are_searched_and_none_is_an_error(tmp_path: Path):
    write_pairs(tmp_path / "LOL" / "our485", "a")
    write_pairs(tmp_path / "LOL" / "eval15", "b")
    assert [f.folder.name for f in find(tmp_path, PROTOCOL)] == ["eval15", "our485"]
    with pytest.raises(FrameError, match="holds low/ and high/"):
        find(tmp_path / "LOL" / "eval15" / "low", PROTOCOL)
    with pytest.raises(FrameError, match="there is no such folder"):
        find(tmp_path / "absent", PROTOCOL)


# ---- audits


def pair_of(low: np.ndarray, normal: np.ndarray, orientation: int = 1) -> PicturePair:
    files = (
        PictureFile(np.ascontiguousarray(p), "PNG", o, "")
        for p, o in ((low, orientation), (normal, 1))
    )
    return PicturePair("a", "a/a", *files, PROTOCOL.limits)


def statuses(pair: PicturePair) -> dict[str, str]:
    return {f.check: f.status for f in (audit(pair) for audit in AUDITS)}


def test_a_good_pair_passes_every_audit():
    normal = picture(1, (128, 160))
    assert statuses(pair_of(dark(normal), normal)) == dict.fromkeys(
        ("integrity", "metadata", "alignment", "exposure"), "pass"
    )


@pytest.mark.parametrize(("shift", "status"), [((0, 1), "warn"), ((-3, 2), "quarantine")])
def test_a_planted_shift_is_measured_in_pixels(shift: tuple[int, int], status: str):
    (rows, columns), whole = shift, picture(1, (160, 192))
    low = dark(whole)[16:-16, 16:-16]
    pair = pair_of(low, whole[16 - rows : 144 - rows, 16 - columns : 176 - columns])
    assert pair.shift_px == pytest.approx(shift, abs=0.1)
    assert alignment(pair).status == status


def test_two_different_places_are_quarantined():
    found = alignment(pair_of(dark(picture(1, (128, 160))), picture(2, (128, 160))))
    assert found.status == "quarantine"
    assert "different places" in found.message


def test_small_unstructured_and_unequal_pictures_have_an_unknown_shift():
    normal = picture(1, (128, 160))
    for low, high in (
        (dark(normal)[:20, :20], normal[:20, :20]),
        (np.zeros_like(normal), normal),
        (dark(normal)[:-1], normal),
    ):
        assert alignment(pair_of(low, high)).status == "unknown"


def test_unequal_sizes_are_a_metadata_quarantine_with_both_numbers():
    normal = picture(1)
    found = {f.check: f for f in (a(pair_of(dark(normal)[:-2], normal)) for a in AUDITS)}
    assert found["metadata"].status == "quarantine"
    assert "96x62 pixels, the normal one 96x64" in found["metadata"].message


def test_unequal_bits_and_turns_are_warnings():
    assert statuses(pair_of(dark(WIDE), picture(3)))["metadata"] == "warn"
    turned = {f.check: f for f in (a(pair_of(dark(WIDE), WIDE, orientation=6)) for a in AUDITS)}
    assert turned["metadata"].status == "warn"
    assert "EXIF orientation 6 was applied" in turned["metadata"].message


def test_exchanged_folders_are_found():
    normal = picture(1)
    found = exposure(pair_of(normal, dark(normal)))
    assert found.status == "quarantine"
    assert "exchanged" in found.message


def test_clipping_of_the_normal_picture_is_a_warning():
    normal = picture(1)
    normal[:8] = 255
    found = exposure(pair_of(dark(normal), normal))
    assert (found.status, found.measured) == ("warn", pytest.approx(8 / 64, abs=0.01))


def test_grey_rows_and_blocks_are_counted_black_and_white_ones_are_not():
    rgb = picture(1)
    assert empty_parts(rgb) == (0, 0, False)
    rgb[32:, :] = 128
    assert empty_parts(rgb) == (32, 3, False)
    assert statuses(pair_of(dark(picture(1)), rgb))["integrity"] == "warn"
    rgb[32:, :] = 0
    rgb[:4] = 255
    assert empty_parts(rgb) == (0, 0, False)
    assert empty_parts(np.zeros((8, 8, 3), np.uint8))[2]
    assert statuses(pair_of(np.zeros_like(rgb), picture(1)))["integrity"] == "quarantine"


def test_a_damaged_picture_costs_its_scene(tmp_path: Path):
    write_pairs(tmp_path, "a")
    path = tmp_path / "low" / "a.png"
    path.write_bytes(path.read_bytes()[:-30])
    ((_, (scene,), _),) = find(tmp_path, PROTOCOL)
    outcome = run_scene(SceneJob(scene, PROTOCOL, tmp_path / "store", ""))
    assert outcome.state == "left out"
    assert [(f.check, f.status) for f in outcome.findings] == [("integrity", "quarantine")]
    assert not (tmp_path / "store").exists()
