"""What makers note of a capture beyond EXIF: noise reduction, shutter, crop, the body's number.

Read are the plain parts of the notes of Canon (CR2, CR3), Fujifilm (RAF), Nikon (NEF) and Sony
(ARW); what Sony encrypts (its body number, shutter type) stays unknown.

Source: ExifTool's tag tables Canon, FujiFilm, Nikon and Sony.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from lldata.reading import containers, tiff
from lldata.reading.tiff import Directory

_MAKER_NOTE = 37500
_SONY_HEADS = (b"SONY DSC ", b"SONY CAM ")
_SONY_HEAD_BYTES = 12
_STRENGTHS = {0: "off", 1: "on (low)", 2: "on (normal)", 3: "on (high)", 256: "on (auto)"}
_SONY_LONG = {
    0: "off", 1: "off", 0xFFFF0000: "off", 0x10001: "on", 0xFFFF0001: "on",
}  # fmt: skip
_SONY_LONG_OLD = {0: "off", 1: "on"}
_CANON_HIGH = {0: "on (standard)", 1: "on (low)", 2: "on (strong)", 3: "off"}
_CANON_LONG = {0: "off", 1: "on (auto)", 2: "on"}
_CANON_SHUTTER = {0: "mechanical", 1: "electronic first curtain", 2: "electronic"}
_CANON_ASPECT = {0: "full"}
_NIKON_HIGH = {0: "off", 1: "off", 2: "on (low)", 4: "on (normal)", 6: "on (high)"}
_NIKON_CODING = {  # -> name, whether light is lost
    1: ("Nikon lossy 1", True), 2: ("uncompressed", False), 3: ("Nikon lossless", False),
    4: ("Nikon lossy 2", True), 6: ("uncompressed", False), 7: ("uncompressed", False),
    8: ("packed", False), 9: ("packed", False), 10: ("packed", False),
    13: ("Nikon high efficiency", True), 14: ("Nikon high efficiency*", True),
}  # fmt: skip
_FUJI_SHUTTER = {
    0: "mechanical", 1: "electronic", 2: "electronic", 3: "electronic first curtain",
}  # fmt: skip
_FUJI_CROP = {
    0: "full", 1: "full frame", 2: "sports finder", 4: "1.25x", 8: "digital teleconverter",
}  # fmt: skip


def notes(data: bytes) -> dict[str, Any]:
    """Return what a file's maker note tells, by the names of `FileFacts`; {} where it is silent."""
    try:
        found = _note(data)
        if found is None:
            return {}
        read, directory = found
        return {name: value for name, value in read(directory).items() if value is not None}
    except struct.error:  # a damaged note tells nothing
        return {}


def _note(data: bytes) -> tuple[Callable[[Directory], dict[str, Any]], Directory] | None:
    """Return the maker's reader and the directory of the note."""
    canon = containers.cr3_maker_note(data)
    if canon is not None and tiff.is_tiff(canon):
        return _canon, next(tiff.directories(canon))
    return next((_note_of_exif(block) for block in containers.exif_tiffs(data)), None)


def _note_of_exif(block: bytes) -> tuple[Callable[[Directory], dict[str, Any]], Directory] | None:
    image = Directory(block, struct.unpack_from(tiff.byte_order(block) + "I", block, 4)[0])
    make = (image.text(271) or "").casefold()
    pointer = image.integers(tiff.EXIF)
    place = Directory(block, pointer[0]).place(_MAKER_NOTE) if pointer else None
    if place is None:
        return None
    note, order = block[place], tiff.byte_order(block)
    if note.startswith(b"FUJIFILM"):  # little endian always; offsets from its own start
        return _fuji, Directory(note, struct.unpack_from("<I", note, 8)[0], "<")
    if note.startswith(b"Nikon\0\2"):  # a whole TIFF
        inner = note[10:]
        start = struct.unpack_from(tiff.byte_order(inner) + "I", inner, 4)[0]
        return _nikon, Directory(inner, start)
    if make.startswith("canon"):
        return _canon, Directory(block, place.start, order)
    if make.startswith("sony"):
        head = _SONY_HEAD_BYTES if note.startswith(_SONY_HEADS) else 0
        return _sony, Directory(block, place.start + head, order)
    return None


def _one(directory: Directory, tag: int, index: int = 0) -> int | None:
    values = directory.integers(tag)
    return values[index] if len(values) > index else None


def _code(directory: Directory, tag: int, index: int = 0) -> int:
    value = _one(directory, tag, index)
    return -1 if value is None else value  # no table has -1


def _sony(note: Directory) -> dict[str, Any]:
    older = _SONY_LONG_OLD.get(_code(note, 0xB04E))
    return {
        "long_noise_reduction": _SONY_LONG.get(_code(note, 0x2008), older),
        "high_iso_noise_reduction": _STRENGTHS.get(_code(note, 0x2009)),
    }


def _canon(note: Directory) -> dict[str, Any]:
    serial = _one(note, 0x000C)
    return {
        "long_noise_reduction": _CANON_LONG.get(_code(note, 0x4018, 4)),
        "high_iso_noise_reduction": _CANON_HIGH.get(_code(note, 0x4018, 5)),
        "shutter": _CANON_SHUTTER.get(_code(note, 0x0093, 23)),
        "crop": _canon_crop(_one(note, 0x009A)),
        "serial": str(serial) if serial else None,
    }


def _canon_crop(aspect: int | None) -> str | None:
    return None if aspect is None else _CANON_ASPECT.get(aspect, f"aspect {aspect}")


def _nikon(note: Directory) -> dict[str, Any]:
    fixed = note.text(0x0095)
    crop = _one(note, 0x001B)
    name, lossy = _NIKON_CODING.get(_code(note, 0x0093), (None, None))
    return {
        "long_noise_reduction": None if fixed is None else "off" if fixed == "OFF" else "on",
        "high_iso_noise_reduction": _NIKON_HIGH.get(_code(note, 0x00B1)),
        "crop": None if crop is None else "full" if crop == 0 else f"crop {crop}",
        "serial": note.text(0x001D),
        "compression": name,
        "lossy": lossy,
    }


def _fuji(note: Directory) -> dict[str, Any]:
    # its high-ISO noise reduction has no "off" and is applied to the JPEG only
    return {
        "shutter": _FUJI_SHUTTER.get(_code(note, 0x1050)),
        "crop": _FUJI_CROP.get(_code(note, 0x104D)),
        "serial": note.text(0x0010),
    }
