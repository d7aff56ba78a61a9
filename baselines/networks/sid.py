"""SID: a U-Net from the packed, amplified mosaic straight to the rendered picture.

Source: Chen, Chen, Xu, Koltun, Learning to See in the Dark, CVPR 2018.
Trained on: what `lleval train` is given. With `--set input=srgb` on pairs of ready pictures, with
`--set input=clip` on clips: Anantrasirichai and Bull (ICIP 2021) retrained the network on RGB
sequences to compare with, and do not say how. Here three planes go in at full resolution and
three come out, without the depth-to-space step, and of clips low and target show one place of one
frame: that teaches something where the camera stood still, as in their sequence Static, and the
mean of what it saw where it moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from baselines.inference.architectures.unet import SCALES, UNet, size_of
from baselines.inference.frames.sid_frames import SidFrames, prepare
from baselines.method import Domain, MethodInfo
from baselines.options import choose, whole
from baselines.training.learner import Data, Learner, drawn, supervised
from baselines.training.recipe import Recipe
from lldata.dataset import Crop, PatchPair, PictureCrop
from lldata.errors import MethodError

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
LEVELS = 5
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True)
class UNetRecipe(Recipe):
    """A recipe, what its network reads and how wide it is."""

    width: int = 32  # planes of the finest level
    input: str = "raw"  # packed mosaics (raw), pictures (srgb) or the frames of clips (clip)
    same_place: bool = True  # of clips: what comes out is compared with the target pixel by pixel

    def __post_init__(self) -> None:
        """Check what the network reads and its width as well."""
        super().__post_init__()
        whole("width", self.width, 1, 512)
        choose("input", self.input, ("raw", "srgb", "clip"))


@dataclass(frozen=True)
class SidRecipe(UNetRecipe):
    """A recipe and the size of its network, the depth included."""

    levels: int = LEVELS  # resolutions, the finest included

    def __post_init__(self) -> None:
        """Check the depth as well."""
        super().__post_init__()
        whole("levels", self.levels, 1, 8)


OF_ANY_DEPTH = {
    # Chen et al. 2018 and their released script: batch 1, 4001 epochs, 1e-5 after epoch 2000
    "paper": UNetRecipe(
        epochs=4001, batch=1, crop=512, first_take_only=True, scene_epochs=True,
        learning_rate=1e-4, final_learning_rate=1e-5, schedule="step", decay_epoch=2000,
        checkpoint_every=1000, validate_every=10_000, log_every=100,
    ),
    "quick": UNetRecipe(
        steps=2000, batch=2, crop=128, learning_rate=3e-4, final_learning_rate=0.0,
        schedule="cosine",
    ),
}  # fmt: skip
PRESETS = {name: SidRecipe(**recipe.plain()) for name, recipe in OF_ANY_DEPTH.items()}


def domain(recipe: UNetRecipe) -> Domain:
    """Return which data a recipe trains on."""
    asked: Domain = recipe.input  # type: ignore[assignment]  # a recipe's texts are checked str
    return asked


def learner(recipe: SidRecipe, data: Data, seed: int) -> Learner:
    """Return what trains the network: the mean absolute error of its picture, not clipped."""
    return learner_of(recipe, data, seed, recipe.levels)


def learner_of(recipe: UNetRecipe, data: Data, seed: int, levels: int) -> Learner:
    """Return what trains a network of so many levels."""
    net = drawn(lambda: UNet(data.planes, recipe.width, levels), seed)
    return supervised(net.to(memory_format=torch.channels_last), _READ[data.domain], recipe)


def _read_frames(net: nn.Module, batch: Crop) -> tuple[Tensor, Tensor]:
    return net(prepare(batch.packed, batch.ratio)), batch.reference


def _read_pictures(net: nn.Module, batch: PictureCrop) -> tuple[Tensor, Tensor]:
    return net(batch.low), batch.reference


def _read_clips(net: nn.Module, batch: PatchPair) -> tuple[Tensor, Tensor]:
    return net(batch.low), batch.target


_READ: Mapping[Domain, Any] = {"raw": _read_frames, "srgb": _read_pictures, "clip": _read_clips}


def build(
    device: str = "auto",
    precision: Precision = "auto",
    planes: int | None = None,
    levels: int | None = None,
    width: int | None = None,
    input: Domain | None = None,  # noqa: A002 - what the network reads, as recipes call it
    trained_on: str | None = None,
) -> SidFrames:
    """Make the method, untrained.

    Parameters
    ----------
    device : auto, cpu, cuda, cuda:N or mps
    precision : what inference computes in; auto is bf16 where the processor multiplies it
    planes, levels, width : the network; left out, those of the weights, or 4, 5 and 32 untrained
    input : raw, srgb (pictures) or clip; left out, what the weights were trained on
    trained_on : the dataset that imported weights (.npz), which do not say so, were trained on

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    size = {"planes": planes, "levels": levels, "width": width}
    return _assembled(INFO, size, device, precision, input, trained_on)


def of_levels(info: MethodInfo, levels: int) -> Callable[..., SidFrames]:
    """Return the `build` of a method of one depth."""

    def build(
        device: str = "auto",
        precision: Precision = "auto",
        planes: int | None = None,
        width: int | None = None,
        input: Domain | None = None,  # noqa: A002 - what the network reads, as recipes call it
    ) -> SidFrames:
        """Make the method, untrained.

        Parameters
        ----------
        device : auto, cpu, cuda, cuda:N or mps
        precision : what inference computes in; auto is bf16 where the processor multiplies it
        planes, width : the network; left out, those of the weights, or 4 and 32 untrained
        input : raw, srgb (pictures) or clip; left out, what the weights were trained on

        Raises
        ------
        MethodError
            If an option has a value it cannot have.
        """
        size = {"planes": planes, "width": width}
        return _assembled(info, size, device, precision, input, None, levels)

    return build


def _assembled(
    info: MethodInfo,
    size: Mapping[str, int | None],
    device: str,
    precision: Precision,
    reads: Domain | None,
    trained_on: str | None,
    levels: int | None = None,
) -> SidFrames:
    """Make the method of some depth, untrained.

    Parameters
    ----------
    size : planes, levels and width as far as they were asked for
    reads : raw, srgb or clip, None where the weights decide
    trained_on : what imported weights were trained on
    levels : of all its networks, where it is a method of one depth

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    asked = {name: whole(name, value, 1) for name, value in size.items() if value is not None}
    if reads is not None:
        choose("input", reads, ("raw", "srgb", "clip"))
    choose("planes", asked.get("planes", 4), tuple(SCALES))
    plain = {"planes": 4 if reads in (None, "raw") else 3, "levels": levels or LEVELS, "width": 32}
    wanted = plain | asked
    if reads is not None and (reads == "raw") == (wanted["planes"] == 3):
        raise MethodError(
            "--set planes", f"it is {wanted['planes']}", f"input={reads} has another number",
            "Leave it out: 4 (Bayer) and 9 (X-Trans) are raw, 3 are pictures",
        )  # fmt: skip
    replace(PRESETS["paper"], width=wanted["width"], levels=wanted["levels"])  # within its limits
    return SidFrames(
        info, UNet, partial(size_of, levels=levels), wanted, asked, device, precision,
        reads=reads, trained_on=trained_on,
    )  # fmt: skip
