"""The networks of Ri et al.: one estimates what darkness took, the other cleans the sum."""

# Shape suffixes: B batch · 3 colours · H, W rows and columns

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from baselines.training.together import BatchNorm2d


class Block(nn.Sequential):
    """A residual block of tall and wide kernels, normalised before and after each."""

    def __init__(self, width: int) -> None:
        super().__init__(
            BatchNorm2d(width),
            nn.Conv2d(width, width, (7, 3), padding=(3, 1)),
            BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, (3, 7), padding=(1, 3)),
            BatchNorm2d(width),
        )

    def forward(self, planes: Tensor) -> Tensor:
        """Return the planes and what the block adds to them."""
        added = planes
        for layer in self:
            added = layer(added)
        return planes + added


class ResidualNet(nn.Module):
    """Three planes to three: residual blocks between convolutions, and a skip over all blocks."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.end = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 3, 3, padding=1)
        self.reach = 3 + 4 * blocks  # px around an output pixel that it looks at

    def forward(self, picture_B3HW: Tensor) -> Tensor:
        """Return (B, 3, H, W) of any sign."""
        planes = self.head(picture_B3HW)
        result: Tensor = self.tail(planes + self.end(self.blocks(planes)))
        return result


class RetinexNet(nn.Module):
    """Estimate-Net and Enhance-Net."""

    def __init__(self, width: int, estimate_blocks: int, enhance_blocks: int) -> None:
        super().__init__()
        self.estimate = ResidualNet(width, estimate_blocks)
        self.enhance = ResidualNet(width, enhance_blocks)
        self.reach = self.estimate.reach + self.enhance.reach

    def forward(self, dark_B3HW: Tensor, alpha_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the restored picture, not clipped, and the difference map, each (B, 3, H, W)."""
        difference = self.estimate(dark_B3HW)
        brightened = dark_B3HW + alpha_B.view(-1, 1, 1, 1) * difference
        return brightened + self.enhance(brightened), difference


def size_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the arguments of the RetinexNet that weights are of."""
    blocks = {
        f"{part}_blocks": len({n.split(".")[2] for n in tensors if n.startswith(f"{part}.blocks.")})
        for part in ("estimate", "enhance")
    }
    return {"width": len(tensors["estimate.head.weight"])} | blocks
