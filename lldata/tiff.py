"""Where a TIFF-based RAW file says its pixels lie: LibRaw decodes a cut file without any error.

Source: TIFF 6.0 (strips, tiles), TIFF/EP (SubIFDs, CFA photometric interpretation).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_STRIPS, _TILES = (273, 279), (324, 325)
_SUB_IFDS = 330
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_KEPT = (*_STRIPS, *_TILES, _SUB_IFDS, _WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC)
_CFA_IMAGE = 32803
_ELSEWHERE = 0xFFFFFFFF  # Panasonic RW2: the offset stands in a tag of its own
_LEAST_COMPRESSED_BITS = 1 / 8  # per photosite; Huffman-coded lossless JPEG needs a whole one
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_DIRECTORIES = 64
_MOST_ENTRIES = 4096
_MOST_VALUES = 1 << 20


class _Reader:
    """The entries of the directories in one TIFF file held in memory."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = data
        self.order = "<" if bytes(data[:2]) == b"II" else ">"

    def integer(self, offset: int, letter: str) -> int:
        value: int = struct.unpack_from(self.order + letter, self.data, offset)[0]
        return value

    def directory(self, offset: int) -> tuple[dict[int, tuple[int, ...]], int]:
        count = self.integer(offset, "H")
        entries: dict[int, tuple[int, ...]] = {}
        for index in range(min(count, _MOST_ENTRIES)):
            at = offset + 2 + 12 * index
            tag, kind = self.integer(at, "H"), self.integer(at + 2, "H")
            number = self.integer(at + 4, "I")
            if tag in _KEPT and kind in _LETTERS:
                entries[tag] = self._values(at + 8, kind, number)
        end = offset + 2 + 12 * count
        return entries, self.integer(end, "I") if end + 4 <= len(self.data) else 0

    def _values(self, at: int, kind: int, number: int) -> tuple[int, ...]:
        number = min(number, _MOST_VALUES)
        if number * _SIZES[kind] > 4:
            at = self.integer(at, "I")
        return struct.unpack_from(f"{self.order}{number}{_LETTERS[kind]}", self.data, at)


def is_tiff(data: bytes | memoryview) -> bool:
    """Whether the file starts as a TIFF-based one does (TIFF, DNG, CR2, ARW, NEF, ORF, RW2)."""
    head = bytes(data[:4])
    return head in (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"IIU\0")


def _directories(data: bytes | memoryview) -> Iterator[dict[int, tuple[int, ...]]]:
    reader = _Reader(data)
    pending, seen = [reader.integer(4, "I")], set[int]()
    while pending and len(seen) < _MOST_DIRECTORIES:
        offset = pending.pop()
        if offset == 0 or offset in seen:
            continue
        seen.add(offset)
        entries, following = reader.directory(offset)
        pending += [following, *entries.get(_SUB_IFDS, ())]
        yield entries


def _promised_beyond(entries: dict[int, tuple[int, ...]], length: int) -> int:
    """Return how far the strips and tiles of one directory reach beyond the file, in bytes."""
    ends = [0]
    for offsets, counts in (_STRIPS, _TILES):
        pairs = zip(entries.get(offsets, ()), entries.get(counts, ()), strict=False)
        ends += [start + size - length for start, size in pairs if start != _ELSEWHERE]
    return max(ends)


def _too_few(entries: dict[int, tuple[int, ...]]) -> int:
    """Return how many bytes a directory's mosaic lacks: of its size, or of any compression's."""
    if entries.get(_PHOTOMETRIC) != (_CFA_IMAGE,) or not entries.get(_WIDTH):
        return 0
    photosites = entries[_WIDTH][0] * entries.get(_LENGTH, (0,))[0]
    stored = sum(sum(entries.get(counts, ())) for _, counts in (_STRIPS, _TILES))
    uncompressed = entries.get(_COMPRESSION, (1,)) == (1,)
    bits = sum(entries.get(_BITS, (8,))) if uncompressed else _LEAST_COMPRESSED_BITS
    return max(0, int(photosites * bits / 8) - stored)


def missing_bytes(data: bytes | memoryview) -> int:
    """Return how many bytes of pixel data are missing from a TIFF-based file; 0 for others.

    Counted are strips and tiles that end beyond the file, and mosaics whose strips and tiles
    are too small for their photosites.
    """
    if not is_tiff(data):
        return 0
    try:
        return max(
            [0, *(max(_promised_beyond(e, len(data)), _too_few(e)) for e in _directories(data))]
        )
    except struct.error:  # a directory or a list of offsets lies outside the file
        return 1
