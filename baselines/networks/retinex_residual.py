"""Two small residual networks: one estimates what darkness took, the other cleans the sum.

A picture I darkened to I' = I - alpha (1 - I^gamma) I is I' + alpha D. Estimate-Net makes the
difference map D of I', and Enhance-Net removes noise from I' + alpha D. Training tells the network
the alpha that was drawn for each crop. A photograph tells nobody: it counts as 1 unless
`--set alpha` says otherwise, so alpha sets how strongly a picture is brightened.

Source: Ri, Choe, O, Kim, "Restoration of Low-Light Image based on Deep Residual Networks",
Eqs. 5-7 and sections 3.2, 4.2. The paper does not say how wide the networks are, how long they
were trained, how much weights decay, or which power of ten its printed learning rate "10-e3" is:
64 planes, 200,000 steps, 1e-4 on the kernels alone and 1e-3 are this project's reading, as are
the order inside a block and the convolutions around the blocks.
Trained on: what `lleval train` is given. Of captured pairs, and of photographs that another
formula darkened, no alpha is known: it counts as 1 in training as well.
"""

# Shape suffixes: B batch · 3 colours · H, W rows and columns

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from baselines.inference.architectures.retinex_net import RetinexNet, size_of
from baselines.inference.device import autocast
from baselines.inference.frames.trained import Trained
from baselines.inference.tiles.tiling import tiled
from baselines.inputs import drawn_of, picture_of
from baselines.method import MethodInfo
from baselines.options import flag, number, whole
from baselines.training.learner import Data, Learner, Phase, drawn
from baselines.training.recipe import Recipe
from lldata.dataset import PictureCrop
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="retinex_residual",
    title="Retinex residual networks",
    domain="srgb",
    source="Ri et al., Restoration of Low-Light Image based on Deep Residual Networks",
    licence="MIT",
    trainable=True,
    parameters=943_622,
)
ALPHA = 1.0  # of pictures of which nobody knows it
WIDTH, ESTIMATE_BLOCKS, ENHANCE_BLOCKS = 64, 3, 2
_AT_ONCE = 1 << 20  # pixels of a picture that is computed in one piece
_TILE = 1024  # pixels on a side of the tiles of larger ones
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetinexRecipe(Recipe):
    """A recipe, the size of its networks, and what else than the picture is learned."""

    width: int = WIDTH  # planes
    estimate_blocks: int = ESTIMATE_BLOCKS
    enhance_blocks: int = ENHANCE_BLOCKS
    map_weight: float = 0.0  # of the squared error of the difference map, beside the picture's 1

    def __post_init__(self) -> None:
        """Check the size of the networks and the weight as well."""
        super().__post_init__()
        whole("width", self.width, 1, 1024)
        for name in ("estimate_blocks", "enhance_blocks"):
            whole(name, getattr(self, name), 1, 100)
        number("map_weight", self.map_weight, 0, 1000)


PRESETS = {
    "paper": RetinexRecipe(
        steps=200_000, batch=32, crop=48, learning_rate=1e-3, schedule="stairs",
        decay_steps=50_000, decay_factor=0.1, weight_decay=1e-4, redraw=True,
        checkpoint_every=1000, validate_every=10_000, log_every=100,
    ),
    "quick": RetinexRecipe(
        steps=1000, batch=16, crop=48, learning_rate=3e-3, final_learning_rate=0.0,
        schedule="cosine", weight_decay=1e-4, redraw=True, width=16,
    ),
}  # fmt: skip


class Restoration(nn.Module):
    """The mean squared error of the restored picture, and of the map if that has a weight."""

    def __init__(self, network: nn.Module, map_weight: float, *, told: bool) -> None:
        super().__init__()
        self.network = network
        self.map_weight = map_weight
        self.told = told

    def forward(self, batch: PictureCrop) -> dict[str, Tensor]:
        """Return the losses of a batch."""
        alpha, gamma, _ = batch.drawn.unbind(1)
        if not self.told:
            alpha = torch.full_like(alpha, ALPHA)
        restored, difference = self.network(batch.low, alpha)
        loss = functional.mse_loss(restored, batch.reference)
        if not self.map_weight:
            return {"loss": loss}
        of_map = functional.mse_loss(difference, difference_map(batch.reference, gamma))
        return {"loss": loss + self.map_weight * of_map, "loss_picture": loss, "loss_map": of_map}


def difference_map(picture_B3HW: Tensor, gamma_B: Tensor) -> Tensor:
    """Return (1 - I^gamma) I. Source: Eq. 6."""
    return (1 - picture_B3HW ** gamma_B.view(-1, 1, 1, 1)) * picture_B3HW


def learner(recipe: RetinexRecipe, data: Data, seed: int) -> Learner:
    """Return what trains both networks at once.

    Raises
    ------
    MethodError
        If the difference map is to be learned from pictures of which it is not known.
    """
    told = data.generator == "retinex"
    if recipe.map_weight and not told:
        raise MethodError(
            "--set map_weight", f"it is {recipe.map_weight:g}",
            "the difference map is known of pictures darkened by the Retinex formula only",
            "Use a set made by lldata synthesize --protocol raise_retinex, or leave it out",
        )  # fmt: skip
    if not told:
        _log.warning("no alpha is known of these pictures: it counts as %g for each", ALPHA)
    network: RetinexNet = drawn(
        lambda: RetinexNet(recipe.width, recipe.estimate_blocks, recipe.enhance_blocks), seed
    )
    module = Restoration(
        network.to(memory_format=torch.channels_last), recipe.map_weight, told=told
    )
    return Learner(network, {"network": Phase(module, _adam(network, recipe))})


def _adam(network: nn.Module, recipe: Recipe) -> torch.optim.Adam:
    """Return Adam whose weight decay is of kernels: it would pull normalisation to nothing."""
    kernels = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim == 1]
    groups = [
        {"params": kernels, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.Adam(groups, lr=recipe.learning_rate, betas=(recipe.beta1, 0.999))


class RetinexResidual(Trained):
    """The networks as a method: pictures of any size, brightened as strongly as alpha says."""

    alpha: float | None = ALPHA  # None: of each picture the one drawn for it

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the restored picture, (3, H, W) in [0, 1].

        Raises
        ------
        MethodError
            If the sample has no picture, or not the alpha drawn for it where that is asked for.
        """
        picture = torch.from_numpy(picture_of(sample, self.info.name).clip(0, 1))
        alpha = drawn_of(sample, INFO.name).alpha if self.alpha is None else self.alpha
        alpha_B = torch.tensor([alpha], dtype=torch.float32, device=self.device)
        with torch.inference_mode(), autocast(self.device, self.precision):
            restored = tiled(
                lambda x: self.network(x.contiguous(memory_format=torch.channels_last), alpha_B)[0],
                picture.to(self.device),
                tile=None if picture[0].numel() <= _AT_ONCE else _TILE,
                overlap=self.network.reach,
            )
        return restored.cpu().numpy().clip(0, 1)


def build(
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    alpha: float | None = None,
    degradation: bool = False,
    width: int | None = None,
    estimate_blocks: int | None = None,
    enhance_blocks: int | None = None,
) -> RetinexResidual:
    """Make the method, untrained.

    Parameters
    ----------
    device : auto, cpu, cuda, cuda:N or mps
    precision : what inference computes in; auto is bf16 where the processor multiplies it
    alpha : how strongly pictures are brightened, 1 unless given; training saw 0.5 to 2, and 0
        leaves a picture about as dark as it is
    degradation : take the alpha drawn for each picture of a synthesised dataset instead; the
        method is then an oracle
    width, estimate_blocks, enhance_blocks : planes and blocks of the networks; left out, those of
        the weights, or 64, 3 and 2 untrained

    Raises
    ------
    MethodError
        If an option has a value it cannot have, or alpha is given beside `degradation`.
    """
    sizes = {"width": width, "estimate_blocks": estimate_blocks, "enhance_blocks": enhance_blocks}
    asked = {name: whole(name, value, 1) for name, value in sizes.items() if value is not None}
    recipe = PRESETS["paper"].changed(asked)
    size = {name: getattr(recipe, name) for name in sizes}
    oracle = flag("degradation", degradation)
    if oracle and alpha is not None:
        raise MethodError(
            "--set alpha", f"it is {alpha!r} and degradation is true",
            "the true value is taken from the dataset then", "Leave one of them out",
        )  # fmt: skip
    info = replace(INFO, reference_use="degradation") if oracle else INFO
    method = RetinexResidual(info, RetinexNet, size_of, size, asked, device, precision)
    strength = number("alpha", ALPHA if alpha is None else alpha, 0, 10)
    method.alpha = None if oracle else strength
    return method
