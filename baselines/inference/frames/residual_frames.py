"""The residual networks on whole RAW frames."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.inference.device import autocast
from baselines.inference.frames.sid_frames import pictured
from baselines.inference.frames.trained import Trained
from baselines.inference.tiles.strips import by_strips
from baselines.inputs import planes_of
from lldata.errors import MethodError
from lldata.sample import Sample

Picture = NDArray[np.float32]  # (3, H, W)
_AT_ONCE = 1 << 17  # packed pixels of a frame that is computed in one piece
_STRIP = 400_000  # pixels of the picture in a strip of larger ones
_CFA = {4: "Bayer", 9: "X-Trans"}
_FITTING = {
    4: "residual16, residual32 and residual32_nose read Bayer frames",
    9: "residual32_xtrans_transposed and residual32_xtrans_nearest read X-Trans frames",
}


def check_planes(where: str, name: str, found: int, read: int) -> None:
    """Refuse frames of another CFA than a network reads.

    Parameters
    ----------
    where : what holds the frames
    name : of the network's method
    found, read : packed planes of the frames, and of the network's input

    Raises
    ------
    MethodError
        If they differ.
    """
    if found != read:
        raise MethodError(
            where,
            f"its frames pack into {found} planes ({_CFA[found]})",
            f"{name} reads {read} ({_CFA[read]})",
            f"Choose another model: {_FITTING[found]}",
        )


class ResidualFrames(Trained):
    """A residual network as a method: whole RAW frames of any size, of the CFA it reads."""

    def __call__(self, sample: Sample) -> Picture:
        """Return the picture of a sample, (3, H, W) in [0, 1], cut to its frame.

        Raises
        ------
        MethodError
            If the sample holds no RAW frame, or one of another CFA.
        """
        planes = planes_of(sample, self.info.name)
        where = f"{self.info.name} on {sample.pair}"
        check_planes(where, self.info.name, len(planes), self.network.planes)
        return pictured(self._run, planes, sample)

    def _run(self, planes_CHW: Tensor) -> Picture:
        """Apply the network to one frame, at once or in strips of the same result."""
        height, width = planes_CHW.shape[-2:]
        planes_CHW = planes_CHW.to(self.device)
        with torch.inference_mode(), autocast(self.device, self.precision):
            if height * width <= _AT_ONCE:
                whole_BCHW = planes_CHW[None].contiguous(memory_format=torch.channels_last)
                picture = self.network(whole_BCHW)[0]
            else:
                rows = max(1, _STRIP // (width * self.network.scale**2))
                picture = by_strips(self.network.pieces(), planes_CHW, rows=rows)
            image: Picture = picture.clamp_(0, 1).cpu().numpy()
        return image
