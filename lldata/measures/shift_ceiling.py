"""What a shift costs: the PSNR of a perfect picture against a reference that lies beside it."""

from __future__ import annotations

import numpy as np

from lldata.curve import encode
from lldata.measures.resample import Pose, moved
from lldata.measures.whitening import Planes

_MOST = 2**19  # pixels; of a larger picture, bands spread over all of it are compared
_BAND = 64  # rows


def ceiling_db(linear: Planes, y_px: float, x_px: float) -> float | None:
    """Return the PSNR between a picture and itself shifted; None where they do not differ.

    Parameters
    ----------
    linear : (h, w), the reference's green on the packed grid, linear, 1 is white
    y_px, x_px : the shift, packed pixels

    Source: 10 log10(1 / MSE) of the values on the reference's own curve.
    """
    height, width = linear.shape
    every = max(1, round(height * width / _MOST))
    rows, columns = (int(np.ceil(abs(shift))) + 1 for shift in (y_px, x_px))
    errors, count = 0.0, 0
    for top in range(0, height, _BAND * every):
        start = max(0, min(top, height - _BAND))
        band = encode(np.clip(linear[start : start + _BAND], 0, 1))
        if band.shape[0] <= 2 * rows or width <= 2 * columns:
            continue
        inside = slice(rows, -rows), slice(columns, -columns)
        change = (band - moved(band, Pose(y_px, x_px)))[inside]
        errors += float((change.astype(np.float64) ** 2).sum())
        count += change.size
    return 10 * float(np.log10(count / errors)) if errors > 0 else None
