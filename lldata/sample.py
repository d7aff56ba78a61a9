"""What a method gets: one pair, as linear packed planes or a rendered picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lldata.frame import Frame


@dataclass(frozen=True, eq=False)
class Sample:
    """One pair. Raw methods read `packed`, picture methods `srgb`, clip methods `clip`."""

    pair: str  # SCENE/SHORT
    ratio: float  # exposure ratio long over short, not capped
    frame: Frame | None = None  # the short frame
    packed: NDArray[np.float32] | None = None  # (C, h, w) linear, (DN - black)/(white - black)
    srgb: NDArray[np.float32] | None = None  # (3, H, W) in [0, 1]
    clip: Iterator[NDArray[np.float32]] | None = None
    reference: NDArray[np.float32] | None = None  # (3, H, W); withheld from blind methods
