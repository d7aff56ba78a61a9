"""Develop a mosaic into the 16-bit picture that references are: LibRaw, every argument stated.

A mosaic that lies in a store is wrapped as a DNG in memory and given to the same call as an
original file, so that both go through the same code.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import rawpy
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lldata.cfa import site_values
from lldata.curve import POWER, TOE_SLOPE, encode, linearise
from lldata.dng import dng_bytes
from lldata.errors import FrameError
from lldata.frame import Frame

__all__ = [
    "POSTPROCESS", "amplified", "crop_difference", "develop", "effective_white", "encode",
    "linearise", "measured_matrix", "render", "render_file", "site_black", "wrap_difference",
]  # fmt: skip

ADJUST_MAXIMUM = 0.75  # share of the white level from which the brightest pixel is white instead
_WHITE_16 = 65535
_CROP, _BORDER = 768, 32  # pixels: side of what is compared, and how far its edges reach in
_XTRANS_TILES = 1488  # pixels: LibRaw's tiles of 496 and the period of 6 start together
_SMALLEST, _SMALLEST_XTRANS = 32, 512  # pixels a side; LibRaw 0.22 refuses less
SRGB_TO_XYZ = np.array(  # linear sRGB to XYZ, D65: IEC 61966-2-1 by its primaries, as LibRaw
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)

# LibRaw's defaults but for the first five, which are the convention of the field: Chen et al.
# 2018, train_Sony.py, with user_flip=0 so that no picture is turned against its mosaic.
POSTPROCESS: dict[str, Any] = {
    "use_camera_wb": True,
    "half_size": False,
    "no_auto_bright": True,
    "output_bps": 16,
    "user_flip": 0,
    "demosaic_algorithm": rawpy.DemosaicAlgorithm.AHD,
    "four_color_rgb": False,
    "dcb_iterations": 0,
    "dcb_enhance": False,
    "fbdd_noise_reduction": rawpy.FBDDNoiseReductionMode.Off,
    "noise_thr": None,
    "median_filter_passes": 0,
    "use_auto_wb": False,
    "user_wb": None,
    "output_color": rawpy.ColorSpace.sRGB,
    "user_black": None,
    "user_cblack": None,
    "user_sat": None,
    "auto_bright_thr": None,
    "adjust_maximum_thr": ADJUST_MAXIMUM,
    "bright": 1.0,
    "highlight_mode": rawpy.HighlightMode.Clip,
    "exp_shift": None,
    "exp_preserve_highlights": 0.0,
    "no_auto_scale": False,
    "gamma": (1 / POWER, TOE_SLOPE),
    "chromatic_aberration": None,
    "bad_pixels_path": None,
}


def render(frame: Frame, gain: float = 1.0) -> NDArray[np.uint16]:
    """Develop a frame, if asked amplified as a longer exposure would have been.

    Parameters
    ----------
    frame : any frame
    gain : factor on the light; what it lifts over the white level saturates

    Returns
    -------
    (H, W, 3) uint16, sRGB primaries, BT.709 curve.

    Raises
    ------
    FrameError
        If the gain is not a positive number, or the frame cannot be written as a DNG.
    """
    height, width = frame.mosaic.shape
    lit = _at_least(amplified(frame, gain), _SMALLEST_XTRANS if len(frame.cfa) == 36 else _SMALLEST)
    # Without the camera's name, or LibRaw puts its own matrix where the frame says unknown.
    wrapped = dng_bytes(replace(lit, camera="lldata mosaic"))
    return _develop(io.BytesIO(wrapped), POSTPROCESS)[:height, :width]


def render_file(path: Path) -> NDArray[np.uint16]:
    """Develop an original RAW file by the same call; same output as `render`.

    Raises
    ------
    FrameError
        If LibRaw cannot read the file.
    """
    return _develop_file(path, POSTPROCESS)


def wrap_difference(
    path: Path, frame: Frame, *, original: NDArray[np.uint16] | None = None
) -> float:
    """Return how far developing the wrapped frame is from developing its original file.

    Parameters
    ----------
    path : the original
    frame : what was read from it
    original : `render_file(path)`, where it is at hand

    Returns
    -------
    Mean absolute difference of both pictures, 1 is full white; inf if their sizes differ.

    Raises
    ------
    FrameError
        As `render` and `render_file`.
    """
    original = render_file(path) if original is None else original
    wrapped = render(frame)
    if original.shape != wrapped.shape:
        return math.inf
    return float(np.abs(original.astype(np.int32) - wrapped).mean() / _WHITE_16)


def crop_difference(frame: Frame, picture: NDArray[np.uint16]) -> float:
    """Return `wrap_difference` in the middle of a frame, which takes a tenth of a second.

    Parameters
    ----------
    frame : a whole frame
    picture : its original developed, `render_file`

    Returns
    -------
    Mean absolute difference, 1 is full white; inf if their sizes differ.
    """
    if picture.shape[:2] != frame.mosaic.shape:
        return math.inf
    period = math.isqrt(len(frame.cfa))
    step = period if period == 2 else _XTRANS_TILES
    sides = [min(_CROP, side) // period * period for side in frame.mosaic.shape]
    middle, inside = [], []
    for whole, side in zip(frame.mosaic.shape, sides, strict=True):
        start, border = (whole - side) // 2 // step * step, min(_BORDER, side // 4)
        middle.append(slice(start, start + side))
        inside.append(slice(border, side - border))
    crop = frame.mosaic[*middle].copy()
    # the brightest site of the whole frame in the corner: LibRaw then takes the same white
    brightest, row, column = _brightest(frame)
    crop[sides[0] - period + row % period, sides[1] - period + column % period] = brightest
    wrapped = render(replace(frame, mosaic=crop))[*inside]
    return float(np.abs(picture[*middle][*inside].astype(np.int32) - wrapped).mean() / _WHITE_16)


def measured_matrix(path: Path) -> tuple[tuple[float, float, float], ...]:
    """Return the XYZ to camera matrix that LibRaw develops this file by, found by developing it.

    For cameras whose `rgb_xyz_matrix` is all zeros although LibRaw converts their colours, by a
    matrix that it does not show (Kodak DC50) or that the file holds (Blackmagic): the picture is
    developed linearly in camera colours and in sRGB, and the matrix between both is solved for.

    Returns
    -------
    3x3; zeros if fewer than 1000 pixels are within the range of both pictures.

    Raises
    ------
    FrameError
        If LibRaw cannot read the file.
    """
    linear = POSTPROCESS | {"gamma": (1, 1), "half_size": True}
    camera, srgb = (
        _develop_file(path, linear | {"output_color": space}).reshape(-1, 3).astype(np.float64)
        for space in (rawpy.ColorSpace.raw, rawpy.ColorSpace.sRGB)
    )
    inside = ((srgb > 0) & (srgb < _WHITE_16)).all(axis=1)
    if np.count_nonzero(inside) < 1000:
        return ((0.0, 0.0, 0.0),) * 3
    # LibRaw cuts fractions off: half a step is missing on average.
    to_srgb = np.linalg.lstsq(camera[inside], srgb[inside] + 0.5, rcond=None)[0].T
    to_srgb /= to_srgb.sum(axis=1, keepdims=True)
    matrix = np.linalg.inv(SRGB_TO_XYZ @ to_srgb)
    # rounded so that the same file gives the same matrix on every processor
    return tuple((float(x), float(y), float(z)) for x, y, z in matrix.round(6))


def amplified(frame: Frame, gain: float) -> Frame:
    """Return the frame with the light of every pixel multiplied, clipped at the white level.

    The result counts from black 0 to white 65535, so that a gain of 1.3 keeps fractions of a
    DN; gain 1 returns the frame itself.

    Raises
    ------
    FrameError
        If the gain is not a positive number.
    """
    if not (gain > 0 and math.isfinite(gain)):
        raise FrameError("gain", f"{gain}", "it is a positive number", "Give the exposure ratio")
    if gain == 1:
        return frame
    black = site_black(frame)
    light = (frame.mosaic - black) * np.float32(gain / (frame.white_level - float(black.min())))
    ceiling = (frame.white_level - black) / (frame.white_level - black.min())
    mosaic = np.rint(np.clip(light, 0, ceiling) * _WHITE_16).astype(np.uint16)
    return replace(frame, mosaic=mosaic, black_level=(0.0,) * 4, white_level=_WHITE_16)


def effective_white(frame: Frame, gain: float = 1.0) -> float:
    """Return the level that LibRaw develops to white, DN above black of the (amplified) frame.

    Where the brightest pixel lies between 75 % and 100 % of the white level, LibRaw takes that
    pixel for white (adjust_maximum_thr), so equal light can come out brighter in one frame than
    in another.
    """
    frame = amplified(frame, gain)
    tile = site_values(frame.black_level, frame.cfa)
    level, row, column = _brightest(frame)
    brightest = float(level - tile[row % len(tile), column % len(tile)])
    white = frame.white_level - float(tile.min())
    return brightest if ADJUST_MAXIMUM * white < brightest < white else white


def _brightest(frame: Frame) -> tuple[np.uint16, int, int]:
    """Return the level, DN, row and column of a photosite that is furthest above black."""
    one_level = len(set(frame.black_level)) == 1
    above = frame.mosaic if one_level else frame.mosaic - site_black(frame)
    row, column = (int(at) for at in np.unravel_index(above.argmax(), above.shape))
    return frame.mosaic[row, column], row, column


def site_black(frame: Frame) -> NDArray[np.float32]:
    """Return the black level of every pixel, (H, W) float32, DN."""
    tile = site_values(frame.black_level, frame.cfa)
    side = len(tile)
    height, width = frame.mosaic.shape
    return np.tile(tile, (-(-height // side), -(-width // side)))[:height, :width]


def _at_least(frame: Frame, smallest: int) -> Frame:
    """Continue a mosaic smaller than LibRaw takes by repeating its last CFA period."""
    height, width = frame.mosaic.shape
    if min(height, width) >= smallest:
        return frame
    side = math.isqrt(len(frame.cfa))
    rows, columns = (
        np.where(at < size, at, (at - size) % side + size - side)
        for size in (height, width)
        for at in (np.arange(max(size, smallest)),)
    )
    return replace(frame, mosaic=frame.mosaic[np.ix_(rows, columns)])


def _develop_file(path: Path, arguments: dict[str, Any]) -> NDArray[np.uint16]:
    try:
        with path.open("rb") as file:
            return _develop(file, arguments)
    except (rawpy.LibRawError, OSError) as error:
        raise FrameError(
            path,
            f"cannot be developed ({error})",
            "a RAW file that LibRaw reads is needed",
            "Copy the file from the camera again",
        ) from error


def _develop(file: BinaryIO, arguments: Mapping[str, Any]) -> NDArray[np.uint16]:
    with rawpy.imread(file) as raw:
        return develop(raw, arguments)


def develop(
    raw: rawpy.RawPy, arguments: Mapping[str, Any] = MappingProxyType(POSTPROCESS)
) -> NDArray[np.uint16]:
    """Develop a file that is open already; same output as `render`, (H, W, 3) uint16."""
    # More threads only compete with the other workers, and some decoders are not reproducible.
    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(raw.postprocess(**arguments), dtype=np.uint16)
