"""A sample of random light that a method can read, for what does not depend on values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.method import Method, MethodInfo
from lldata import cfa
from lldata.frame import Frame
from lldata.sample import Sample, sample_of_frame
from lldata.synthesis.retinex import Drawn

Size = tuple[int, int]  # height, width, px
_BLACK, _WHITE = 512.0, 16383  # DN


def sample_for(method: Method, size: Size) -> Sample:
    """Return a sample of random light that a method can read.

    Parameters
    ----------
    size : of its picture, px
    """
    random = np.random.default_rng(0)
    info = method.info
    picture = random.random((3, *size), np.float32)
    told: dict[str, Any] = {}
    if info.reference_use in ("mean", "histogram"):
        told["reference"] = picture
    if info.reference_use == "degradation":
        told["drawn"] = Drawn("retinex", 0.9, 1.5, 0.01)
    if info.domain == "raw":
        return sample_of_frame(_frame(method, size, random), "profile", 100.0)
    if info.domain == "clip":
        return Sample("profile", np.nan, clip=iter([picture]))
    return Sample(
        "profile", 100.0 if info.needs_ratio else np.nan, srgb=_lit(info, picture), **told
    )


def _lit(info: MethodInfo, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return picture if info.input == "amplified" else picture * np.float32(0.05)


def _frame(method: Method, size: Size, random: np.random.Generator) -> Frame:
    planes = getattr(getattr(method, "network", None), "planes", 4)
    mosaic = random.integers(int(_BLACK), int(_BLACK) + 200, size, dtype=np.uint16)
    return Frame(
        mosaic=mosaic, cfa=cfa.XTRANS if planes == 9 else cfa.BAYER,
        black_level=(_BLACK,) * 4, white_level=_WHITE, white_balance=(2.0, 1.0, 1.5, 1.0),
        colour_matrix=((0.0,) * 3,) * 3, exposure_s=0.1, iso=100.0, camera="", sha256="",
    )  # fmt: skip
