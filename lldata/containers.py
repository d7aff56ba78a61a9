"""Where EXIF and pixels lie in RAW files that are no TIFF: Fujifilm RAF and Canon CR3.

Source: the RAF and CR3 layouts as documented by ExifTool's FujiFilm and Canon tag tables.
"""

from __future__ import annotations

import struct

_RAF = b"FUJIFILMCCD-RAW "
_RAF_MODEL = slice(28, 60)
_RAF_PREVIEW = 84  # big-endian offset and length of the JPEG; of the CFA's header and data follow
_CR3_BRAND = slice(4, 12)
_CR3_SEARCH = 1 << 20  # bytes; the boxes lie in the first few kilobytes


def exif_blocks(data: bytes) -> list[bytes]:
    """Return the parts of a file that hold EXIF: the file itself unless it is RAF or CR3."""
    if data.startswith(_RAF) and len(data) >= _RAF_PREVIEW + 8:
        start, size = struct.unpack_from(">II", data, _RAF_PREVIEW)
        return [data[start : start + size]]
    if data[_CR3_BRAND] == b"ftypcrx ":
        return [block for name in (b"CMT1", b"CMT2") if (block := _box(data, name))]
    return [data]


def _box(data: bytes, name: bytes) -> bytes | None:
    """Return the content of the first ISO media box of this name; CMT boxes hold a TIFF each."""
    at = data.find(name, 0, _CR3_SEARCH)
    if at < 4:
        return None
    size = int.from_bytes(data[at - 4 : at], "big")
    return data[at + 4 : at - 4 + size]


def raf_model(data: bytes) -> str | None:
    """Return make and model as a RAF file's header states them, None for other files."""
    if not data.startswith(_RAF):
        return None
    return "FUJIFILM " + data[_RAF_MODEL].split(b"\0")[0].decode("ascii", "replace").strip()


def raf_missing_bytes(data: bytes) -> int:
    """Return how many bytes a RAF file's preview, CFA header and CFA data reach beyond its end."""
    if not data.startswith(_RAF):
        return 0
    try:
        numbers = struct.unpack_from(">6I", data, _RAF_PREVIEW)
    except struct.error:
        return 1
    ends = [start + size for start, size in zip(numbers[::2], numbers[1::2], strict=True)]
    return int(max(0, *(end - len(data) for end in ends)))
