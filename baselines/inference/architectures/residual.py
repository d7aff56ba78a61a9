"""Residual networks with squeeze-and-excitation, of any depth and width, for packed RAW planes.

Source: Maharjan, Li, Li, Xu, Ma and Li, Improving Extreme Low-Light Image Denoising via Residual
Learning, ICME 2019. What the paper leaves out follows the authors' released code: biases in all
layers, zero padding, one convolution after the blocks, a skip around all of them, no activation at
the end, a constant scale of 1, PyTorch's own first weights. The squeeze-and-excitation of its
16- and 32-block networks is Hu et al., CVPR 2018, with a reduction of 16.

Difference from the code: without squeeze-and-excitation its modules are absent here, where the
code keeps their 18,560 values and goes around them.
"""

# Shape suffixes: B batch · C planes (4 Bayer, 9 X-Trans) · F features · H, W rows and columns

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.inference.architectures.unet import SCALES
from baselines.inference.device import full_precision
from baselines.inference.tiles import strips

Upsampling = Literal["shuffle", "transposed", "nearest"]
REDUCTION = 16  # features for each hidden one of a gate
LEAST_HIDDEN = 4  # of a gate; what the published width of 64 has
_REACH = 4  # packed pixels the end looks around a pixel, at most: four convolutions of 3x3


class Layout(NamedTuple):
    """What tells one published network from another."""

    planes: int  # of the input: 4 (Bayer) or 9 (X-Trans)
    blocks: int
    squeeze: bool = True  # whether blocks weight their features by squeeze-and-excitation
    upsampling: Upsampling = "shuffle"


class ResidualNet(nn.Module):
    """Residual blocks at packed resolution between a first convolution and an upsampling end.

    Parameters
    ----------
    layout : of the network
    width : F, features of every layer
    res_scale : constant factor of every block's branch; kept with the weights
    """

    def __init__(self, layout: Layout, width: int = 64, res_scale: float = 1.0) -> None:
        super().__init__()
        self.layout = layout
        self.planes = layout.planes
        self.width = width
        self.scale = SCALES[layout.planes]
        self.res_scale: Tensor
        self.register_buffer("res_scale", torch.tensor(float(res_scale)))
        self.head = _convolution(layout.planes, width)
        self.blocks = nn.ModuleList(
            _Block(width, res_scale, squeeze=layout.squeeze) for _ in range(layout.blocks)
        )
        self.end = _convolution(width, width)
        self.upsample = _upsampling(layout.upsampling, width, self.scale)
        self.last = _convolution(width, 3)

    def forward(self, planes_BCHW: Tensor) -> Tensor:
        """Return the picture, (B, 3, scale * H, scale * W), not clipped."""
        skip = self.head(planes_BCHW)
        x = skip.float()  # sums of many branches need more than the 8 bits of bf16
        for block in self.blocks:
            x = block(x)
        return self._finish(x, skip)

    def _finish(self, x_BFHW: Tensor, skip_BFHW: Tensor) -> Tensor:
        x = self.upsample(self.end(x_BFHW) + skip_BFHW)
        with full_precision(x.device):  # bf16 keeps but 8 bits of the picture
            picture: Tensor = self.last(x.float())
        return picture

    def pieces(self) -> strips.Net:
        """Return the network in the pieces that go over a large frame strip by strip."""
        blocks = [strips.Block(block.branch, block.gate) for block in self.blocks]  # type: ignore[arg-type]
        return strips.Net(
            self.head, blocks, lambda x, planes: self._finish(x, self.head(planes)),
            self.width, self.scale, tail_reach=_REACH,
        )  # fmt: skip


class _Block(nn.Module):
    """Two 3x3 convolutions with LeakyReLU 0.2 between, scaled, weighted, added to the input."""

    def __init__(self, width: int, res_scale: float, *, squeeze: bool) -> None:
        super().__init__()
        self.res_scale = res_scale
        self.first = _convolution(width, width)
        self.second = _convolution(width, width)
        self.gate = _Gate(width) if squeeze else None

    def branch(self, x: Tensor) -> Tensor:
        """Return what is weighted and added, (B, F, H, W)."""
        inner = functional.leaky_relu(self.first(x), 0.2, inplace=True)
        y: Tensor = self.second(inner)
        return y if self.res_scale == 1 else y * self.res_scale

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        if self.gate is None:
            return x + y
        factors_BF = self.gate(y.mean(dim=(2, 3), dtype=torch.float32))
        return torch.addcmul(x, y.float(), factors_BF[..., None, None])


class _Gate(nn.Module):
    """The factors of features in (0, 1), from their means: (B, F) -> (B, F)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(width // REDUCTION, LEAST_HIDDEN)
        self.squeeze = nn.Linear(width, hidden)
        self.excite = nn.Linear(hidden, width)

    def forward(self, means_BF: Tensor) -> Tensor:
        with full_precision(means_BF.device):
            hidden = functional.relu(self.squeeze(means_BF))
            return torch.sigmoid(self.excite(hidden))


def _convolution(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1)


def _upsampling(kind: Upsampling, width: int, scale: int) -> nn.Sequential:
    """Return the layers that make each pixel scale x scale of them, all F wide."""
    if kind == "shuffle":
        return nn.Sequential(_convolution(width, scale**2 * width), nn.PixelShuffle(scale))
    if kind == "transposed":
        return nn.Sequential(nn.ConvTranspose2d(width, width, scale, stride=scale))
    return nn.Sequential(nn.Upsample(scale_factor=scale), _convolution(width, width))


def size_of(tensors: Mapping[str, Tensor], layout: Layout) -> dict[str, Any]:
    """Return the arguments of the network of this layout that weights are of.

    Raises
    ------
    KeyError
        If they are the weights of another kind of network.
    ValueError
        If their network has another layout.
    """
    width, planes = tensors["head.weight"].shape[:2]
    found = Layout(
        planes,
        len({name.split(".")[1] for name in tensors if name.startswith("blocks.")}),
        "blocks.0.gate.squeeze.weight" in tensors,
        _upsampling_of(tensors, width),
    )
    if found != layout:
        raise ValueError(f"the network is {found}, not {layout}")
    # float32 keeps seven digits of what was asked for
    return {"width": width, "res_scale": round(tensors["res_scale"].item(), 6)}


def _upsampling_of(tensors: Mapping[str, Tensor], width: int) -> Upsampling:
    if "upsample.1.weight" in tensors:
        return "nearest"
    return "transposed" if len(tensors["upsample.0.weight"]) == width else "shuffle"
