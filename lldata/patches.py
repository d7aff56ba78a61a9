"""A patch of a clip's frame, and the region around it: what the contextual method looks at.

The released code of the method crops and flips both apart, so that the context does not belong to
the patch; here one call gives both about one point and under one geometry.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata.errors import LowLightError
from lldata.protocol import ClipProtocol, parse
from lldata.reading.clip_files import TRUTH_CLIP
from lldata.sets.clip_audits import region_side
from lldata.store import Store

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]


class Geometry(NamedTuple):
    """One of the eight ways to lay a square: flips first, then rows and columns exchanged."""

    flip_rows: bool = False  # top becomes bottom
    flip_columns: bool = False
    transposed: bool = False

    def __call__(self, picture: Planes) -> Planes:
        """Return the picture (…, H, W) laid so; a copy that owns its memory."""
        rows = slice(None, None, -1 if self.flip_rows else 1)
        columns = slice(None, None, -1 if self.flip_columns else 1)
        laid = picture[..., rows, columns]
        return np.ascontiguousarray(laid.swapaxes(-1, -2) if self.transposed else laid)


AS_IT_IS = Geometry()


def read_patches(
    store: Store,
    scene: str,
    clip: str,
    frame: int,
    y: int,
    x: int,
    *,
    local_px: int = 360,
    region_px: int | None = None,
    out_px: int | None = None,
    geometry: Geometry = AS_IT_IS,
) -> tuple[Planes, Planes]:
    """Read a patch of one frame and the concentric region around it: only the chunks under them.

    Parameters
    ----------
    clip : low or target
    frame : its number, from 0
    y, x : top and left of the patch, px; it may lie outside the frame, as the region may, whose
        top is y - (region_px - local_px) / 2: the frame is mirrored there, edges not repeated
    local_px, region_px : sides of patch and region, px; the region's by default as the dataset's
        protocol says for the scene or the frame size. A reader of many patches asks `region_of`
        once
    out_px : side of what is returned, at most `local_px`, the default; reduced by area
    geometry : how both are laid

    Returns
    -------
    patch and region, both (3, out_px, out_px) float32 in [0, 1].

    Raises
    ------
    LowLightError
        If the protocol names no region for the frame size, the sides have no common centre or
        would be enlarged, or the clip is the hidden truth; `StoreError` if there is no such frame.

    Source: Anantrasirichai and Bull 2021, section 3.1 (patches), 4 (360; 1000, 1500, 2500).
    """
    if clip == TRUTH_CLIP:
        raise LowLightError(
            f"{store.name}/{scene}: {clip}", "patches of the truth are asked for",
            "it is a reference alone, which methods never see", "Read low or target",
        )  # fmt: skip
    if region_px is None:
        region_px = region_of(store, scene, clip)
    side = local_px if out_px is None else out_px
    _check_sides(local_px, region_px, side)
    margin = (region_px - local_px) // 2
    region = _mirrored(store, scene, clip, frame, y - margin, x - margin, region_px)
    inner = slice(margin, margin + local_px)
    return geometry(_reduced(region[inner, inner], side)), geometry(_reduced(region, side))


def region_of(store: Store, scene: str, clip: str = "low") -> int:
    """Return the side of a scene's regions, px, as the dataset's protocol says.

    Raises
    ------
    LowLightError
        If it says nothing of the scene or its frame size.
    """
    size = store.clip_shape(scene, clip)[1:]
    protocol = parse(store.protocol, store.protocol_text)
    side = region_side(protocol, scene, size) if isinstance(protocol, ClipProtocol) else None
    if side is None:
        raise LowLightError(
            f"{store.name}/{scene}: region_px",
            f"the protocol {store.protocol} names none for frames of {size[1]}x{size[0]}",
            "the side of the region around a patch is needed",
            "Give it: --set region=N of lleval train, or region_px in Python",
        )  # fmt: skip
    return side


def _check_sides(local_px: int, region_px: int, out_px: int) -> None:
    sides = f"local_px {local_px}, region_px {region_px}, out_px {out_px}"
    if not 1 <= out_px <= local_px <= region_px:
        raise LowLightError(
            sides, "a patch would be enlarged", "1 <= out_px <= local_px <= region_px",
            "Correct the sides",
        )  # fmt: skip
    if (region_px - local_px) % 2:
        raise LowLightError(
            sides, "one side is odd and the other even", "both need the same centre pixel",
            "Change one by a pixel",
        )  # fmt: skip


def _mirrored(
    store: Store, scene: str, clip: str, frame: int, top: int, left: int, side: int
) -> NDArray[np.uint16]:
    """Return a square of a frame, (side, side, 3), mirrored where it reaches beyond the frame."""
    _, height, width = store.clip_shape(scene, clip)
    rows, columns = _inside(top, side, height), _inside(left, side, width)
    window = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    pixels = store.clip_frame(scene, clip, frame, window)
    if pixels.shape[:2] == (side, side) and rows[0] <= rows[-1] and columns[0] <= columns[-1]:
        return pixels
    mirrored: NDArray[np.uint16] = pixels[np.ix_(rows - rows.min(), columns - columns.min())]
    return mirrored


def _inside(start: int, count: int, size: int) -> NDArray[np.intp]:
    """Return the rows (or columns) of a frame that stand at `count` places from `start`."""
    period = max(1, 2 * (size - 1))
    at = (start + np.arange(count)) % period
    return np.minimum(at, period - at)


def _reduced(square: NDArray[np.uint16], side: int) -> Planes:
    """Return a square (H, H, 3) as planes (3, side, side), every pixel the mean of its area."""
    picture = square.astype(np.float32)
    picture /= np.float32(65535)
    if side == len(picture):
        return picture.transpose(2, 0, 1)
    reduced = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    planes: Planes = np.asarray(reduced, np.float32).transpose(2, 0, 1)
    return planes
