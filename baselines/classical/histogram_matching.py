"""Give the picture the histogram of another: of its own reference (oracle), or of a target.

Source: Gonzalez & Woods, Digital Image Processing, histogram specification, per channel
(scikit-image's `match_histograms`).
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.exposure import match_histograms

from baselines.inputs import picture_of, reference_of
from baselines.method import MethodInfo
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="histogram_matching",
    title="Histogram matching",
    domain="srgb",
    source="Gonzalez & Woods, Digital Image Processing, histogram specification",
    licence="MIT",
    reference_use="histogram",
)


@dataclass(frozen=True, eq=False)
class HistogramMatching:
    """Each channel takes the distribution of the target's, or of the reference's without one."""

    target: NDArray[np.float32] | None  # (3, H, W), any size
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the matched picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name)
        target = self.target
        if target is None:
            target = reference_of(sample, self.info.name)
        matched: NDArray[np.float32] = match_histograms(picture, target, channel_axis=0)
        return matched.astype(np.float32, copy=False).clip(0, 1)


def build(target: str | Path | None = None) -> HistogramMatching:
    """Make the method.

    Parameters
    ----------
    target : an image whose histogram is given to every picture; without one the reference's is,
        and the method is an oracle

    Raises
    ------
    MethodError
        If the target is no image.
    """
    if target is None:
        return HistogramMatching(None)
    if not isinstance(target, str | Path):
        raise MethodError(
            "--set target", f"it is {target!r}", "it is the path of an image", "Correct the path"
        )
    return HistogramMatching(_read(Path(target)), replace(INFO, reference_use="none"))


def _read(path: Path) -> NDArray[np.float32]:
    """Return an 8- or 16-bit image as (3, H, W) float32 in [0, 1]."""
    image: NDArray[Any] | None = None
    if path.is_file() and path.stat().st_size:
        buffer = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise MethodError(
            path,
            "this is no image that can be read",
            "--set target names an 8- or 16-bit PNG, TIFF or JPEG",
            "Correct the path",
        )
    white = np.float32(np.iinfo(image.dtype).max)
    planes: NDArray[np.float32] = image[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
    return planes / white
