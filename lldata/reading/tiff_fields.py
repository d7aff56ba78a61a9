"""TIFF fields and directories as bytes, little endian: what a DNG is written from.

Source: Adobe, TIFF 6.0, section 2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 1, 2, 3, 4, 5, 7, 10
_LETTER = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SRATIONAL: "i"}


class Field(NamedTuple):
    """One TIFF field: its tag, its TIFF type, how many values, and these as bytes."""

    tag: int
    type: int
    length: int
    data: bytes


def integers(tag: int, kind: int, values: Sequence[int]) -> Field:
    """Return a field of BYTE, SHORT or LONG values."""
    return Field(tag, kind, len(values), struct.pack(f"<{len(values)}{_LETTER[kind]}", *values))


def rationals(tag: int, kind: int, values: Iterable[float]) -> Field:
    """Return a field of RATIONAL or SRATIONAL values, each true to float32."""
    fractions = [nearest_fraction(value) for value in values]
    flat = [part for f in fractions for part in (f.numerator, f.denominator)]
    return Field(tag, kind, len(fractions), struct.pack(f"<{len(flat)}{_LETTER[kind]}", *flat))


def text(tag: int, content: str | None) -> Field:
    """Return an ASCII field (UTF-8 where the text needs it); without content, of length 0."""
    data = content.encode() + b"\0" if content else b""
    return Field(tag, ASCII, len(data), data)


def nearest_fraction(value: float) -> Fraction:
    """Return the simplest fraction that rounds to the same float32: 0.033333335 gives 1/30."""
    single = np.float32(value)
    half_step = Fraction(float(np.spacing(np.abs(single)))) / 2
    exact = Fraction(float(single))
    margin = half_step * 63 / 64  # the middle between two float32 may round either way
    return _simplest(exact - margin, exact + margin)


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction of smallest denominator in [low, high], by continued fractions."""
    if low < 0 < high:
        return Fraction(0)
    if high <= 0:
        return -_simplest(-high, -low)
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    whole -= 1
    return whole + 1 / _simplest(1 / (high - whole), 1 / (low - whole))


def directory_size(fields: Iterable[Field]) -> int:
    """Return the bytes of a directory and of the values that do not fit into its entries."""
    return 6 + sum(12 + (_even(field.data) if len(field.data) > 4 else 0) for field in fields)


def directory(fields: Iterable[Field], offset: int) -> bytes:
    """Return the directory that starts at byte `offset`, followed by its longer values."""
    ordered = sorted(fields)
    entries, outside = [], b""
    start = offset + 6 + 12 * len(ordered)
    for field in ordered:
        value = field.data.ljust(4, b"\0")
        if len(field.data) > 4:
            value = struct.pack("<I", start + len(outside))
            outside += field.data.ljust(_even(field.data), b"\0")
        entries.append(struct.pack("<HHI", field.tag, field.type, field.length) + value)
    return struct.pack("<H", len(ordered)) + b"".join(entries) + b"\0\0\0\0" + outside


def _even(data: bytes) -> int:
    return len(data) + len(data) % 2
