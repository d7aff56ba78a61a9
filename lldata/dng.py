"""Write a frame as a DNG that LibRaw and EXIF readers give back value for value.

One uncompressed strip of uint16; pixels and levels in IFD0, exposure and lens in a true Exif
IFD, where LibRaw looks for the ISO.

Source: Adobe, Digital Negative Specification 1.4; TIFF 6.0, section 2; Exif 2.32 (CIPA DC-008).
"""

from __future__ import annotations

import struct
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lldata import publish
from lldata.errors import FrameError
from lldata.frame import Frame
from lldata.reading.tiff_fields import (
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    Field,
    directory,
    directory_size,
    integers,
    rationals,
    text,
)

_CFA_COLOURS = {"R": 0, "G": 1, "B": 2}
_D65 = 21  # Exif LightSource
_EXIF_IFD, _STRIP_OFFSETS = 34665, 273
_ALIGNMENT = 16  # bytes; the strip starts on a multiple of it


def dng_bytes(
    frame: Frame, *, description: str | None = None, private: bytes | None = None
) -> bytes:
    """Return the frame as a complete DNG file.

    Parameters
    ----------
    frame : any Bayer phase or X-Trans, any height and width
    description : text of ImageDescription
    private : DNGPrivateData

    Raises
    ------
    FrameError
        If a field cannot be written: an unknown CFA, X-Trans with unequal black levels, an
        exposure or ISO that is not positive.
    """
    _check(frame)
    strip = np.ascontiguousarray(frame.mosaic, dtype="<u2").tobytes()
    exif_offset = 8 + directory_size(
        (image := _image_fields(frame, len(strip), description, private)).values()
    )
    end = exif_offset + directory_size((exif := _exif_fields(frame)).values())
    strip_offset = -(-end // _ALIGNMENT) * _ALIGNMENT
    image[_STRIP_OFFSETS] = integers(_STRIP_OFFSETS, LONG, [strip_offset])
    image[_EXIF_IFD] = integers(_EXIF_IFD, LONG, [exif_offset])
    head = b"II*\0" + struct.pack("<I", 8) + directory(image.values(), 8)
    head += directory(exif.values(), exif_offset)
    return head.ljust(strip_offset, b"\0") + strip


def write_dng(target: Path | BinaryIO, frame: Frame, *, description: str | None = None) -> None:
    """Write the frame as a DNG; a file appears whole, under its name, or not at all.

    Parameters
    ----------
    target : a path, replaced if it exists, or an open binary file
    frame, description : as in `dng_bytes`

    Raises
    ------
    FrameError
        As `dng_bytes`.
    """
    content = dng_bytes(frame, description=description)
    if isinstance(target, Path):
        publish.write_replacing(target, content)
    else:
        target.write(content)


def _check(frame: Frame) -> None:
    if len(frame.cfa) not in (4, 36) or set(frame.cfa) != set("RGB"):
        raise FrameError(
            "cfa",
            f"'{frame.cfa}'",
            "a DNG takes 4 or 36 of the letters R, G and B",
            "Name the colours from the top-left, row by row",
        )
    if len(frame.cfa) == 36 and len(set(frame.black_level)) > 1:
        raise FrameError(
            "black_level",
            f"{frame.black_level} DN",
            "X-Trans has one black level for all sites",
            "Subtract the difference first, or give one value",
        )
    positive = {"exposure_s": frame.exposure_s, "iso": frame.iso}
    for name, value in positive.items():
        if not 1e-9 < value < 1e9:
            raise FrameError(
                name, f"{value}", "a DNG takes a positive number", f"Give the frame its {name}"
            )


def _image_fields(
    frame: Frame, strip_bytes: int, description: str | None, private: bytes | None
) -> dict[int, Field]:
    height, width = frame.mosaic.shape
    make, _, model = frame.camera.partition(" ")
    side = 2 if len(frame.cfa) == 4 else 6
    fields = [
        integers(254, LONG, [0]),  # NewSubfileType: the full-resolution picture
        integers(256, LONG, [width]),
        integers(257, LONG, [height]),
        integers(258, SHORT, [16]),
        integers(259, SHORT, [1]),  # Compression: none
        integers(262, SHORT, [32803]),  # PhotometricInterpretation: CFA
        text(270, description),
        text(271, make),
        text(272, model or make),
        integers(_STRIP_OFFSETS, LONG, [0]),
        integers(274, SHORT, [1]),  # Orientation: as stored
        integers(277, SHORT, [1]),  # SamplesPerPixel
        integers(278, LONG, [height]),  # RowsPerStrip
        integers(279, LONG, [strip_bytes]),
        integers(284, SHORT, [1]),  # PlanarConfiguration
        text(305, frame.software),
        text(306, _exif_time(frame.time)),
        integers(33421, SHORT, [side, side]),
        integers(33422, BYTE, [_CFA_COLOURS[letter] for letter in frame.cfa]),
        integers(_EXIF_IFD, LONG, [0]),
        integers(50706, BYTE, [1, 4, 0, 0]),  # DNGVersion
        integers(50707, BYTE, [1, 1, 0, 0]),  # DNGBackwardVersion
        text(50708, frame.camera),  # UniqueCameraModel
        integers(50710, BYTE, [0, 1, 2]),  # CFAPlaneColor: R, G, B
        integers(50711, SHORT, [1]),  # CFALayout: rectangular
        integers(50740, BYTE, list(private or b"")),  # DNGPrivateData
        *_level_fields(frame),
        *_colour_fields(frame),
    ]
    return {field.tag: field for field in fields if field.length}


def _level_fields(frame: Frame) -> list[Field]:
    """Return the black level of each CFA site and the white level."""
    if len(frame.cfa) == 36:
        side, levels = 1, [frame.black_level[0]]
    else:
        row_of_red = frame.cfa.index("R") // 2
        planes = {"R": (0, 0), "G": (1, 3), "B": (2, 2)}
        side = 2
        levels = [
            frame.black_level[planes[letter][site // 2 != row_of_red]]
            for site, letter in enumerate(frame.cfa)
        ]
    return [
        integers(50713, SHORT, [side, side]),
        rationals(50714, RATIONAL, levels),
        integers(50717, LONG, [frame.white_level]),
    ]


def _colour_fields(frame: Frame) -> list[Field]:
    """Return AsShotNeutral and the matrix of the camera, each where it is known."""
    red, green, blue = frame.white_balance[:3]
    fields = []
    if min(red, green, blue) > 0:
        fields.append(rationals(50728, RATIONAL, [green / red, 1.0, green / blue]))
    matrix = np.asarray(frame.colour_matrix, dtype=np.float64)
    if matrix.any():
        fields.append(rationals(50721, SRATIONAL, matrix.ravel().tolist()))
        fields.append(integers(50778, SHORT, [_D65]))
    return fields


def _exif_fields(frame: Frame) -> dict[int, Field]:
    iso = round(frame.iso)  # the tag holds whole numbers
    fields = [
        rationals(33434, RATIONAL, [frame.exposure_s]),
        rationals(33437, RATIONAL, _optional(frame.f_number)),
        integers(34855, SHORT, [min(iso, 65535)]),
        *(_high_iso_fields(iso) if iso > 65535 else []),
        Field(36864, UNDEFINED, 4, b"0232"),  # ExifVersion
        text(36867, _exif_time(frame.time)),
        rationals(37386, RATIONAL, _optional(frame.focal_length_mm)),
        text(42036, frame.lens),
    ]
    return {field.tag: field for field in fields if field.length}


def _high_iso_fields(iso: int) -> list[Field]:
    """Return where Exif 2.32 keeps an ISO that ISOSpeedRatings, a SHORT, cannot hold."""
    return [
        integers(34864, SHORT, [4]),  # SensitivityType: the next two
        integers(34865, LONG, [iso]),  # StandardOutputSensitivity
        integers(34866, LONG, [iso]),  # RecommendedExposureIndex
    ]


def _optional(value: float | None) -> list[float]:
    return [] if value is None else [value]


def _exif_time(time: str | None) -> str | None:
    return datetime.fromisoformat(time).strftime("%Y:%m:%d %H:%M:%S") if time else None
