"""Non-local means of a picture whose noise is known.

Source: Buades, Coll, Morel, A non-local algorithm for image denoising, CVPR 2005; the noise taken
off patch distances as in Buades, Coll, Morel, Non-local means denoising, Image Processing On Line
1, 2011. The computation is scikit-image's, by integral images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means


def denoised(
    planes: NDArray[np.float32],
    sigma: float,
    *,
    strength: float = 0.8,
    patch: int = 5,
    reach: int = 6,
) -> NDArray[np.float32]:
    """Return planes that are averaged over the places with similar patches, all planes at once.

    Parameters
    ----------
    planes : (C, H, W)
    sigma : standard deviation of the noise, in the unit of the planes; 0 changes nothing
    strength : of the filter: its h is this times sigma
    patch : pixels, side of the patches that are compared
    reach : pixels, how far away places are looked for along each axis
    """
    if sigma <= 0 or min(planes.shape[1:]) < 2:  # scikit-image drops an axis of length one
        return planes
    one = len(planes) == 1  # it drops that axis too
    result = denoise_nl_means(
        planes[0] if one else planes.transpose(1, 2, 0), patch, reach, h=strength * sigma,
        sigma=sigma, fast_mode=True, channel_axis=None if one else -1,
    )  # fmt: skip
    planes_first = result[None] if one else result.transpose(2, 0, 1)
    return np.ascontiguousarray(planes_first, dtype=np.float32)
