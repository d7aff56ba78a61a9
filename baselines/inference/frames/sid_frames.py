"""The U-Net of SID on whole frames: RAW frames, pictures or clips, whatever its weights read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.inference.clips.frame_by_frame import clip_of
from baselines.inference.device import autocast
from baselines.inference.frames import tensorflow_arrays
from baselines.inference.frames.trained import Trained
from baselines.inference.tiles.tiling import tiled
from baselines.inputs import picture_of, planes_of
from baselines.method import Domain
from lldata.cfa import crop
from lldata.errors import MethodError
from lldata.sample import Sample

Picture = NDArray[np.float32]  # (3, H, W)
RATIO_CAP = 300.0  # larger exposure ratios are amplified by this
_AT_ONCE = 1 << 22  # input pixels of a frame that is computed in one piece
_TILE = 1024  # input pixels on a side of the tiles of larger ones


def prepare(packed_BCHW: Tensor, ratio_B: Tensor) -> Tensor:
    """Amplify packed planes by the ratio (at most 300) and clip them to [0, 1]."""
    return (packed_BCHW * ratio_B.clamp(max=RATIO_CAP).view(-1, 1, 1, 1)).clamp_(0, 1)


def pictured(
    network: Callable[[Tensor], Picture], planes_CHW: NDArray[np.float32], sample: Sample
) -> Picture:
    """Return the picture of a RAW frame, (3, H, W), cut to it.

    Parameters
    ----------
    network : prepared planes (C, h, w) -> picture (3, scale * h, scale * w)
    planes_CHW : the packed planes of the sample
    """
    ratio_B = torch.tensor([sample.ratio], dtype=torch.float32)
    image = network(prepare(torch.from_numpy(planes_CHW)[None], ratio_B)[0])
    if sample.frame is not None:
        image = crop(image, sample.frame.cfa, sample.frame.mosaic.shape)
    return np.ascontiguousarray(image)


class SidFrames(Trained):
    """The network as a method: whole frames of any size.

    Parameters
    ----------
    reads : raw, srgb or clip; None where the weights decide
    trained_on : what imported weights were trained on, where known
    others : as `Trained`
    """

    frames_around = 0  # of a clip, each frame stands for itself

    def __init__(
        self, *others: Any, reads: Domain | None = None, trained_on: str | None = None
    ) -> None:
        super().__init__(*others)
        self._reads = reads
        self._trained_on = trained_on
        self._settle(reads)

    def load(self, path: str | Path) -> dict[str, Any]:
        """Take the weights of a training folder, a .safetensors, or an .npz of TensorFlow arrays.

        Returns
        -------
        what their config says

        Raises
        ------
        MethodError
            If there are none, they are damaged, they are another network's, or they read
            something else than was asked for.
        """
        imported = Path(path).suffix == ".npz"
        config = self._imported(Path(path)) if imported else super().load(path)
        trained: Domain = config.get("recipe", {}).get("input", "srgb")
        pictures = self.network.planes == 3
        if self._reads is not None and pictures == (self._reads == "raw"):
            raise MethodError(
                "--set input", f"it is {self._reads}",
                f"these weights read {trained if pictures else 'raw'}",
                "Leave it out: the weights decide",
            )  # fmt: skip
        self._settle(self._reads or trained)
        return config

    def _settle(self, reads: Domain | None) -> None:
        """Become a method of what the network reads."""
        domain: Domain = "raw" if self.network.planes != 3 else reads or "srgb"
        self.info = replace(self.info, domain=domain, needs_ratio=domain == "raw")

    def _imported(self, path: Path) -> dict[str, Any]:
        tensors, config = tensorflow_arrays.read(path)
        try:
            self._refuse_another(self._size_of(tensors))
            self.take(tensors)
        except (KeyError, ValueError, RuntimeError) as error:
            raise MethodError(
                path, f"its arrays are not those of {self.info.title}",
                "weights fit the network they were trained in",
                "Export the checkpoint of this very network",
            ) from error  # fmt: skip
        return config | ({"trained_on": self._trained_on} if self._trained_on else {})

    def __call__(self, sample: Sample) -> Picture | Iterator[Picture]:
        """Return the picture of a sample, (3, H, W) in [0, 1], cut to its frame.

        Of a clip, an iterator over the pictures of its frames.

        Raises
        ------
        MethodError
            If the sample does not hold what the weights read, or its CFA is another one.
        """
        if self.info.domain == "raw":
            return self._of_frame(sample)
        if self.info.domain == "srgb":
            return self._run(torch.from_numpy(picture_of(sample, self.info.name)))
        return (self._run(torch.from_numpy(f)) for f in clip_of(sample, self.info.name))

    def _of_frame(self, sample: Sample) -> Picture:
        planes = planes_of(sample, self.info.name)
        if len(planes) != self.network.planes:
            raise MethodError(
                f"{self.info.name} on {sample.pair}",
                f"the frame packs into {len(planes)} planes",
                f"these weights are for {self.network.planes} (4: Bayer, 9: X-Trans)",
                "Use weights that were trained on frames of this CFA",
            )
        return pictured(self._run, planes, sample)

    def _run(self, planes_CHW: Tensor) -> Picture:
        """Apply the network to one frame, (C, H, W), at once or in tiles of the same result."""
        net = self.network
        height, width = planes_CHW.shape[-2:]
        with torch.inference_mode(), autocast(self.device, self.precision):
            picture = tiled(
                lambda x: net(x.contiguous(memory_format=torch.channels_last)),
                planes_CHW.to(self.device),
                tile=None if height * width <= _AT_ONCE else _TILE,
                overlap=net.reach, scale=net.scale, stride=net.stride,
            ).clamp_(0, 1)  # fmt: skip
        image: Picture = picture.cpu().numpy()
        return image
