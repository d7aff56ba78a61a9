"""SID: a U-Net from the packed, amplified mosaic straight to the rendered picture.

Source: Chen, Chen, Xu, Koltun, Learning to See in the Dark, CVPR 2018; the details that the
paper leaves out follow its released code: transposed convolutions without bias or activation,
SAME padding (odd sizes round up and are cropped back), upsampled planes before the skip.
Trained on: what `lleval train` is given.
"""

# Shape suffixes: B batch · C planes (4 Bayer, 9 X-Trans) · H, W packed rows and columns

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from baselines.inference.device import autocast, full_precision
from baselines.inference.trained import Trained
from baselines.inputs import planes_of
from baselines.method import MethodInfo
from baselines.options import choose, whole
from baselines.training.learner import Data, Learner, drawn, supervised
from baselines.training.recipe import Recipe
from lldata.cfa import crop
from lldata.dataset import Crop
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="sid",
    title="SID U-Net",
    domain="raw",
    source="Chen et al., Learning to See in the Dark, CVPR 2018",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=7_760_268,
)
RATIO_CAP = 300.0  # larger exposure ratios are amplified by this


@dataclass(frozen=True)
class SidRecipe(Recipe):
    """A recipe and the size of its network."""

    width: int = 32  # planes of the finest level
    levels: int = 5  # resolutions, the finest included

    def __post_init__(self) -> None:
        """Check the size of the network as well."""
        super().__post_init__()
        whole("width", self.width, 1, 512)
        whole("levels", self.levels, 1, 8)


PRESETS = {
    # Chen et al. 2018 and their released script: batch 1, 4001 epochs, 1e-5 after epoch 2000
    "paper": SidRecipe(
        epochs=4001, batch=1, crop=512, first_take_only=True, scene_epochs=True,
        learning_rate=1e-4, final_learning_rate=1e-5, schedule="step", decay_epoch=2000,
        checkpoint_every=1000, validate_every=10_000, log_every=100,
    ),
    "quick": SidRecipe(
        steps=2000, batch=2, crop=128, learning_rate=3e-4, final_learning_rate=0.0,
        schedule="cosine",
    ),
}  # fmt: skip


class UNet(nn.Module):
    """The U-Net of SID for any packed size; output at the full resolution of the mosaic."""

    def __init__(self, planes: int = 4, width: int = 32, levels: int = 5) -> None:
        super().__init__()
        self.planes = planes
        self.scale = 3 if planes == 9 else 2  # mosaic pixels per packed pixel
        widths = [width << level for level in range(levels)]
        self.encoder = nn.ModuleList(
            _Block(before, after)
            for before, after in zip([planes, *widths[:-1]], widths, strict=True)
        )
        self.upsample = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, 2, stride=2, bias=False) for w in widths[-2::-1]
        )
        self.decoder = nn.ModuleList(_Block(2 * w, w) for w in widths[-2::-1])
        self.head = nn.Conv2d(width, 3 * self.scale**2, 1)
        self.reset()

    def reset(self) -> None:
        """Draw the weights as the released code does: Glorot uniform; N(0, 0.02) truncated."""
        for part in self.modules():
            if isinstance(part, nn.ConvTranspose2d):
                nn.init.trunc_normal_(part.weight, std=0.02, a=-0.04, b=0.04)
            elif isinstance(part, nn.Conv2d) and part.bias is not None:
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, packed_BCHW: Tensor) -> Tensor:
        """Return the picture, (B, 3, scale * H, scale * W), not clipped."""
        skips = []
        x = packed_BCHW
        for level, block in enumerate(self.encoder):
            if level:
                skips.append(x)
                x = functional.max_pool2d(x, 2, ceil_mode=True)
            x = block(x)
        for upsample, block in zip(self.upsample, self.decoder, strict=True):
            skip = skips.pop()
            up = upsample(x)[..., : skip.shape[-2], : skip.shape[-1]]
            x = block(torch.cat((up, skip), dim=1))
            del up, skip  # the two largest tensors of a frame
        with full_precision(x.device):  # bf16 keeps but 8 bits of the picture
            return functional.pixel_shuffle(self.head(x.float()), self.scale)


class _Block(nn.Module):
    """Two 3x3 convolutions, each with LeakyReLU 0.2."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in (self.first, self.second):
            x = functional.leaky_relu(convolution(x), 0.2, inplace=True)
        return x


def learner(recipe: SidRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    net = drawn(lambda: UNet(data.planes, recipe.width, recipe.levels), seed)
    return supervised(net.to(memory_format=torch.channels_last), _read, recipe)


def _read(net: nn.Module, batch: Crop) -> tuple[Tensor, Tensor]:
    return net(prepare(batch.packed, batch.ratio)), batch.reference


def prepare(packed_BCHW: Tensor, ratio_B: Tensor) -> Tensor:
    """Amplify packed planes by the ratio (at most 300) and clip them to [0, 1]."""
    return (packed_BCHW * ratio_B.clamp(max=RATIO_CAP).view(-1, 1, 1, 1)).clamp_(0, 1)


class Sid(Trained):
    """The network as a method: whole frames of any size."""

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the picture of a sample, (3, H, W) in [0, 1], cut to its frame.

        Raises
        ------
        MethodError
            If the frame's CFA is not the one of the weights, or there is no RAW frame.
        """
        planes = planes_of(sample, self.info.name)
        if len(planes) != self.network.planes:
            raise MethodError(
                f"sid on {sample.pair}",
                f"the frame packs into {len(planes)} planes",
                f"these weights are for {self.network.planes} (4: Bayer, 9: X-Trans)",
                "Use weights that were trained on frames of this CFA",
            )
        with torch.inference_mode(), autocast(self.device, self.precision):
            packed_BCHW = torch.from_numpy(planes)[None].to(self.device)
            ratio_B = torch.tensor([sample.ratio], dtype=torch.float32, device=self.device)
            x = prepare(packed_BCHW, ratio_B).contiguous(memory_format=torch.channels_last)
            picture = self.network(x)[0].clamp_(0, 1)
        image: NDArray[np.float32] = picture.cpu().numpy()
        if sample.frame is not None:
            image = crop(image, sample.frame.cfa, sample.frame.mosaic.shape)
        return np.ascontiguousarray(image)


def _size(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Return the arguments of the network that weights are of."""
    width, planes = tensors["encoder.0.first.weight"].shape[:2]
    levels = len({name.split(".")[1] for name in tensors if name.startswith("encoder.")})
    return {"planes": planes, "width": width, "levels": levels}


def build(
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    planes: int | None = None,
    levels: int | None = None,
    width: int | None = None,
) -> Sid:
    """Make the method, untrained.

    Parameters
    ----------
    device : auto, cpu, cuda, cuda:N or mps
    precision : what inference computes in; auto is bf16 where the processor multiplies it
    planes, levels, width : the network; left out, those of the weights, or 4, 5 and 32 untrained

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    given = {"planes": planes, "levels": levels, "width": width}
    asked = {name: whole(name, value, 1) for name, value in given.items() if value is not None}
    size = {"planes": 4, "levels": 5, "width": 32} | asked
    choose("planes", size["planes"], (4, 9))
    replace(PRESETS["paper"], width=size["width"], levels=size["levels"])  # within its limits
    return Sid(INFO, UNet, _size, size, asked, device, precision)
