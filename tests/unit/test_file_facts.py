"""What files tell: compression, maker notes, EXIF; and what cut ones and linear ones are called."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from lldata import ingest, raw
from lldata.dng import write_dng
from lldata.engine import Local
from lldata.errors import FrameError, MetadataError
from lldata.reading import containers
from lldata.reading.coding import Coding, coding
from lldata.reading.file_facts import UNKNOWN, FileFacts, facts_of
from lldata.reading.maker_notes import notes
from lldata.reading.tiff_fields import LONG, RATIONAL, SHORT, directory, integers, rationals, text
from lldata.sets import planning
from tests import tiffs
from tests.captures import frame, light, write_scene

SHOT = frame(light(1), 0.1, time="2026-01-02T20:00:12")


def jpeg(marker: int, bits: int = 14, *, end: bytes = b"\xff\xd9") -> bytes:
    """Return a JPEG stream up to its start-of-frame segment, and its end."""
    return b"\xff\xd8\xff\xc4\0\4ab\xff" + bytes([marker]) + struct.pack(">HB", 11, bits) + end


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def cr3(levels: int, note: bytes = b"") -> bytes:
    headers = [
        struct.pack(">HHHHIIIIBBBB", 0xFFFF, 0x30, 0x100, 0, width, 8, width, 8, 14, 0x40, kind, 0)
        for width, kind in ((16, 3), (64, levels))
    ]
    body = b"".join(box(b"CMP1", h) for h in headers)
    return box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", body + box(b"CMT3", note)) + box(
        b"mdat", bytes(64)
    )  # fmt: skip


def raf(pixels: bytes, count: int | None = None) -> bytes:
    """Return a RAF whose CFA block holds one strip."""
    inner = [integers(0xF003, LONG, [14]), integers(0xF007, LONG, [100]),
             integers(0xF008, LONG, [len(pixels) if count is None else count])]  # fmt: skip
    block = tiffs.tiff([integers(0xF000, LONG, [26])])
    block = (block + directory(inner, 26)).ljust(100, b"\0") + pixels
    head = bytearray(b"FUJIFILMCCD-RAW ".ljust(108, b"\0"))
    head[84:108] = struct.pack(">6I", 108, 0, 108, 0, 108, len(block))
    return bytes(head) + block


@pytest.mark.parametrize(
    ("compression", "piece", "expected"),
    [
        (1, bytes(112), Coding("uncompressed", False, 14)),
        (7, jpeg(0xC3, 12), Coding("lossless JPEG", False, 12)),
        (7, jpeg(0xC1, 12), Coding("lossy JPEG", True, 12)),
        (7, jpeg(0xC3, end=bytes(200)), Coding("lossless JPEG", False, 14, 1)),
        (7, jpeg(0xC3) + bytes(20), Coding("lossless JPEG", False, 14)),
        (7, bytes(9), Coding("JPEG", None, 14)),
        (32767, bytes(64), Coding("Sony cRAW", True, 14)),
        (34892, bytes(64), Coding("lossy JPEG", True, 14)),
        (34713, bytes(64), Coding("Nikon compressed", None, 14)),
        (999, bytes(64), Coding("compression 999", None, 14)),
    ],
)
def test_a_mosaics_compression_has_a_name(compression: int, piece: bytes, expected: Coding):
    assert coding(tiffs.mosaic_tiff([piece], compression)) == expected


def test_every_strip_without_its_end_is_counted():
    cut = jpeg(0xC3, end=bytes(200))
    assert coding(tiffs.mosaic_tiff([cut, jpeg(0xC3), cut], 7)).unfinished == 2


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (bytes(16), Coding("uncompressed", False, 14)),
        (b"IS\1\0\x0e".ljust(16, b"\0"), Coding("Fujifilm compressed, lossless", False, 14)),
        (b"IS\0\0\x0e".ljust(16, b"\0"), Coding("Fujifilm compressed, lossy", True, 14)),
    ],
)
def test_a_raf_tells_whether_it_is_compressed(pixels: bytes, expected: Coding):
    assert coding(raf(pixels)) == expected


def test_a_raf_whose_strip_is_longer_than_its_block_is_cut():
    assert containers.raf_missing_bytes(raf(bytes(16))) == 0
    assert containers.raf_missing_bytes(raf(bytes(16), count=50)) == 34


def test_a_cr3_is_judged_by_its_widest_picture():
    assert coding(cr3(0)) == Coding("Canon CR3 lossless", False, 14)
    assert coding(cr3(3)) == Coding("Canon C-RAW", True, 14)


def test_a_cut_cr3_is_refused(tmp_path: Path):
    whole = cr3(0)
    assert containers.cr3_missing_bytes(whole) == 0
    (tmp_path / "cut.CR3").write_bytes(whole[:-10])
    with pytest.raises(FrameError, match="at least 10 bytes of its pixel data are missing"):
        raw.decode(tmp_path / "cut.CR3")


def test_other_files_tell_nothing_of_their_coding():
    assert (
        coding(b"not a photograph") == coding(b"") == coding(b"II*\0\xff\xff\xff\xff") == Coding()
    )


def canon(at: int) -> bytes:
    return directory([
        integers(0x000C, LONG, [4711]), integers(0x0093, SHORT, [0] * 23 + [2]),
        integers(0x009A, LONG, [0] * 5), integers(0x4018, LONG, [44, 0, 0, 0, 1, 3]),
    ], at)  # fmt: skip


CANON = {"long_noise_reduction": "on (auto)", "high_iso_noise_reduction": "off",
         "shutter": "electronic", "crop": "full", "serial": "4711"}  # fmt: skip


def test_canons_note_tells_noise_reduction_shutter_crop_and_body():
    assert notes(tiffs.with_note("Canon", canon)) == CANON
    assert notes(cr3(0, tiffs.HEAD + canon(8))) == CANON


@pytest.mark.parametrize(
    ("long", "high", "expected"),
    [
        (0, 0, ("off", "off")),
        (0x10001, 2, ("on", "on (normal)")),
        (0xFFFF0001, 256, ("on", "on (auto)")),
    ],
)
@pytest.mark.parametrize("head", [b"", b"SONY DSC \0\0\0"])
def test_sonys_note_tells_noise_reduction(long: int, high: int, expected: tuple, head: bytes):
    fields = [integers(0x2008, LONG, [long]), integers(0x2009, SHORT, [high])]
    found = notes(tiffs.with_note("SONY", lambda at: head + directory(fields, at + len(head))))
    assert (found["long_noise_reduction"], found["high_iso_noise_reduction"]) == expected


def test_sonys_values_for_not_known_are_not_told():
    fields = [integers(0x2008, LONG, [0xFFFFFFFF]), integers(0x2009, SHORT, [65535])]
    assert notes(tiffs.with_note("SONY", lambda at: directory(fields, at))) == {}


def test_nikons_note_tells_its_compression_too():
    fields = [integers(0x001B, SHORT, [2, 0]), text(0x001D, "600123"), text(0x0095, "OFF"),
              integers(0x0093, SHORT, [4]), integers(0x00B1, SHORT, [1])]  # fmt: skip
    found = notes(tiffs.with_note(
        "NIKON CORPORATION", lambda _: b"Nikon\0\2\x10\0\0" + tiffs.tiff(fields)
    ))  # fmt: skip
    assert found == {
        "long_noise_reduction": "off", "high_iso_noise_reduction": "off", "crop": "crop 2",
        "serial": "600123", "compression": "Nikon lossy 2", "lossy": True,
    }  # fmt: skip


def test_fujis_note_counts_from_its_own_start():
    fields = [text(0x0010, "FF02B 77"), integers(0x1050, SHORT, [1]), integers(0x104D, SHORT, [4])]
    note = b"FUJIFILM" + struct.pack("<I", 12) + directory(fields, 12)
    found = notes(tiffs.with_note("FUJIFILM", lambda _: note))
    assert found == {"shutter": "electronic", "crop": "1.25x", "serial": "FF02B 77"}


def test_a_note_of_another_maker_or_a_damaged_one_tells_nothing():
    assert notes(tiffs.with_note("Acme", canon)) == {}
    assert notes(tiffs.with_note("Canon", lambda _: b"\xff" * 40)) == {}
    assert notes(b"") == {}


def test_a_file_tells_what_it_has_and_says_unknown_of_the_rest(tmp_path: Path):
    write_dng(tmp_path / "a.DNG", SHOT)
    facts = raw.capture(tmp_path / "a.DNG").facts
    assert json.loads(json.dumps(facts))["camera"] == "Sony ILCE-7SM2"
    assert (facts["height"], facts["width"], facts["iso"]) == (192, 256, 200.0)
    told = FileFacts.from_json(facts)
    assert told == FileFacts(
        compression="uncompressed", lossy=False, bit_depth=16, orientation=1,
        time="2026-01-02T20:00:12",
    )  # fmt: skip
    assert told.long_noise_reduction == told.crop == told.serial == UNKNOWN


def test_exif_tells_body_fractions_of_a_second_and_removed_noise():
    exif = [text(37521, "25"), text(42033, "A1")]
    image = [integers(274, SHORT, [6]), rationals(50935, RATIONAL, [0.5])]
    at = 8 + tiffs.directory_size([*image, integers(34665, LONG, [0])])
    data = tiffs.tiff([*image, integers(34665, LONG, [at])], directory(exif, at))
    told = FileFacts.from_json(facts_of(data, SHOT))
    assert (told.serial, told.orientation, told.noise_reduced) == ("A1", 6, 0.5)
    assert told.time == "2026-01-02T20:00:12.25"


def test_a_linear_dng_is_named_and_refused(tmp_path: Path):
    path = tmp_path / "00001_00_0.1s.DNG"
    path.write_bytes(tiffs.linear_dng(SHOT))
    with pytest.raises(MetadataError, match="it is a linear DNG: three values a pixel, no mosaic"):
        raw.decode(path)


@pytest.mark.parametrize("protocol", ["sid_sony", None])
def test_check_leaves_out_the_scene_of_a_linear_dng_and_says_why(
    tmp_path: Path, protocol: str | None
):
    for scene in ("00001", "00002"):
        write_scene(tmp_path, scene, light(int(scene)))
    (tmp_path / "short" / "00002_00_0.1s.DNG").write_bytes(tiffs.linear_dng(SHOT))
    engine = Local(workers=1)
    outcomes = list(ingest.check(planning.plan(tmp_path, protocol, engine), engine, deep=False))
    states = {o.scene: o.state for o in outcomes}
    assert states == {"00001": "checked", "00002": "left out"}
    (finding,) = next(o.findings for o in outcomes if o.scene == "00002")
    assert (finding.check, finding.status) == ("metadata", "quarantine")
    assert "it is a linear DNG" in finding.message


def test_a_compressed_xtrans_file_is_decoded_twice(tmp_path: Path, monkeypatch):
    from lldata.sets import examine

    path, decoded = tmp_path / "a.RAF", []
    write_dng(path, SHOT)
    whole = raw.capture(path)
    fuji = {**whole.facts, "compression": "Fujifilm compressed, lossless"}
    monkeypatch.setattr(raw, "capture", lambda p, **_: whole._replace(facts=fuji))
    monkeypatch.setattr(raw, "decode", lambda p: decoded.append(p) or SHOT)
    told: examine.Facts = {}
    examine._decode(path, told, deep=False)
    assert (decoded, told["a.RAF"]["decoded_twice"]) == ([path], True)


def test_damaged_files_tell_less_and_raise_nothing():
    rng = np.random.default_rng(6)
    whole = [
        cr3(0, tiffs.HEAD + canon(8)), raf(b"IS\1\0\x0e".ljust(16, b"\0")),
        tiffs.with_note("Canon", canon), tiffs.mosaic_tiff([jpeg(0xC3)], 7),
    ]  # fmt: skip
    for data in whole * 100:
        mutant = bytearray(data)
        for position in rng.integers(0, len(data), 3):
            mutant[position] = rng.integers(256)
        facts = facts_of(bytes(mutant[: rng.integers(len(data) // 2, len(data))]), SHOT)
        assert facts["camera"] == "Sony ILCE-7SM2"
