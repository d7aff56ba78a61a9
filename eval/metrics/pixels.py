"""Images as they come to be scored: checked, and brought to 8 bits or to floats in [0, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import Image, Pixels
from lldata.errors import ScoreError

LOWEST, HIGHEST = -1, 2  # of floats on the scale where 1 is white, overshoot included
ROWS = 256  # converted at a time, so that a 12-megapixel float image costs no second copy


def check(image: Image, role: str) -> None:
    """Refuse what cannot be scored.

    uint8 and uint16 span their whole type, floats span [0, 1]. A float that overshoots is
    clipped later; one beyond [-1, 2] is on another scale, which no clipping would mend.

    Raises
    ------
    ScoreError
        If `image` is not (H, W, 3), of another type, holds NaN or infinities, or floats on
        another scale.
    """
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ScoreError(
            role,
            f"the image has shape {image.shape}",
            "images are scored as (height, width, 3) RGB",
            "Convert it to RGB without alpha",
        )
    if image.dtype.kind == "u" and image.dtype.itemsize <= 2:
        return
    check_numbers(image, role, "uint8, uint16 or floats in [0, 1]")
    low, high = float(image.min()), float(image.max())
    if low < LOWEST or high > HIGHEST:
        raise ScoreError(
            role,
            f"its floats reach from {low:.4g} to {high:.4g}",
            "floats are scored on the scale where 1 is white",
            "Divide by the value of white, or pass uint8 or uint16",
        )


def check_numbers(values: Image, role: str, expected: str = "floats") -> None:
    """Refuse values that are no floats, or not finite.

    Raises
    ------
    ScoreError
        If they are others, or hold NaN or infinities.
    """
    if values.dtype.kind != "f":
        raise ScoreError(
            role, f"its values are {values.dtype}", f"{expected} can be scored",
            "Convert it to one of these",
        )  # fmt: skip
    if not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise ScoreError(
            role, "it holds NaN or infinite values", "every value must be finite", "Correct it"
        )


def check_same_size(output: Image, other: Image, role: str) -> None:
    """Refuse two images of different size; nothing is ever resized.

    Raises
    ------
    ScoreError
        If heights or widths differ.
    """
    if output.shape != other.shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (output, other)]
        raise ScoreError(
            "output",
            f"its size is {sizes[0]}",
            f"the {role} is {sizes[1]} and images are never resized",
            "Give two images of the same size",
        )


def prepare(image: Image, pixels: Pixels) -> Image:
    """Return `image` as a metric reads it: uint8, floats clipped to [0, 1], or as it is (raw)."""
    if pixels == "raw":
        return image
    return to_uint8(image) if pixels == "uint8" else to_unit(image)


def to_uint8(image: Image) -> NDArray[np.uint8]:
    """Return the image clipped to [0, 1] and rounded to 8 bits (ties to even)."""
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image, dtype=np.uint8)
    result = np.empty(image.shape, np.uint8)
    for row in range(0, len(image), ROWS):
        part = image[row : row + ROWS]
        if image.dtype.kind == "u":  # 16 bits, in either order of bytes
            result[row : row + ROWS] = (part.astype(np.uint32) + 128) // 257
        else:
            unit = np.clip(part.astype(np.result_type(part, np.float32), copy=False), 0, 1)
            result[row : row + ROWS] = np.rint(unit * 255)
    return result


def to_unit(image: Image) -> NDArray[np.floating]:
    """Return the image as float32 or float64 clipped to [0, 1], unrounded."""
    unit: NDArray[np.floating]
    if image.dtype.kind == "f":
        unit = np.clip(image.astype(np.result_type(image, np.float32), copy=False), 0, 1)
    else:
        unit = np.divide(image, np.iinfo(image.dtype).max, dtype=np.float32)
    return unit
