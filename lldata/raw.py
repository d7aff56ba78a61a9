"""Read RAW files: the mosaic as the sensor gave it, with everything its file says.

LibRaw (through rawpy) and exifread are asked together: exifread cannot open RAF and CR3, LibRaw
misses some EXIF layouts. LibRaw decodes truncated files without an error, so that the checks
before and after decoding are ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import mmap
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, cast

import exifread
import numpy as np
import rawpy
from numpy.typing import NDArray

from lldata import render
from lldata.cfa import layout
from lldata.engine import run_isolated
from lldata.errors import FrameError, MetadataError
from lldata.frame import Frame
from lldata.reading import coding, containers, origin, tiff
from lldata.reading.file_facts import facts_of

# exifread warns of every file that is no TIFF; that LibRaw reads RAF and CR3 is no news
logging.getLogger("exifread").addHandler(logging.NullHandler())

LARGEST_FILE = 2 * 2**30  # bytes; a medium-format RAW file has 0.3

_D65 = 21  # EXIF LightSource
_RAF_MODEL = "RAF Model"  # key of the header's own words among the EXIF tags

LIBRAW_VERSION = ".".join(map(str, rawpy.libraw_version))
RAWPY_VERSION = version("rawpy")


class Capture(NamedTuple):
    """A frame, and what its file tells besides (`file_facts.FileFacts`), JSON-ready."""

    frame: Frame
    facts: dict[str, Any]
    picture: NDArray[np.uint16] | None = None  # (H, W, 3), as `render.render_file`


def read_frame(path: Path, *, timeout_s: float = 60.0) -> Frame:
    """Read a RAW file in a disposable process with bounded time and memory.

    Raises
    ------
    FrameError
        If the path is no regular readable file, is no RAW file of a mosaic sensor, is cut, or
        lacks its exposure time or ISO; `WorkerError` if decoding crashed or hung.
    """
    check_regular(Path(path))  # at once, before a process is started: a FIFO would hang it
    return run_isolated(decode, Path(path), timeout_s=timeout_s)


def check_regular(path: Path) -> os.stat_result:
    """Check that the path is a regular, readable file of a sane size.

    Raises
    ------
    FrameError
        Naming what the path is instead.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise FrameError(
            path, "there is no such file", "a RAW file is needed", "Correct the path"
        ) from None
    except OSError as error:
        raise FrameError(
            path,
            f"it cannot be reached ({error.strerror})",
            "a RAW file is needed",
            "Correct the path or its links",
        ) from error
    kinds = {
        stat.S_ISDIR: "a folder",
        stat.S_ISFIFO: "a FIFO",
        stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
    }
    for test, kind in kinds.items():
        if test(status.st_mode):
            raise FrameError(path, f"it is {kind}", "a regular file is needed", "Name a RAW file")
    if status.st_size == 0:
        raise FrameError(
            path,
            "the file is empty (0 bytes)",
            "a RAW file is needed",
            "Copy it from the card again",
        )
    if status.st_size > LARGEST_FILE:
        raise FrameError(
            path,
            f"the file has {status.st_size} bytes",
            f"at most {LARGEST_FILE} are read",
            "Name a RAW file",
        )
    if not os.access(path, os.R_OK):
        raise FrameError(
            path,
            "it may not be read by this user",
            "read permission is needed",
            f"chmod u+r {path}",
        )
    return status


def decode(path: Path) -> Frame:
    """Read a RAW file in this process: for disposable workers; others call `read_frame`."""
    return capture(path).frame


def capture(path: Path, *, developed: bool = False) -> Capture:
    """Read a RAW file and what it tells of how it was taken; refuses what `decode` refuses.

    With `developed` also its picture, from the same opening of the file.
    """
    path = Path(path)
    data = _load(path)
    with _damaged_is_refused(path):
        exif = _exif(data)
        with rawpy.imread(io.BytesIO(data)) as raw:
            mosaic, cfa = _mosaic(path, raw, data)
            facts = _facts(path, raw, exif)
            _check(path, mosaic, cfa, facts)
            picture = render.develop(raw) if developed else None
    digest = hashlib.sha256(data).hexdigest()
    frame = origin.restored(Frame(mosaic=mosaic, cfa=cfa, sha256=digest, **facts), data)
    return Capture(frame, facts_of(data, frame), picture)


def read_header(path: Path) -> tuple[str, float, float, str | None]:
    """Return camera, ISO, exposure in s and time (ISO 8601) of a file, not reading its pixels.

    In this process, for disposable workers. Refuses the files that `decode` refuses before it
    looks at pixels.
    """
    data = _mapped(path)
    _check_whole(path, data)
    with _damaged_is_refused(path):
        exif = _exif(data)
        with rawpy.imread(str(path)) as raw:
            facts = _exposed(path, raw, exif)
            time = _time(exif, raw.other.timestamp)
    return facts["camera"], facts["iso"], facts["exposure_s"], time


@contextlib.contextmanager
def _damaged_is_refused(path: Path) -> Iterator[None]:
    """Turn whatever a damaged directory makes the readers raise into one named error."""
    try:
        yield
    except rawpy.LibRawError as error:
        text = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise _refusal(path, text) from error
    except (ArithmeticError, LookupError, ValueError, TypeError, NotImplementedError) as error:
        raise _refusal(path, f"{type(error).__name__}: {error}") from error


def _load(path: Path) -> bytes:
    check_regular(path)
    with _unreadable_is_refused(path):
        data = path.read_bytes()
    _check_whole(path, data)
    return data


class _Mapped(mmap.mmap):
    """A file that reads like bytes, and of which only what is looked at is fetched."""

    def startswith(self, prefix: bytes) -> bool:
        return self[: len(prefix)] == prefix


def _mapped(path: Path) -> bytes:
    check_regular(path)
    with _unreadable_is_refused(path), path.open("rb") as file:
        return cast(bytes, _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ))


@contextlib.contextmanager
def _unreadable_is_refused(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FrameError(
            path,
            f"it cannot be read ({error.strerror})",
            "a sound file is needed",
            "Copy it from the card again",
        ) from error


def _check_whole(path: Path, data: bytes) -> None:
    beyond = max(
        tiff.missing_bytes(data),
        containers.raf_missing_bytes(data),
        containers.cr3_missing_bytes(data),
    )
    if beyond:
        raise FrameError(
            path,
            f"at least {beyond} bytes of its pixel data are missing",
            "every strip and tile must be whole and lie inside the file",
            "The file is cut: copy it from the card again",
        )


def _refusal(path: Path, text: str) -> FrameError:
    return FrameError(
        path,
        f"LibRaw finds no RAW image in it ({text})",
        "a camera's RAW file is needed",
        "Copy it from the card again, or leave it out",
    )


def _mosaic(path: Path, raw: rawpy.RawPy, data: bytes) -> tuple[NDArray[np.uint16], str]:
    cfa = _pattern(path, raw, data)
    visible = raw.raw_image_visible
    if visible is None or visible.ndim != 2:
        raise _no_mosaic(path, data)
    return visible.astype(np.uint16, copy=True), cfa  # LibRaw's memory ends with the file


def _no_mosaic(path: Path, data: bytes) -> MetadataError:
    if coding.is_linear(data):
        kind = "it is a linear DNG: three values a pixel, no mosaic"
    elif data.startswith(b"FOVb"):
        kind = "it comes from a Foveon sensor, which has no mosaic"
    else:
        kind = "it holds no mosaic (an sRAW, an mRAW, or a sensor without colour filters)"
    return MetadataError(
        path,
        kind,
        "one value per photosite is needed",
        "Shoot full-size RAW",
    )


def _pattern(path: Path, raw: rawpy.RawPy, data: bytes) -> str:
    if raw.raw_type is not rawpy.RawType.Flat or raw.raw_pattern is None:
        raise _no_mosaic(path, data)
    names = raw.color_desc.decode("ascii")
    return "".join(names[index] for index in raw.raw_pattern.ravel())


def _check(path: Path, mosaic: NDArray[np.uint16], cfa: str, facts: dict[str, Any]) -> None:
    layout(cfa)  # refuses what is neither Bayer nor X-Trans
    low, high = int(mosaic.min()), int(mosaic.max())
    if low == high:
        raise FrameError(
            path,
            f"every pixel is {low} DN",
            "a photograph varies",
            "The pixel data is missing: copy the file from the card again",
        )
    black, white = max(facts["black_level"]), facts["white_level"]
    if white <= black:
        raise MetadataError(
            path,
            f"its white level is {white} DN, its black level {black:g} DN",
            "white lies above black",
            "Use the file as the camera wrote it",
        )


def _exif(data: bytes) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    for block in containers.exif_blocks(data):
        with contextlib.suppress(LookupError, ValueError, TypeError, ArithmeticError):
            # a damaged directory: what LibRaw reads stands in
            file: Any = io.BytesIO(block) if type(block) is bytes else block  # mapped: is a file
            tags |= exifread.process_file(file, details=False, extract_thumbnail=False)
    model = containers.raf_model(data)
    return tags if model is None else {**tags, _RAF_MODEL: model}


def _tag(exif: dict[str, Any], *names: str) -> Any:
    """Return the first value of the first of these tags found under EXIF or Image, or None."""
    for name in names:
        for directory in ("EXIF", "Image"):
            tag = exif.get(f"{directory} {name}")
            if tag is None:
                continue
            values = tag.values
            if isinstance(values, str):
                return values.strip() or None
            if len(values):
                return values[0]
    return None


def _number(value: Any) -> float | None:
    try:
        number = float(Fraction(value)) if value is not None else 0.0
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if number > 0 else None


def _first_positive(*values: Any) -> float | None:
    for value in values:
        number = _number(value)
        if number is not None:
            return number
    return None


def _required(path: Path, field: str, value: Any) -> float:
    number = _number(value)
    if number is None:
        raise MetadataError(
            path,
            f"it states no {field} (EXIF and LibRaw were asked)",
            f"the {field} decides the exposure ratio",
            "Use the file as the camera wrote it",
        )
    return number


def _iso(exif: dict[str, Any]) -> Any:
    iso = _tag(exif, "ISOSpeedRatings", "PhotographicSensitivity")
    if _number(iso) == 65535:  # the 16-bit tag's "more than fits"
        return _tag(exif, "RecommendedExposureIndex", "ISOSpeed")
    return iso


def _facts(path: Path, raw: rawpy.RawPy, exif: dict[str, Any]) -> dict[str, Any]:
    other = raw.other
    return {
        **_exposed(path, raw, exif),
        "black_level": _four(raw.black_level_per_channel),
        "white_level": int(raw.white_level),
        "white_balance": _white_balance(raw.camera_whitebalance),
        "colour_matrix": _dng_matrix(exif) or _rows(raw.rgb_xyz_matrix[:3]),
        "f_number": _first_positive(_tag(exif, "FNumber"), round(other.aperture, 4)),
        "focal_length_mm": _first_positive(_tag(exif, "FocalLength"), other.focal_length),
        "lens": _text(_tag(exif, "LensModel")),
        "time": _time(exif, other.timestamp),
        "software": _text(_tag(exif, "Software")),
    }


def _exposed(path: Path, raw: rawpy.RawPy, exif: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that every file must state; LibRaw, asked for one, decodes the file."""
    return {
        "exposure_s": _number(_tag(exif, "ExposureTime"))
        or _required(path, "exposure time", round(raw.other.shutter_speed, 9)),
        "iso": _number(_iso(exif)) or _required(path, "ISO", raw.other.iso_speed),
        "camera": _camera(exif),
    }


def _rows(matrix: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in matrix)


def _dng_matrix(exif: dict[str, Any]) -> tuple[tuple[float, ...], ...] | None:
    """Return the XYZ to camera matrix for daylight that a DNG file holds, or None.

    LibRaw develops a DNG by it, but shows only the one of its own table. Source: DNG 1.4,
    ColorMatrix1 and 2 with their calibration illuminants.
    """
    for matrix, illuminant in (("0xC621", "0xC65A"), ("0xC622", "0xC65B")):
        tag, lamp = exif.get(f"Image Tag {matrix}"), exif.get(f"Image Tag {illuminant}")
        if tag is None or lamp is None or list(lamp.values) != [_D65] or len(tag.values) != 9:
            continue
        numbers = [float(v) for v in tag.values]
        return _rows([numbers[i : i + 3] for i in (0, 3, 6)])
    return None


def _four(values: Any) -> tuple[float, ...]:
    numbers = [float(v) for v in values][:4]
    return tuple(numbers + numbers[1:2] * (4 - len(numbers)))


def _white_balance(multipliers: Any) -> tuple[float, ...]:
    red, green, blue, second = (float(v) for v in multipliers)
    if green <= 0 or red <= 0 or blue <= 0:
        return (0.0, 0.0, 0.0, 0.0)  # unknown
    return (red / green, 1.0, blue / green, (second or green) / green)


def _camera(exif: dict[str, Any]) -> str:
    make, model = _text(_tag(exif, "Make")) or "", _text(_tag(exif, "Model")) or ""
    if not model:
        return str(exif.get(_RAF_MODEL, ""))
    first_word = make.split(" ")[0].casefold()
    return (
        model
        if first_word and model.casefold().startswith(first_word)
        else f"{make} {model}".strip()
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = " ".join(str(value).replace("\0", " ").split())
    return text or None


def _time(exif: dict[str, Any], timestamp: datetime | None) -> str | None:
    text = _text(_tag(exif, "DateTimeOriginal", "DateTime"))
    if text:
        try:
            moment = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  # camera clock
        except ValueError:
            pass
        else:
            return moment.isoformat()
    if timestamp is not None and timestamp.year > 1970:
        return timestamp.replace(tzinfo=None).isoformat()
    return None
