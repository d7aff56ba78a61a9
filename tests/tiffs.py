"""Small TIFF-based files for tests: directories of our choice, maker notes, linear DNGs."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from lldata.frame import Frame
from lldata.reading.tiff_fields import (
    LONG,
    SHORT,
    UNDEFINED,
    Field,
    directory,
    directory_size,
    integers,
    rationals,
    text,
)

HEAD = b"II*\0" + struct.pack("<I", 8)
EXIF_IFD, MAKER_NOTE = 34665, 37500


def tiff(fields: list[Field], rest: bytes = b"") -> bytes:
    """Return a TIFF of one directory, followed by whatever its fields point to."""
    return HEAD + directory(fields, 8) + rest


def mosaic_tiff(
    pieces: list[bytes], compression: int, bits: int = 14, shape: tuple[int, int] = (8, 8)
) -> bytes:
    """Return a TIFF whose one mosaic lies in some strips."""
    known = [
        integers(256, LONG, [shape[1]]), integers(257, LONG, [shape[0]]),
        integers(258, SHORT, [bits]), integers(259, SHORT, [compression]),
        integers(262, SHORT, [32803]),
    ]  # fmt: skip
    size = directory_size([*known, *[integers(273, LONG, [0] * len(pieces))] * 2])
    starts = np.cumsum([8 + size, *map(len, pieces)])[:-1].tolist()
    places = [integers(273, LONG, starts), integers(279, LONG, [len(p) for p in pieces])]
    return tiff([*known, *places], b"".join(pieces))


def with_note(make: str, note_at: Callable[[int], bytes]) -> bytes:
    """Return a TIFF with the EXIF of a make, whose maker note is made for the place it gets."""
    image = [text(271, make), integers(EXIF_IFD, LONG, [0])]
    at = 8 + directory_size(image)
    note = note_at(at + 6 + 12)
    image[1] = integers(EXIF_IFD, LONG, [at])
    exif = directory([Field(MAKER_NOTE, UNDEFINED, len(note), note)], at)
    return HEAD + directory(image, 8) + exif


def linear_dng(frame: Frame) -> bytes:
    """Return a DNG that says what the frame's says but holds three values a pixel."""
    height, width = frame.mosaic.shape
    exif = [
        rationals(33434, 5, [frame.exposure_s]), integers(34855, SHORT, [round(frame.iso)]),
        rationals(33437, 5, [8.0]),
    ]  # fmt: skip
    make, _, model = frame.camera.partition(" ")
    image = [
        integers(254, LONG, [0]), integers(256, LONG, [width]), integers(257, LONG, [height]),
        integers(258, SHORT, [16] * 3), integers(259, SHORT, [1]), integers(262, SHORT, [34892]),
        text(271, make), text(272, model), integers(273, LONG, [0]), integers(277, SHORT, [3]),
        integers(278, LONG, [height]), integers(279, LONG, [height * width * 6]),
        integers(284, SHORT, [1]), integers(EXIF_IFD, LONG, [0]),
        integers(50706, 1, [1, 4, 0, 0]), text(50708, frame.camera),
    ]  # fmt: skip
    at = 8 + directory_size(image)
    strip = at + directory_size(exif)
    image[8], image[13] = integers(273, LONG, [strip]), integers(EXIF_IFD, LONG, [at])
    pixels = np.repeat(frame.mosaic[..., None], 3, axis=2).astype("<u2").tobytes()
    return HEAD + directory(image, 8) + directory(exif, at) + pixels
