"""How a RAW file packs its mosaic: the compression by name, its bits, whether light was lost.

Only what containers tell is told: TIFF-based files (DNG, CR2, ARW, NEF, PEF) by their mosaic's
directory, RAF and CR3 by their own headers. Of others (ORF, RW2, KDC) nothing is known.

Source: TIFF 6.0; DNG 1.7, Compression; ITU-T T.81, B.1.1.3 (JPEG markers); the RAF and CR3 headers
as documented by LibRaw's decoders, and maker compressions by ExifTool's tag tables.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from lldata.reading import containers, tiff
from lldata.reading.tiff import Directory

UNKNOWN = "unknown"
FUJI = "Fujifilm compressed"  # decoded by threads that LibRaw does not keep apart
_FUJI_HEAD_BYTES = 16
_CR2_SLICES = 50752  # only the directory of a CR2's mosaic has it
_JPEGS = (6, 7, 99)
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_JPEG_FRAMES = {  # start-of-frame marker -> how the picture is coded
    0xC0: ("lossy JPEG", True), 0xC1: ("lossy JPEG", True), 0xC2: ("lossy JPEG", True),
    0xC3: ("lossless JPEG", False),
}  # fmt: skip
_NAMES: dict[int, tuple[str, bool | None]] = {
    1: ("uncompressed", False),
    8: ("deflate", False), 32946: ("deflate", False),
    32766: ("Sony compressed 2", None),
    32767: ("Sony cRAW", True),
    32769: ("packed", False),
    32867: ("Kodak compressed", None),
    34713: ("Nikon compressed", None),  # its maker note says which
    34892: ("lossy JPEG", True),
    52546: ("JPEG XL", None),
    65535: ("Pentax compressed", False),
}  # fmt: skip
_PADDING = 64  # bytes after a JPEG's end marker that are no damage


class Coding(NamedTuple):
    """How a mosaic is packed; None is unknown."""

    name: str = UNKNOWN
    lossy: bool | None = None
    bits: int | None = None  # of one photosite's value
    unfinished: int = 0  # JPEG strips and tiles that lack their end marker


def coding(data: bytes) -> Coding:
    """Return how the mosaic of a RAW file is packed, as far as its container tells."""
    try:
        if tiff.is_tiff(data):
            mosaic = _mosaic(data)
            return Coding() if mosaic is None else _of_directory(data, mosaic)
        return _of_raf(data) or _of_cr3(data) or Coding()
    except struct.error:  # a damaged directory tells nothing
        return Coding()


def is_linear(data: bytes) -> bool:
    """Whether a DNG holds three values a pixel already (PhotometricInterpretation LinearRaw)."""
    try:
        return tiff.is_tiff(data) and any(
            d.integers(tiff.PHOTOMETRIC) == (34892,) for d in tiff.directories(data)
        )
    except struct.error:
        return False


def _mosaic(data: bytes) -> Directory | None:
    found = [d for d in tiff.directories(data) if d.photosites or d.integers(_CR2_SLICES)]
    return max(found, key=lambda d: d.photosites, default=None)


def _of_directory(data: bytes, mosaic: Directory) -> Coding:
    number = (mosaic.integers(tiff.COMPRESSION) or (1,))[0]
    bits = max(mosaic.integers(tiff.BITS), default=0) or None
    if number not in _JPEGS:
        return Coding(*_NAMES.get(number, (f"compression {number}", None)), bits)
    pieces = mosaic.pieces()
    coded = [c for piece in pieces[:1] if (c := _jpeg(data, piece)) is not None]
    name, lossy, precision = coded[0] if coded else ("JPEG", None, None)
    return Coding(name, lossy, precision or bits, sum(_unfinished(data, p) for p in pieces))


def _jpeg(data: bytes, piece: slice) -> tuple[str, bool, int] | None:
    """Return name, loss and bits of a JPEG stream by its start-of-frame segment."""
    at, end = piece.start + 2, min(piece.stop, len(data))
    if data[piece.start : at] != _JPEG_START:
        return None
    while at + 5 <= end and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            return (*_JPEG_FRAMES[marker], data[at + 4])
        at += 2 + length
    return None


def _unfinished(data: bytes, piece: slice) -> bool:
    """Whether a JPEG stream lacks its end: a file saved in part is filled up with zeros."""
    if data[piece.start : piece.start + 2] != _JPEG_START:
        return False
    tail = data[max(piece.start, piece.stop - _PADDING) : piece.stop]
    return _JPEG_END not in tail


def _of_raf(data: bytes) -> Coding | None:
    block = containers.raf_mosaic(data)
    if block is None:
        return None
    mosaic, pixels = block
    head = bytes(pixels[:_FUJI_HEAD_BYTES])
    if head[:2] == b"IS" and len(head) == _FUJI_HEAD_BYTES:
        lossy = head[2] == 0
        return Coding(f"{FUJI}, {'lossy' if lossy else 'lossless'}", lossy, head[4])
    return Coding("uncompressed", False, max(mosaic.integers(0xF003), default=0) or None)


def _of_cr3(data: bytes) -> Coding | None:
    headers = containers.cr3_images(data)
    if not headers:
        return None
    widest = max(headers, key=lambda h: int.from_bytes(h[4:8], "big"))
    lossy = widest[22] & 0x0F > 0  # levels of a wavelet; the lossless kind has none
    return Coding("Canon C-RAW" if lossy else "Canon CR3 lossless", lossy, widest[20])
