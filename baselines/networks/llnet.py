"""LLNet: sparse denoising autoencoders, stacked, brighten and denoise small patches.

Overlapping patches of 17 x 17 px are enhanced by themselves and averaged. The gray network
treats each colour as a gray picture of its own.

Source: Lore, Akintayo, Sarkar, LLNet: A deep autoencoder approach to natural low-light image
enhancement, Pattern Recognition 61, 2017; sizes and rates of the authors' colour version.
Trained on: what `lleval train` is given; the paper darkened photographs by a power law and noise.
"""

# Shape suffixes: B batch · C planes · H, W rows and columns · P patches · I values of a patch

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from baselines.inference.device import autocast
from baselines.inference.frames.trained import Trained
from baselines.inference.tiles.overlapping import averaged
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import flag, whole
from baselines.training.learner import Data, drawn
from baselines.training.stacked_autoencoder import (
    Stack,
    StackLearner,
    StackRecipe,
    pretraining,
)
from lldata.dataset import PictureCrop
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="llnet",
    title="LLNet",
    domain="srgb",
    source="Lore et al., LLNet: A deep autoencoder approach to natural low-light image "
    "enhancement, Pattern Recognition 61, 2017",
    licence="MIT",
    trainable=True,
    parameters=17_918_467,
)
SIDE = 17  # px
STRIDE = 3  # px
LAYERS = 3  # of the first half


@dataclass(frozen=True)
class LlnetRecipe(StackRecipe):
    """A recipe and the size of its network."""

    gray: bool = False
    outer: int = 2000  # units of the first and the last hidden layer
    middle: int = 1900
    inner: int = 1800

    def __post_init__(self) -> None:
        """Check the size of the network and of the crops as well."""
        super().__post_init__()
        flag("gray", self.gray)
        for name in ("outer", "middle", "inner"):
            whole(name, getattr(self, name), 1, 65_536)
        whole("crop", self.crop, SIDE)

    def rate(self, step: int, steps: int, crops: int) -> float:
        """Return the learning rate of a step; the schedule begins after the pretraining."""
        before = pretraining(self, LAYERS)
        if step < before:
            return self.pretrain_rate
        return super().rate(step - before, steps - before, crops)


# One patch per crop and 50 per step, as published. An epoch of the paper is 2500 patches of each
# of 169 pictures, 8450 steps; 30 of them for each layer and 300 in all after that are this
# project's reading, the rate's fall after 200 is published.
_PAPER = LlnetRecipe(
    steps=3 * 30 * 8450 + 300 * 8450, batch=50, crop=SIDE, pretrain_steps=30 * 8450,
    learning_rate=0.1, schedule="stairs", decay_steps=200 * 8450, decay_factor=0.1,
    weight_decay=1e-5, checkpoint_every=10_000, validate_every=100_000, log_every=1000,
)  # fmt: skip
PRESETS = {
    "paper": _PAPER,
    "paper_gray": replace(_PAPER, gray=True, outer=2000, middle=1600, inner=1200),
    "quick": LlnetRecipe(
        steps=2000, batch=8, crop=5 * SIDE, optimiser="adam", pretrain_steps=200,
        pretrain_rate=1e-3, learning_rate=1e-3, final_learning_rate=0.0, schedule="cosine",
        weight_decay=1e-5, outer=512, middle=384, inner=256,
    ),
}  # fmt: skip


def learner(recipe: LlnetRecipe, data: Data, seed: int) -> StackLearner:
    """Return what trains the network: each layer by itself, then all on dark and bright patches."""
    units = (recipe.outer, recipe.middle, recipe.inner)
    before = pretraining(recipe, LAYERS)
    if 0 < data.steps <= before:
        raise MethodError(
            f"--steps {data.steps}",
            f"the first {before} train each layer by itself",
            "the network answers only after the fine-tuning that follows",
            "Give more, or lower --set pretrain_steps",
        )
    stack: Stack = drawn(lambda: network(recipe.gray, *units), seed)
    return StackLearner(stack, partial(_read, recipe.gray), recipe, seed)


def network(gray: bool, outer: int, middle: int, inner: int) -> Stack:
    """Return the network: I - outer - middle - inner - middle - outer - I."""
    return Stack(((1 if gray else 3) * SIDE**2, outer, middle, inner))


def _read(gray: bool, batch: PictureCrop) -> tuple[Tensor, Tensor]:
    return patches(batch.low, gray), patches(batch.reference, gray)


def patches(pictures_B3HW: Tensor, gray: bool) -> Tensor:
    """Cut pictures into patches side by side, (P, I); of a gray network each colour by itself."""
    planes_BCHW = pictures_B3HW.flatten(0, 1)[:, None] if gray else pictures_B3HW
    cut = functional.unfold(planes_BCHW, SIDE, stride=SIDE)
    return cut.transpose(1, 2).flatten(0, 1)


class Llnet(Trained):
    """The network as a method: whole pictures of any size, in bands of overlapping patches."""

    stride = STRIDE

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the enhanced picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        gray = self.network.encoder[0].in_features == SIDE**2
        planes_BCHW = picture[:, None] if gray else picture[None]
        with torch.inference_mode(), autocast(self.device, self.precision):
            enhanced = averaged(
                self.network, planes_BCHW, side=SIDE, stride=self.stride, device=self.device
            )
        return enhanced.reshape(picture.shape).clip(0, 1)


def _size(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the arguments of the network that weights are of."""
    layers = [tensors[f"encoder.{layer}.weight"] for layer in range(LAYERS)]
    outer, middle, inner = (len(weight) for weight in layers)
    gray = layers[0].shape[1] == SIDE**2
    return {"gray": gray, "outer": outer, "middle": middle, "inner": inner}


def build(
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    stride: int = STRIDE,
    gray: bool | None = None,
    outer: int | None = None,
    middle: int | None = None,
    inner: int | None = None,
) -> Llnet:
    """Make the method, untrained.

    Parameters
    ----------
    device : auto, cpu, cuda, cuda:N or mps
    precision : what inference computes in; auto is bf16 where the processor multiplies it
    stride : px between patches; 3 as published, 17 computes 32 times less
    gray : whether the network treats each colour as a gray picture of its own
    outer, middle, inner : units of the hidden layers; left out, those of the weights, or 2000,
        1900 and 1800 untrained

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    asked: dict[str, Any] = {} if gray is None else {"gray": flag("gray", gray)}
    for name, units in (("outer", outer), ("middle", middle), ("inner", inner)):
        if units is not None:
            asked[name] = whole(name, units, 1, 65_536)
    size = {"gray": False, "outer": 2000, "middle": 1900, "inner": 1800} | asked
    method = Llnet(INFO, network, _size, size, asked, device, precision)
    method.stride = whole("stride", stride, 1, SIDE)
    return method
