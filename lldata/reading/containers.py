"""Where EXIF and pixels lie in RAW files that are no TIFF: Fujifilm RAF and Canon CR3.

Source: the RAF and CR3 layouts as documented by ExifTool's FujiFilm and Canon tag tables.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lldata.reading.tiff import Directory, is_tiff

_RAF = b"FUJIFILMCCD-RAW "
_RAF_MODEL = slice(28, 60)
_RAF_PREVIEW = 84  # big-endian offset and length of the JPEG; of the CFA's header and data follow
_RAF_MOSAIC = _RAF_PREVIEW + 16
_RAF_STRIPS, _RAF_COUNTS, _RAF_DIRECTORY = 0xF007, 0xF008, 0xF000
_CR3_BRAND = slice(4, 12)
_CR3_SHORTEST_HEADER = 24  # bytes of a CMP1 box that are read
_EXIF_HEAD, _EXIF_SEARCH = b"Exif\0\0", 1 << 16
_CR3_SEARCH = 1 << 20  # bytes; the boxes lie in the first few kilobytes


def exif_blocks(data: bytes) -> list[bytes]:
    """Return the parts of a file that hold EXIF: the file itself unless it is RAF or CR3."""
    if data.startswith(_RAF) and len(data) >= _RAF_PREVIEW + 8:
        start, size = struct.unpack_from(">II", data, _RAF_PREVIEW)
        return [data[start : start + size]]
    if is_cr3(data):
        found = (next(_boxes(data, name), None) for name in (b"CMT1", b"CMT2"))
        return [block for block in found if block]
    return [data]


def exif_tiffs(data: bytes) -> list[bytes]:
    """Return the TIFF structures that hold a file's EXIF; that of a JPEG follows its marker."""
    blocks = []
    for block in exif_blocks(data):
        at = block.find(_EXIF_HEAD, 0, _EXIF_SEARCH) if block[:2] == b"\xff\xd8" else -1
        blocks.append(block[at + len(_EXIF_HEAD) :] if at >= 0 else block)
    return [block for block in blocks if is_tiff(block)]


def is_cr3(data: bytes) -> bool:
    """Whether the file is a CR3."""
    return data[_CR3_BRAND] == b"ftypcrx "


def cr3_maker_note(data: bytes) -> bytes | None:
    """Return the TIFF that holds Canon's maker note in a CR3, None for other files."""
    return next(_boxes(data, b"CMT3"), None) if is_cr3(data) else None


def cr3_images(data: bytes) -> list[bytes]:
    """Return the header (the content of the CMP1 box) of every picture in a CR3, [] for others.

    Bytes 4-7 are its width, 20 its bits, the low half of 22 its wavelet levels.
    """
    found = list(_boxes(data, b"CMP1")) if is_cr3(data) else []
    return [header[4:] for header in found if len(header) >= 4 + _CR3_SHORTEST_HEADER]


def _boxes(data: bytes, name: bytes) -> Iterator[bytes]:
    """Yield the content of the ISO media boxes of this name; CMT boxes hold a TIFF each."""
    at = data.find(name, 0, _CR3_SEARCH)
    while at >= 4:
        size = int.from_bytes(data[at - 4 : at], "big")
        yield data[at + 4 : at - 4 + size]
        at = data.find(name, at + 4, _CR3_SEARCH)


def cr3_missing_bytes(data: bytes) -> int:
    """Return how many bytes the outermost boxes of a CR3 reach beyond its end; 0 for others."""
    if not is_cr3(data):
        return 0
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:  # the size stands behind the name, in 8 bytes
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:  # to the end of the file
            return 0
        if size < 8:
            return 1
        at += size
    return max(0, at - len(data))


def raf_mosaic(data: bytes) -> tuple[Directory, memoryview] | None:
    """Return the directory and the pixel data of a RAF's mosaic, None where it tells neither.

    Raises
    ------
    struct.error
        If the directory lies outside the file.
    """
    if not data.startswith(_RAF) or len(data) < _RAF_MOSAIC + 8:
        return None
    start, size = struct.unpack_from(">II", data, _RAF_MOSAIC)
    block = memoryview(data)[start : start + size]
    if bytes(block[:4]) not in (b"II*\0", b"MM\0*"):
        return None  # cameras before 2010
    order = "<" if block[0] == ord("I") else ">"
    (first,) = struct.unpack_from(order + "I", block, 4)
    inner = Directory(block, first).integers(_RAF_DIRECTORY)
    if not inner:
        return None
    mosaic = Directory(block, inner[0], order)
    offsets, counts = mosaic.integers(_RAF_STRIPS), mosaic.integers(_RAF_COUNTS)
    return (mosaic, block[offsets[0] : offsets[0] + counts[0]]) if offsets and counts else None


def raf_model(data: bytes) -> str | None:
    """Return make and model as a RAF file's header states them, None for other files."""
    if not data.startswith(_RAF):
        return None
    return "FUJIFILM " + data[_RAF_MODEL].split(b"\0")[0].decode("ascii", "replace").strip()


def raf_missing_bytes(data: bytes) -> int:
    """Return how many bytes a RAF's preview, CFA header, CFA data and strip are short of."""
    if not data.startswith(_RAF):
        return 0
    try:
        numbers = struct.unpack_from(">6I", data, _RAF_PREVIEW)
    except struct.error:
        return 1
    ends = [start + size for start, size in zip(numbers[::2], numbers[1::2], strict=True)]
    return int(max(0, _raf_strip_beyond(data), *(end - len(data) for end in ends)))


def _raf_strip_beyond(data: bytes) -> int:
    """Return how many bytes of a RAF's strip are missing from its block of CFA data."""
    try:
        found = raf_mosaic(data)
    except struct.error:
        return 1
    if found is None:
        return 0
    mosaic, pixels = found
    return mosaic.integers(_RAF_COUNTS)[0] - len(pixels)
