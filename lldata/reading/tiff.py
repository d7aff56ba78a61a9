"""Where a TIFF-based RAW file says its pixels lie: LibRaw decodes a cut file without any error.

Source: TIFF 6.0 (strips, tiles), TIFF/EP (SubIFDs, CFA photometric interpretation).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

STRIPS, TILES = (273, 279), (324, 325)  # tags: offsets, byte counts
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
EXIF = 34665
CFA_IMAGE = 32803  # PhotometricInterpretation of a mosaic
_SUB_IFDS = 330
_ELSEWHERE = 0xFFFFFFFF  # Panasonic RW2: the offset stands in a tag of its own
_LEAST_COMPRESSED_BITS = 1 / 8  # per photosite; Huffman-coded lossless JPEG needs a whole one
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 13: 4, 16: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}
_RATIONALS = {5: "I", 10: "i"}
_TEXT = 2
_MOST_DIRECTORIES = 64
_MOST_ENTRIES = 4096
_MOST_VALUES = 1 << 20


class _Entry(NamedTuple):
    kind: int
    values: int
    at: int  # byte of the file from which its values stand


class Directory:
    """One directory of a TIFF file in memory: the values of its tags, read when asked for.

    Every method raises `struct.error` if what it reads would lie outside the file.
    """

    def __init__(
        self, data: bytes | memoryview, offset: int, order: str | None = None, base: int = 0
    ) -> None:
        """Read the entries at byte `offset`; offsets in them count from `base`."""
        self._data = data
        self.order = order or byte_order(data)
        count = self._integer(offset, "H")
        self._entries: dict[int, _Entry] = {}
        for index in range(min(count, _MOST_ENTRIES)):
            at = offset + 2 + 12 * index
            tag, kind = self._integer(at, "H"), self._integer(at + 2, "H")
            number = self._integer(at + 4, "I")
            if kind in _SIZES:
                inline = number * _SIZES[kind] <= 4
                place = at + 8 if inline else base + self._integer(at + 8, "I")
                self._entries[tag] = _Entry(kind, min(number, _MOST_VALUES), place)
        end = offset + 2 + 12 * count
        self.following = self._integer(end, "I") if end + 4 <= len(data) else 0

    def _integer(self, offset: int, letter: str) -> int:
        value: int = struct.unpack_from(self.order + letter, self._data, offset)[0]
        return value

    def integers(self, tag: int) -> tuple[int, ...]:
        """Return a tag's whole numbers or bytes, () where it holds none."""
        entry = self._entries.get(tag)
        if entry is None or entry.kind not in _LETTERS:
            return ()
        form = f"{self.order}{entry.values}{_LETTERS[entry.kind]}"
        return struct.unpack_from(form, self._data, entry.at)

    def number(self, tag: int) -> float | None:
        """Return a tag's first number, whole or rational; None where it says none."""
        entry = self._entries.get(tag)
        if entry is not None and entry.kind in _RATIONALS and entry.values:
            form = f"{self.order}2{_RATIONALS[entry.kind]}"
            above, below = struct.unpack_from(form, self._data, entry.at)
            return above / below if below else None
        return next(iter(self.integers(tag)), None)

    def text(self, tag: int) -> str | None:
        """Return a tag's text, None where it holds none."""
        entry = self._entries.get(tag)
        if entry is None or entry.kind != _TEXT:
            return None
        raw = bytes(self._data[entry.at : entry.at + entry.values])
        return raw.split(b"\0")[0].decode("utf-8", "replace").strip() or None

    def place(self, tag: int) -> slice | None:
        """Return the bytes of the file that a tag of bytes takes, None where there is none."""
        entry = self._entries.get(tag)
        if entry is None:
            return None
        return slice(entry.at, entry.at + entry.values * _SIZES[entry.kind])

    def pieces(self) -> list[slice]:
        """Return the bytes of the file that the strips and tiles take."""
        return [
            slice(start, start + size)
            for offsets, counts in (STRIPS, TILES)
            for start, size in zip(self.integers(offsets), self.integers(counts), strict=False)
            if start != _ELSEWHERE
        ]

    @property
    def photosites(self) -> int:
        """How many photosites a directory of a mosaic announces, 0 for others."""
        width, length = self.integers(WIDTH), self.integers(LENGTH)
        if self.integers(PHOTOMETRIC) != (CFA_IMAGE,) or not width or not length:
            return 0
        return width[0] * length[0]


def byte_order(data: bytes | memoryview) -> str:
    """Return the letter of `struct` for the byte order of a TIFF header."""
    return "<" if bytes(data[:2]) == b"II" else ">"


def is_tiff(data: bytes | memoryview) -> bool:
    """Whether the file starts as a TIFF-based one does (TIFF, DNG, CR2, ARW, NEF, ORF, RW2).

    The number after the byte order is not looked at: LibRaw does not either, and reads files in
    which it is damaged. A CRW has the byte order and is none.
    """
    return bytes(data[:2]) in (b"II", b"MM") and bytes(data[6:10]) != b"HEAP"


def directories(data: bytes | memoryview) -> Iterator[Directory]:
    """Yield the directories of a TIFF-based file that hold pictures.

    Raises
    ------
    struct.error
        If one of them lies outside the file.
    """
    pending, seen = list(struct.unpack_from(byte_order(data) + "I", data, 4)), set[int]()
    while pending and len(seen) < _MOST_DIRECTORIES:
        offset = pending.pop()
        if offset == 0 or offset in seen:
            continue
        seen.add(offset)
        directory = Directory(data, offset)
        pending += [directory.following, *directory.integers(_SUB_IFDS)]
        yield directory


def _too_few(directory: Directory) -> int:
    """Return how many bytes a directory's mosaic lacks: of its size, or of any compression's."""
    stored = sum(sum(directory.integers(counts)) for _, counts in (STRIPS, TILES))
    uncompressed = directory.integers(COMPRESSION) in ((), (1,))
    bits = sum(directory.integers(BITS) or (8,)) if uncompressed else _LEAST_COMPRESSED_BITS
    return max(0, int(directory.photosites * bits / 8) - stored)


def missing_bytes(data: bytes | memoryview) -> int:
    """Return how many bytes of pixel data are missing from a TIFF-based file; 0 for others.

    Counted are strips and tiles that end beyond the file, and mosaics whose strips and tiles
    are too small for their photosites.
    """
    if not is_tiff(data):
        return 0
    most = 0
    try:
        for directory in directories(data):
            beyond = [piece.stop - len(data) for piece in directory.pieces()]
            most = max([most, *beyond, _too_few(directory)])
    except struct.error:  # a directory or a list of offsets lies outside the file
        return max(most, 1)
    return most
