"""Ready images as they are read: 8 or 16 bits, with their orientation, colour profile and EXIF."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lldata.errors import ScoreError

FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
LARGEST_PIXELS = 400_000_000  # a PNG of kilobytes can claim any size
ORIENTATION = 0x0112  # EXIF tag
_TRANSPOSED = 5  # orientations from here on are seen with rows as columns
_MIRRORED = (2, 3, 6, 7)  # seen, left is right, once rows are columns where they are


@dataclass(frozen=True, eq=False)
class Picture:
    """An image in its own colour space, turned by `orientation` when it is shown."""

    pixels: NDArray[Any]  # (H, W, 3) uint8 or uint16, RGB
    alpha: NDArray[Any] | None = None  # (H, W), same type
    profile: bytes | None = None  # ICC
    exif: bytes | None = None  # as a JPEG holds it, with the leading "Exif" marker
    orientation: int = 1  # EXIF: 1 upright, 2-8 mirrored or rotated


def read(path: Path) -> Picture:
    """Read a PNG, JPEG, TIFF or BMP file.

    Raises
    ------
    ScoreError
        If there is no file, or it is no whole image of these formats and of a sane size.
    """
    path = Path(path)
    if not path.is_file():
        found = "it is a folder" if path.is_dir() else "there is no such file"
        raise _unreadable(path, found)
    try:
        return _tiff(path) if _is_tiff(path) else _other(path)
    except UnidentifiedImageError as error:
        raise _unreadable(path, "its content is no image") from error
    except Image.DecompressionBombError as error:
        raise _unreadable(path, "it claims a size no camera has") from error
    except (OSError, ValueError, SyntaxError, KeyError, struct.error, zlib.error) as error:
        if isinstance(error, PermissionError):
            raise
        raise _unreadable(path, f"it cannot be decoded ({error})") from error


def upright(picture: Picture) -> NDArray[Any]:
    """Return the pixels turned as they are meant to be seen, (H, W, 3)."""
    pixels = picture.pixels
    if picture.orientation >= _TRANSPOSED:
        pixels = pixels.transpose(1, 0, 2)
    if picture.orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if picture.orientation in _MIRRORED:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def beside(left: NDArray[Any], right: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return two pictures, stored so that one is seen on the left of the other when turned."""
    pair = [right, left] if orientation in _MIRRORED else [left, right]
    return np.concatenate(pair, axis=0 if orientation >= _TRANSPOSED else 1)


def rgb(path: Path) -> NDArray[Any]:
    """Read an image to be scored: upright, (H, W, 3) uint8 or uint16.

    Raises
    ------
    ScoreError
        If it cannot be read, or parts of it are transparent.
    """
    picture = read(path)
    if picture.alpha is not None and picture.alpha.min() < np.iinfo(picture.alpha.dtype).max:
        raise ScoreError(
            path, "parts of it are transparent", "only opaque images can be scored",
            "Flatten it onto a background",
        )  # fmt: skip
    return upright(picture)


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*")


def _tiff(path: Path) -> Picture:
    """Read a TIFF: Pillow cannot hold 16 bits of colour, so OpenCV decodes, and turns, it."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        _check_size(path, page.imagewidth, page.imagelength)
        profile = page.tags.valueof("InterColorProfile")
    pixels, alpha = _decoded(path)
    return Picture(pixels, alpha, bytes(profile) if profile else None)


def _other(path: Path) -> Picture:
    with warnings.catch_warnings():
        # a camera of 100 megapixels is no attack; the size is checked below
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(path)
    with image:
        if image.format not in FORMATS.values():
            raise _unreadable(path, f"it is a {image.format} file")
        _check_size(path, *image.size)
        profile, exif = image.info.get("icc_profile"), image.info.get("exif")
        orientation = int(image.getexif().get(ORIENTATION, 1))
        if image.format == "PNG" and _png_depth(path) == 16:
            image.load()  # Pillow reports a cut file, OpenCV does not
            pixels, alpha = _decoded(path)
        else:
            transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
            array = np.asarray(image.convert("RGBA" if transparent else "RGB"))
            pixels, alpha = array[..., :3], array[..., 3] if transparent else None
    return Picture(pixels, alpha, profile, exif, orientation if 1 <= orientation <= 8 else 1)


def _decoded(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return RGB and alpha as OpenCV decodes them, 8 or 16 bits; a TIFF upright, else as stored."""
    array = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype not in (np.uint8, np.uint16):
        raise _unreadable(path, "its pixels are not 8 or 16 bits of grey or RGB")
    if array.ndim == 2:
        array = cv2.cvtColor(array, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(array[..., 2::-1]), array[..., 3] if array.shape[2] == 4 else None


def _check_size(path: Path, width: int, height: int) -> None:
    if not 0 < width * height <= LARGEST_PIXELS:
        raise _unreadable(path, f"it claims {width}x{height} pixels")


def _png_depth(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(25)[24]


def _unreadable(path: Path, found: str) -> ScoreError:
    return ScoreError(
        path, found, "a whole PNG, JPEG, TIFF or BMP image is needed", "Give another file"
    )
