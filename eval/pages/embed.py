"""Pictures of a run folder, scaled down and written into a page as data URIs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from lldata.errors import ScoreError

JPEG = b"\xff\xd8\xff"  # how such a file begins
LONGEST_PX = 960
QUALITY = 88  # JPEG; at the scale of the page no artefact shows, and ten pairs stay below 10 MB


class Embedded(NamedTuple):
    """A JPEG as a data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


def embed(path: Path, longest_px: int = LONGEST_PX) -> Embedded:
    """Return the picture at `path` as a JPEG, its longer side `longest_px` or less.

    Raises
    ------
    ScoreError
        If the file is missing or no picture.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise _unreadable(path, error.strerror or "cannot be read") from error
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise _unreadable(path, "is no picture that can be decoded")
    height, width = picture.shape[:2]
    scale = longest_px / max(height, width)
    if scale < 1:
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    jpeg = data  # a small JPEG goes in as it is: encoding it again would only lose
    if scale < 1 or not data.tobytes().startswith(JPEG):
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    text = base64.b64encode(jpeg.tobytes()).decode()
    return Embedded(f"data:image/jpeg;base64,{text}", picture.shape[1], picture.shape[0])


def _unreadable(path: Path, found: str) -> ScoreError:
    return ScoreError(
        path, found, "a run folder keeps JPEG and PNG pictures", "Run the method again"
    )
