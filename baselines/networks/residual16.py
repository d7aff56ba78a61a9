"""Residual network of 16 blocks with squeeze-and-excitation, from packed planes to the picture.

Source: Maharjan, Li, Li, Xu, Ma and Li, Improving Extreme Low-Light Image Denoising via Residual
Learning, ICME 2019. Where their paper and their released code differ:

- 6000 epochs, the rate divided by ten each 2000, in the paper (preset `paper`); 4001 epochs and
  one such drop in the code (preset `code`).
- LeakyReLU in the paper; the name of the code's 16-block weights says ReLU. LeakyReLU here.
- The paper's constant scale of a branch has no number; the code's is 1 (`res_scale`).

They print 8 ms for a frame, measured without waiting for the GPU: it takes 7.4 times the
operations of SID, not fewer.
Trained on: what `lleval train` is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from baselines.inference.architectures.residual import Layout, ResidualNet, size_of
from baselines.inference.frames.residual_frames import ResidualFrames, check_planes
from baselines.inference.frames.sid_frames import prepare
from baselines.method import MethodInfo
from baselines.options import number, whole
from baselines.training.learner import Data, Learner, drawn, supervised
from baselines.training.recipe import Recipe
from lldata.dataset import Crop

INFO = MethodInfo(
    name="residual16",
    title="Residual network, 16 blocks",
    domain="raw",
    source="Maharjan et al., Improving Extreme Low-Light Image Denoising, ICME 2019",
    licence="MIT",
    trainable=True,
    needs_ratio=True,
    parameters=1_379_715,
)
LAYOUT = Layout(planes=4, blocks=16)
Precision = Literal["auto", "fp32", "bf16"]
WIDTHS = (1, 512)
RES_SCALES = (0.0, 10.0)


@dataclass(frozen=True)
class ResidualRecipe(Recipe):
    """A recipe and the size of its network."""

    width: int = 64  # features of every layer
    res_scale: float = 1.0  # constant factor of every block's branch

    def __post_init__(self) -> None:
        """Check the size of the network as well."""
        super().__post_init__()
        whole("width", self.width, *WIDTHS)
        number("res_scale", self.res_scale, *RES_SCALES)


_PAPER = ResidualRecipe(
    epochs=6000, batch=1, crop=256, first_take_only=True, scene_epochs=True,
    learning_rate=1e-4, schedule="stairs", decay_epochs=2000,
    checkpoint_every=1000, validate_every=10_000, log_every=100,
)  # fmt: skip
_CODE = replace(
    _PAPER, epochs=4001, final_learning_rate=1e-5, schedule="step", decay_epochs=0, decay_epoch=2000
)
# many small crops: the gates see as many means as there are crops
_QUICK = ResidualRecipe(
    steps=1500, batch=4, crop=64, learning_rate=1e-3, final_learning_rate=0.0,
    schedule="cosine", width=32,
)  # fmt: skip
PRESETS = {"paper": _PAPER, "code": _CODE, "quick": _QUICK}
# half the width makes 32 blocks about twice as fast a step
OF_32_BLOCKS = PRESETS | {"quick": replace(_QUICK, width=16, steps=2500)}


def learner(recipe: ResidualRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return learner_of(INFO, LAYOUT, recipe, data, seed)


def learner_of(
    info: MethodInfo, layout: Layout, recipe: ResidualRecipe, data: Data, seed: int
) -> Learner:
    """Return what trains a network of some layout.

    Raises
    ------
    MethodError
        If the data are of another CFA than the network reads.
    """
    check_planes("--dataset", info.name, data.planes, layout.planes)
    net = drawn(lambda: ResidualNet(layout, recipe.width, recipe.res_scale), seed)
    return supervised(net.to(memory_format=torch.channels_last), _read, recipe)


def _read(net: nn.Module, batch: Crop) -> tuple[Tensor, Tensor]:
    return net(prepare(batch.packed, batch.ratio)), batch.reference


def of_layout(info: MethodInfo, layout: Layout) -> Callable[..., ResidualFrames]:
    """Return the `build` of a method of one layout."""

    def build(
        device: str = "auto",
        precision: Precision = "auto",
        width: int | None = None,
        res_scale: float | None = None,
    ) -> ResidualFrames:
        """Make the method, untrained.

        Parameters
        ----------
        device : auto, cpu, cuda, cuda:N or mps
        precision : what inference computes in; auto is bf16 where the processor multiplies it
        width : features of every layer; left out, those of the weights, or 64 untrained
        res_scale : factor of every block's branch; left out, that of the weights, or 1 untrained

        Raises
        ------
        MethodError
            If an option has a value it cannot have.
        """
        size = {"width": width, "res_scale": res_scale}
        return _assembled(info, layout, device, precision, size)

    return build


def _assembled(
    info: MethodInfo,
    layout: Layout,
    device: str,
    precision: Precision,
    size: Mapping[str, float | None],
) -> ResidualFrames:
    """Make the method of some layout, untrained.

    Parameters
    ----------
    size : width and res_scale as far as they were asked for

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    asked: dict[str, float] = {}
    if size["width"] is not None:
        asked["width"] = whole("width", size["width"], *WIDTHS)
    if size["res_scale"] is not None:
        asked["res_scale"] = number("res_scale", size["res_scale"], *RES_SCALES)
    return ResidualFrames(
        info, partial(ResidualNet, layout), partial(size_of, layout=layout),
        {"width": 64, "res_scale": 1.0} | asked, asked, device, precision,
    )  # fmt: skip


build = of_layout(INFO, LAYOUT)
