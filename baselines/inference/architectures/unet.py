"""The U-Net of SID, of any depth and width, for packed RAW planes or for pictures.

Source: Chen, Chen, Xu, Koltun, Learning to See in the Dark, CVPR 2018; the details that the
paper leaves out follow its released code: transposed convolutions without bias or activation,
SAME padding (odd sizes round up and are cropped back), upsampled planes before the skip.
"""

# Shape suffixes: B batch · C planes (4 Bayer, 9 X-Trans, 3 picture) · H, W rows and columns

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.inference.device import full_precision

SCALES = {3: 1, 4: 2, 9: 3}  # planes of the input -> output pixels per input pixel, on a side


class UNet(nn.Module):
    """The U-Net of SID for any size; of a packed mosaic at the mosaic's full resolution."""

    def __init__(self, planes: int = 4, width: int = 32, levels: int = 5) -> None:
        super().__init__()
        self.planes = planes
        self.levels = levels
        self.scale = SCALES[planes]
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

    @property
    def stride(self) -> int:
        """Input pixels on a side of the coarsest level's pixel."""
        return 1 << (self.levels - 1)

    @property
    def reach(self) -> int:
        """Input pixels around an output pixel that may count: 112 at five levels."""
        return 7 * self.stride

    def reset(self) -> None:
        """Draw the weights as the released code does: Glorot uniform; N(0, 0.02) truncated."""
        for part in self.modules():
            if isinstance(part, nn.ConvTranspose2d):
                nn.init.trunc_normal_(part.weight, std=0.02, a=-0.04, b=0.04)
            elif isinstance(part, nn.Conv2d) and part.bias is not None:
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, planes_BCHW: Tensor) -> Tensor:
        """Return the picture, (B, 3, scale * H, scale * W), not clipped."""
        skips = []
        x = planes_BCHW
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


def size_of(tensors: Mapping[str, Tensor], levels: int | None = None) -> dict[str, int]:
    """Return the arguments of the network that weights are of.

    Parameters
    ----------
    levels : those it must have, where only one depth will do

    Raises
    ------
    KeyError
        If they are the weights of another kind of network.
    ValueError
        If it has other levels.
    """
    width, planes = tensors["encoder.0.first.weight"].shape[:2]
    found = len({name.split(".")[1] for name in tensors if name.startswith("encoder.")})
    if levels not in (None, found):
        raise ValueError(f"the network has {found} levels, not {levels}")
    return {"planes": planes, "width": width, "levels": found}
