"""Pictures as files, each in the depth, turn, colour profile and EXIF of the one it was made of."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from eval.images import FORMATS, ORIENTATION, Picture
from lldata import publish
from lldata.errors import ScoreError

DEEP = ("PNG", "TIFF")  # formats that hold 16 bits
QUALITY = 95  # JPEG, chroma not subsampled


def check_format(path: Path) -> str:
    """Return the format a path's suffix stands for.

    Raises
    ------
    ScoreError
        If it is none that can be written.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise ScoreError(
            path,
            f"its suffix is '{path.suffix}'",
            f"images are written as {', '.join(FORMATS)}",
            "Give the output one of these suffixes",
        )
    return found


def write(path: Path, unit: NDArray[np.float32], like: Picture) -> Path:
    """Write a picture in the format of the path's suffix, whole or not at all.

    Parameters
    ----------
    path : .png, .jpg, .jpeg, .tif, .tiff or .bmp
    unit : (H, W, 3) float in [0, 1]
    like : whose bit depth (where the format holds it), orientation, colour profile, EXIF and
        alpha are kept
    """
    kind = check_format(path)
    deep = like.pixels.dtype == np.uint16 and kind in DEEP
    dtype: type[np.uint8 | np.uint16] = np.uint16 if deep else np.uint8
    white = np.iinfo(dtype).max
    pixels = np.rint(unit.clip(0, 1) * np.float32(white)).astype(dtype)
    alpha = like.alpha if like.alpha is not None and like.alpha.dtype == dtype else None
    if alpha is not None and kind in DEEP and alpha.shape == pixels.shape[:2]:
        pixels = np.dstack([pixels, alpha])
    encoder = {"TIFF": _as_tiff, "PNG": _as_deep_png if deep else _as_png}.get(kind, _as_other)
    publish.write_replacing(path, encoder(pixels, like, kind))
    return path


def _as_other(pixels: NDArray[Any], like: Picture, kind: str) -> bytes:
    options: dict[str, Any] = {}
    if kind == "JPEG":
        options = {"quality": QUALITY, "subsampling": 0, **_carried(like)}
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., :3]).save(buffer, kind, **options)
    return buffer.getvalue()


def _as_png(pixels: NDArray[Any], like: Picture, _: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **_carried(like))
    return buffer.getvalue()


def _carried(like: Picture) -> dict[str, bytes]:
    carried = {"icc_profile": like.profile, "exif": _exif(like)}
    return {key: value for key, value in carried.items() if value}


def _exif(like: Picture) -> bytes | None:
    """Return the EXIF of the source; a TIFF has none of this form, so its orientation alone."""
    if like.exif or like.orientation == 1:
        return like.exif
    exif = Image.Exif()
    exif[ORIENTATION] = like.orientation
    return exif.tobytes()


def _as_tiff(pixels: NDArray[Any], like: Picture, _: str) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, pixels, photometric="rgb", compression="zlib", iccprofile=like.profile,
        extrasamples=("unassalpha",) if pixels.shape[2] == 4 else None, metadata=None,
        extratags=[(ORIENTATION, 3, 1, like.orientation, True)],
    )  # fmt: skip
    return buffer.getvalue()


def _as_deep_png(pixels: NDArray[Any], like: Picture, _kind: str) -> bytes:
    """Return a 16-bit PNG; OpenCV writes it bare, so profile and EXIF go in after its header."""
    order = [2, 1, 0, 3][: pixels.shape[2]]
    _, content = cv2.imencode(".png", np.ascontiguousarray(pixels[..., order]))
    bare, chunks = content.tobytes(), b""
    if like.profile:
        chunks += _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(like.profile))
    exif = _exif(like)
    if exif:
        chunks += _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    header_end = 8 + 25  # signature and IHDR
    return bare[:header_end] + chunks + bare[header_end:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
