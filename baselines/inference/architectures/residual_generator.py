"""The generator of CycleGAN, plain or as the contextual method changes it: pictures to pictures.

Source: Zhu, Park, Isola, Efros, Unpaired Image-to-Image Translation using Cycle-Consistent
Adversarial Networks, ICCV 2017, appendix 7.2 (nine residual blocks); Anantrasirichai and Bull
2021, section 3.2 (soft shrinkage in the encoder, local patch and region as six planes).
"""

# Shape suffixes: B batch · C planes (3 picture, 6 patch and region) · H, W rows and columns

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.inference.device import full_precision

GEOMETRIES = ("code", "literal")
SHRINKS = ("none", "fixed", "learnable", "channels")
DEVIATION = 0.02  # of the first weights


class Generator(nn.Module):
    """Encoder, residual blocks and decoder; pictures in [-1, 1].

    Their sides are at least 5 px in the geometry "code" and 9 px in "literal": smaller ones have
    too little to mirror.

    Parameters
    ----------
    planes : of input and output
    width : planes of the finest level; there are twice and four times as many below
    blocks : residual blocks
    geometry : "code", the released one: a 7x7 convolution and two of stride 2, mirrored by the
        decoder; "literal", as section 3.2 of the paper is worded: three 3x3 ones of stride 2
        (the last layer, of which it does not speak, has no normalisation and ends in tanh)
    shrink : the encoder's activation. ReLU ("none"), or soft shrinkage with a threshold that is
        fixed, learnt for each layer ("learnable"), or learnt for each of its planes ("channels")
    threshold : of the shrinkage, at first
    """

    def __init__(
        self,
        planes: int = 3,
        width: int = 64,
        blocks: int = 9,
        geometry: str = "code",
        shrink: str = "none",
        threshold: float = 0.5,
    ) -> None:
        super().__init__()
        self.planes = planes
        widths = [width, 2 * width, 4 * width]
        self.grid = 4 if geometry == "code" else 8  # px on a side of a pixel of the blocks
        active = lambda size: _active(shrink, size, threshold)  # noqa: E731
        encode, decode = _CODERS[geometry]
        self.encoder = encode(planes, widths, active)
        self.blocks = nn.Sequential(*(_Residual(widths[-1]) for _ in range(blocks)))
        self.decoder, self.head = decode(planes, widths)
        self.reset()

    def reset(self) -> None:
        """Draw the weights: N(0, 0.02), no offsets."""
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d) and part.bias is not None:
                nn.init.normal_(part.weight, 0, DEVIATION)
                nn.init.zeros_(part.bias)

    def forward(self, picture_BCHW: Tensor) -> Tensor:
        """Return the translated picture, (B, C, H, W) in [-1, 1]."""
        height, width = picture_BCHW.shape[-2:]
        beyond = (0, -width % self.grid, 0, -height % self.grid)
        x = functional.pad(picture_BCHW, beyond, mode="reflect") if any(beyond) else picture_BCHW
        x = self.decoder(self.blocks(self.encoder(x)))
        with full_precision(x.device):  # bf16 keeps but 8 bits of the picture
            picture = torch.tanh(self.head(x.float()))
        return picture[..., :height, :width]


class Shrinkage(nn.Module):
    """Soft shrinkage, y = sign(x) max(|x| - threshold, 0), with a threshold that may be learnt.

    What is learnt is p of threshold = softplus(p), which stays positive.
    """

    def __init__(self, planes: int, threshold: float, *, learnt: bool) -> None:
        super().__init__()
        start = torch.full((planes, 1, 1), math.log(math.expm1(threshold)))
        self.raw_threshold: Tensor
        self.fixed_threshold: Tensor
        if learnt:
            self.raw_threshold = nn.Parameter(start)
        else:
            self.register_buffer("fixed_threshold", torch.full((1, 1, 1), threshold))

    @property
    def threshold(self) -> Tensor:
        """The threshold, (planes or 1, 1, 1)."""
        if "raw_threshold" in self._parameters:
            return functional.softplus(self.raw_threshold)
        return self.fixed_threshold

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return planes moved towards 0 by the threshold."""
        threshold = self.threshold.to(x_BCHW.dtype)
        return functional.relu(x_BCHW - threshold) - functional.relu(-x_BCHW - threshold)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *_normalised(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")),
            nn.ReLU(),
            *_normalised(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)  # type: ignore[no-any-return]


Active = Callable[[int], nn.Module]


def _active(shrink: str, planes: int, threshold: float) -> nn.Module:
    if shrink == "none":
        return nn.ReLU()
    return Shrinkage(planes if shrink == "channels" else 1, threshold, learnt=shrink != "fixed")


def _normalised(layer: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Return a convolution, whose offsets CycleGAN keeps, and the normalisation behind it."""
    width: Any = layer.out_channels
    return layer, nn.InstanceNorm2d(width)


def _down(before: int, after: int, active: Active) -> list[nn.Module]:
    return [*_normalised(nn.Conv2d(before, after, 3, stride=2, padding=1)), active(after)]


def _up(before: int, after: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)


def _encoder_of_code(planes: int, widths: list[int], active: Active) -> nn.Sequential:
    first = nn.Conv2d(planes, widths[0], 7, padding=3, padding_mode="reflect")
    return nn.Sequential(
        *_normalised(first), active(widths[0]),
        *_down(widths[0], widths[1], active), *_down(widths[1], widths[2], active),
    )  # fmt: skip


def _decoder_of_code(planes: int, widths: list[int]) -> tuple[nn.Sequential, nn.Module]:
    head = nn.Conv2d(widths[0], planes, 7, padding=3, padding_mode="reflect")
    return _rising([widths[2], widths[1], widths[0]]), head


def _encoder_of_text(planes: int, widths: list[int], active: Active) -> nn.Sequential:
    sizes = [planes, *widths]
    layers = (_down(a, b, active) for a, b in pairwise(sizes))
    return nn.Sequential(*(layer for each in layers for layer in each))


def _decoder_of_text(planes: int, widths: list[int]) -> tuple[nn.Sequential, nn.Module]:
    return _rising([widths[2], widths[1], widths[0]]), _up(widths[0], planes)


def _rising(widths: list[int]) -> nn.Sequential:
    layers = ((*_normalised(_up(a, b)), nn.ReLU()) for a, b in pairwise(widths))
    return nn.Sequential(*(layer for each in layers for layer in each))


_CODERS: Mapping[str, Any] = {
    "code": (_encoder_of_code, _decoder_of_code),
    "literal": (_encoder_of_text, _decoder_of_text),
}


def size_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the arguments of the generator that these weights are of, but for the threshold.

    Raises
    ------
    KeyError
        If they are not a generator's.
    """
    first = tensors["encoder.0.weight"]
    raw = tensors.get("encoder.2.raw_threshold")
    fixed = "encoder.2.fixed_threshold" in tensors
    learnt = "learnable" if raw is not None and raw.numel() == 1 else "channels"
    return {
        "planes": first.shape[1],
        "width": first.shape[0],
        "blocks": sum(name.endswith("branch.0.weight") for name in tensors),
        "geometry": "code" if first.shape[-1] == 7 else "literal",
        "shrink": "fixed" if fixed else "none" if raw is None else learnt,
    }
