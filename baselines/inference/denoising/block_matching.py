"""BM3D: similar patches are stacked and filtered together, in a transform of three dimensions.

The computation is that of the package bm3d (extra `bm3d`), which is for non-commercial use only.

Source: Dabov, Foi, Katkovnik, Egiazarian, Image denoising by sparse 3-D transform-domain
collaborative filtering, IEEE TIP 16(8), 2007; colour in the opponent space, with blocks matched in
its first plane, as in Dabov et al., Color image denoising via sparse 3D collaborative filtering
with grouping constraint in luminance-chrominance space, ICIP 2007.
"""

from __future__ import annotations

from typing import Any

import bm3d
import numpy as np
from bm3d import BM3DProfile, BM3DProfileLC
from numpy.typing import NDArray

PROFILES = {"normal": BM3DProfile, "fast": BM3DProfileLC}
_OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 2, 0, -1 / 2], [1 / 4, -1 / 2, 1 / 4]])
_SMALLEST = 16  # pixels a side: the package refuses less than its block of 8
_TILE, _OVERLAP = 504, 72  # pixels, multiples of its steps of 3 and 6; memory is that of a tile
_QUIET = 1e-4  # noise, 1 is full white: nothing to be removed


def denoised_picture(
    picture: NDArray[np.float32], sigma: NDArray[np.float64], profile: str = "normal"
) -> NDArray[np.float32]:
    """Return a colour picture without its noise.

    Parameters
    ----------
    picture : (3, H, W)
    sigma : (3,) standard deviation of the noise of R, G and B, in the unit of the picture
    profile : "normal", or "fast", which looks at fewer blocks
    """
    planes = np.tensordot(_OPPONENT, picture, axes=1)
    clean = denoised(planes, np.sqrt(_OPPONENT**2 @ sigma**2), profile)
    return np.tensordot(np.linalg.inv(_OPPONENT), clean, axes=1).astype(np.float32)


def denoised(
    planes: NDArray[np.floating[Any]], sigma: NDArray[np.float64], profile: str = "normal"
) -> NDArray[np.floating[Any]]:
    """Return planes without their noise.

    Parameters
    ----------
    planes : (C, H, W), about in [0, 1]; blocks are matched in the first one
    sigma : (C,) standard deviation of the noise of each plane; all near 0 changes nothing
    profile : as `denoised_picture` takes it
    """
    if sigma.max() < _QUIET:
        return planes
    settings = PROFILES[profile]()
    settings.num_threads = 1  # the order of its sums, and so the last bits, follow the threads
    height, width = planes.shape[1:]
    result = np.empty_like(planes)
    for top, left in np.ndindex(-(-height // _TILE), -(-width // _TILE)):
        rows, inner_rows = _around(top * _TILE, height)
        columns, inner_columns = _around(left * _TILE, width)
        tile = _enlarged(planes[:, rows, columns]).transpose(1, 2, 0).astype(np.float64)
        clean = bm3d.bm3d(tile, sigma.clip(_QUIET), settings).reshape(tile.shape)
        kept = slice(rows.start + inner_rows.start, rows.start + inner_rows.stop)
        across = slice(columns.start + inner_columns.start, columns.start + inner_columns.stop)
        result[:, kept, across] = clean[inner_rows, inner_columns].transpose(2, 0, 1)
    return result


def _around(start: int, side: int) -> tuple[slice, slice]:
    """Return the pixels a tile is computed from, and which of these are kept."""
    first, last = max(0, start - _OVERLAP), min(side, start + _TILE + _OVERLAP)
    return slice(first, last), slice(start - first, min(start + _TILE, side) - first)


def _enlarged(tile: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    more = [(0, 0), *((0, max(0, _SMALLEST - side)) for side in tile.shape[1:])]
    return np.pad(tile, more, mode="symmetric")
