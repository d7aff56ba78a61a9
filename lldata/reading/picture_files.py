"""Read ready pictures: 8- or 16-bit RGB PNG, TIFF, JPEG or BMP, upright, whole or not at all.

Meant for a disposable process: the decoders are native code. The size a file states is bounded
before anything is decoded, and a cut file is an error, whatever a decoder would make of it.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lldata import raw
from lldata.errors import FrameError, MetadataError
from lldata.reading import tiff
from lldata.scene import Picture

MOST_PIXELS = 89_000_000  # two of them in 16 bits fill one scene file
_PNG = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x112  # EXIF and TIFF tag
# EXIF orientation -> what makes the picture upright: swap axes first, then mirror these axes
_UPRIGHT = {1: (False, ()), 2: (False, (1,)), 3: (False, (0, 1)), 4: (False, (0,)),
            5: (True, ()), 6: (True, (1,)), 7: (True, (0, 1)), 8: (True, (0,))}  # fmt: skip


_RGB, _YCBCR, _UNSIGNED = 2, 6, 1  # TIFF's PhotometricInterpretation and SampleFormat
_DECODERS_RAISE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
    SyntaxError, struct.error, cv2.error, tifffile.TiffFileError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class PictureFile:
    """A decoded picture and what its file says."""

    pixels: Picture  # (H, W, 3) uint8 or uint16, upright
    form: str  # PNG, TIFF, JPEG or BMP
    orientation: int  # EXIF orientation of the file; 1 is upright
    sha256: str

    @property
    def bits(self) -> int:
        """Bits of a channel, 8 or 16."""
        return 8 * self.pixels.dtype.itemsize

    @property
    def size(self) -> str:
        """Width and height, written `600x400`."""
        return f"{self.pixels.shape[1]}x{self.pixels.shape[0]}"

    def facts(self) -> dict[str, Any]:
        """Return what the file says as plain values."""
        return {"format": self.form, "bits": self.bits, "orientation": self.orientation}


class _Header(NamedTuple):
    height: int
    width: int
    bits: int  # of a channel
    channels: int
    orientation: int = 1


def read_picture(path: Path) -> PictureFile:
    """Read a picture file of one of the four formats, whatever its name ends in.

    Raises
    ------
    FrameError
        If it is no regular file, of none of the formats, or cut or damaged.
    MetadataError
        If it is not RGB with 8 or 16 bits, or larger than MOST_PIXELS.
    """
    return decode_picture(path, picture_bytes(path))


def decode_picture(path: Path, data: bytes) -> PictureFile:
    """Return the picture a file holds; `path` names it in errors.

    Raises
    ------
    FrameError, MetadataError
        As `read_picture`.
    """
    form, header, decode = _stated(path, data)
    try:
        pixels = decode(data)
    except _DECODERS_RAISE:
        raise _damaged(path, form) from None
    if pixels is None or pixels.shape != (header.height, header.width, 3):
        raise _damaged(path, form)
    swap, mirrored = _UPRIGHT.get(header.orientation, _UPRIGHT[1])
    upright = np.flip(pixels.swapaxes(0, 1) if swap else pixels, mirrored)
    return PictureFile(
        np.ascontiguousarray(upright), form, header.orientation, hashlib.sha256(data).hexdigest()
    )


def stated_size(path: Path, data: bytes) -> tuple[int, int]:
    """Return height and width of the upright picture by its header, decoding nothing.

    Raises
    ------
    FrameError, MetadataError
        As `read_picture`.
    """
    _, header, _ = _stated(path, data)
    swap, _ = _UPRIGHT.get(header.orientation, _UPRIGHT[1])
    return (header.width, header.height) if swap else (header.height, header.width)


def _stated(path: Path, data: bytes) -> tuple[str, _Header, Callable[[bytes], Picture | None]]:
    """Return the format, the checked header and the decoder of a picture file."""
    form, header_of, decode = _format(path, data)
    try:
        header = header_of(path, data)
    except _DECODERS_RAISE:
        raise _damaged(path, form) from None
    _check(path, header)
    return form, header, decode


def picture_bytes(path: Path) -> bytes:
    """Return the content of a picture file; FrameError if it is no regular one."""
    try:
        raw.check_regular(path)
        return path.read_bytes()
    except FrameError as error:  # which speaks of RAW files
        raise FrameError(
            path, error.found, "a picture file is needed", "Copy it again, or remove it"
        ) from None


def _format(
    path: Path, data: bytes
) -> tuple[str, Callable[[Path, bytes], _Header], Callable[[bytes], Picture | None]]:
    if data.startswith(_PNG):
        return "PNG", _png_header, _decode_exact
    if tiff.is_tiff(data):
        return "TIFF", _tiff_header, _decode_exact
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG", _pillow_header, _decode_pillow
    if data.startswith(b"BM"):
        return "BMP", _pillow_header, _decode_pillow
    raise FrameError(
        path, "it is no PNG, TIFF, JPEG or BMP file", "a ready picture is one of these",
        "Convert it to PNG",
    )  # fmt: skip


def _damaged(path: Path, form: str) -> FrameError:
    return FrameError(
        path, f"its {form} data end too early or are damaged", "a whole file is needed",
        "Copy it again",
    )  # fmt: skip


def _check(path: Path, header: _Header) -> None:
    if header.bits not in (8, 16) or header.channels != 3:
        raise MetadataError(
            path, f"it has {header.channels} channels of {header.bits} bits",
            "a ready picture is RGB with 8 or 16 bits, without transparency",
            "Convert it, or develop it again",
        )  # fmt: skip
    if header.width * header.height > MOST_PIXELS:
        raise MetadataError(
            path, f"it has {header.width}x{header.height} pixels",
            f"at most {MOST_PIXELS / 1e6:g} megapixels are read", "Reduce it or cut it into pieces",
        )  # fmt: skip


def _png_header(path: Path, data: bytes) -> _Header:
    """Read a PNG's size and check the checksum of every chunk. Source: ISO/IEC 15948."""
    at, orientation = len(_PNG), 1
    kinds: list[bytes] = []
    while not kinds or kinds[-1] != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(kind + body) != crc:
            raise _damaged(path, "PNG")
        if kind == b"eXIf":
            orientation = _exif_orientation(b"Exif\0\0" + body)
        kinds.append(kind)
        at += 12 + length
    width, height, bits, colour = struct.unpack_from(">IIBB", data, len(_PNG) + 8)
    channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(colour, 0) + (b"tRNS" in kinds)
    return _Header(height, width, bits if colour != 3 else 8, channels, orientation)


def _tiff_header(path: Path, data: bytes) -> _Header:
    if tiff.missing_bytes(data):
        raise _damaged(path, "TIFF")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        if page.tags.valueof(_ORIENTATION, 1) != 1:  # decoders disagree on who turns it
            raise MetadataError(
                path, "its orientation tag turns it", "a TIFF must be stored upright",
                "Rotate it and save it again",
            )  # fmt: skip
        return _Header(page.imagelength, page.imagewidth, page.bitspersample, page.samplesperpixel)


def _pillow_header(path: Path, data: bytes) -> _Header:
    with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
        try:
            with Image.open(io.BytesIO(data)) as image:
                bits = 8 if image.mode in ("RGB", "L", "P", "CMYK", "RGBA") else 0
                orientation = _exif_orientation(image.info.get("exif", b""))
                return _Header(image.height, image.width, bits, len(image.getbands()), orientation)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise MetadataError(
                path, "it states too many pixels",
                f"at most {MOST_PIXELS / 1e6:g} megapixels are read",
                "Reduce it or cut it into pieces",
            ) from None  # fmt: skip
        except UnidentifiedImageError as error:
            raise ValueError(path) from error


def _exif_orientation(exif: bytes) -> int:
    tags = Image.Exif()
    tags.load(exif)
    found = tags.get(_ORIENTATION, 1)
    return int(found) if found in _UPRIGHT else 1


def _decode_exact(data: bytes) -> Picture | None:
    """Decode a PNG or TIFF to its own bits; None where it is damaged."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3:
        return None
    planes: NDArray[Any] = picture[..., 2::-1]
    return planes


def _decode_pillow(data: bytes) -> Picture:
    """Decode a JPEG or BMP; unlike other decoders Pillow does not fill up a cut file."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)
