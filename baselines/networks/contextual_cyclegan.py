"""Contextual CycleGAN: patches of large frames in low light, each seen with the region around it.

A patch and the region about its centre, reduced to the patch's size, go in as six planes and come
out as six; the region's are let go. Frames are put together of overlapping patches with Gaussian
weights, and averaged along their motion.

Source: Anantrasirichai and Bull, Contextual Colorization and Denoising for Low-Light Ultra High
Resolution Sequences, ICIP 2021. Where its text leaves something open, or the released code
differs, the recipe has a value for either: `geometry`, `shrink`, `adversary`, `discriminators`,
`perceptual`, `share` and `identity`.
Trained on: what `lleval train` is given. Its weights, and `parameters`, are of the generator from
low to target alone; the other generator and the discriminators (2,764,737 for each part of each
side, 2,767,809 for six planes at once) end with the training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from baselines.inference.architectures.residual_generator import (
    GEOMETRIES,
    SHRINKS,
    Generator,
    size_of,
)
from baselines.inference.architectures.vgg19 import KINDS, WIDTHS, Extractor, features
from baselines.inference.clips.patch_frames import PatchFrames
from baselines.method import MethodInfo
from baselines.networks.cyclegan import given_sizes, side
from baselines.options import choose, flag, number, whole
from baselines.training.learner import Data, Learner
from baselines.training.translation import (
    Likeness,
    Part,
    Pictures,
    Terms,
    absolute,
    translation,
)
from baselines.training.translation_recipe import TranslationRecipe
from lldata.dataset import PatchPair
from lldata.errors import MethodError

INFO = MethodInfo(
    name="contextual_cyclegan",
    title="Contextual CycleGAN",
    domain="clip",
    source="Anantrasirichai, Bull: Contextual Colorization and Denoising, ICIP 2021",
    licence="MIT",
    trainable=True,
    parameters=11_397_001,
)
LOCAL, REGION, BOTH = slice(0, 3), slice(3, 6), slice(0, 6)
TAP = "relu5_4"  # of VGG19, whose answers to two regions are compared


@dataclass(frozen=True)
class ContextualRecipe(TranslationRecipe):
    """A recipe of CycleGAN with regions, and what it takes from the text or from the code."""

    context: bool = True  # false: patches alone; `perceptual` is none then
    share: float = 0.9  # of the local patch in every loss; the region has the rest
    geometry: str = "code"  # of the generators, or "literal"
    shrink: str = "learnable"  # thresholds of the encoder, or channels, fixed (code), none (ReLU)
    threshold: float = 0.5  # of the encoder's soft shrinkage, at first
    discriminators: str = "split"  # one for the patch, one for the region; or "joint" (code)
    perceptual: str = "vgg19"  # what compares regions; or random weights, or none: not compared
    perceptual_width: int = WIDTHS[0]  # planes of the first block of random ones
    adversary: str = "ralsgan"
    identity: float = 0.5
    identity_of_cycle: bool = False  # CycleGAN's scaling: `identity` is a share of `cycle`

    def __post_init__(self) -> None:
        """Check what is taken from where as well."""
        super().__post_init__()
        number("share", self.share, 0, 1)
        choose("geometry", self.geometry, GEOMETRIES)
        choose("shrink", self.shrink, SHRINKS)
        number("threshold", self.threshold, 1e-6, 100)
        choose("discriminators", self.discriminators, ("split", "joint"))
        choose("perceptual", self.perceptual, KINDS)
        whole("perceptual_width", self.perceptual_width, 1, 512)
        if not self.context and self.perceptual != "none":
            raise MethodError(
                "--set perceptual", f"it is {self.perceptual!r}",
                "with context=false there are no regions to compare",
                "Leave it out, or set it to none",
            )  # fmt: skip

    def changed(self, options: Mapping[str, Any]) -> Self:
        """Return the recipe with some fields replaced; without regions nothing compares them.

        Raises
        ------
        MethodError
            As `Recipe.changed`, or if regions that are not seen are to be compared.
        """
        if options.get("context") is False:
            options = {"perceptual": "none", **options}
        return super().changed(options)


PRESETS = {
    # the paper's patches and weights; rates, epochs and batch, which it does not name, are those
    # of the released code
    "paper": ContextualRecipe(
        epochs=200, batch=1, crop=360, clip_crops=1000, first_frame_only=True,
        learning_rate=2e-4, final_learning_rate=0.0, schedule="linear", decay_epoch=100,
        beta1=0.5, checkpoint_every=1000, validate_every=10_000, log_every=100,
    ),
    # what leaves a target as it is brightens well: so few steps need the scaled identity loss
    "quick": ContextualRecipe(
        steps=3000, batch=1, crop=64, region=256, clip_crops=150, width=16, blocks=3,
        discriminator_width=16, perceptual="random", perceptual_width=8,
        identity_of_cycle=True, learning_rate=5e-4, final_learning_rate=0.0, schedule="linear",
        decay_epoch=10, beta1=0.5, averaging=0.99,
    ),
}  # fmt: skip


def learner(
    recipe: ContextualRecipe, data: Data, seed: int, extractor: Extractor | None = None
) -> Learner:
    """Return what trains both generators and the discriminators.

    Parameters
    ----------
    extractor : what regions are compared through, in place of what the recipe names

    Raises
    ------
    MethodError
        If the weights of VGG19 are asked for and not there.
    """
    if extractor is None:
        extractor = _extractor(recipe, seed)
    make = partial(
        _generator, recipe.context, recipe.width, recipe.blocks, recipe.geometry, recipe.shrink,
        recipe.threshold,
    )  # fmt: skip
    return translation(recipe, make, terms_of(recipe, extractor), seed)


def _extractor(recipe: ContextualRecipe, seed: int) -> Extractor | None:
    widths = tuple(recipe.perceptual_width * width // WIDTHS[0] for width in WIDTHS)
    drawn_ones = recipe.perceptual == "random"
    return features(recipe.perceptual, [TAP], seed=seed, widths=widths if drawn_ones else WIDTHS)


def terms_of(recipe: ContextualRecipe, extractor: Extractor | None) -> Terms:
    """Return what is minimised: equations 1 to 4, or the part of them that a recipe keeps.

    Regions that are not compared leave all the weight of cycle and identity to the patch, as in
    the released code.
    """
    local, region = Part(LOCAL, recipe.share), Part(REGION, 1 - recipe.share)
    parts, likenesses = [local, region], [Likeness(local._replace(weight=1.0), absolute)]
    if not recipe.context:
        parts = [local._replace(weight=1.0)]
    elif recipe.discriminators == "joint":
        parts = [Part(BOTH, 1.0)]
    if extractor is not None and recipe.context:
        likenesses = [Likeness(local, absolute), Likeness(region, Perceptual(extractor))]
    weights = recipe
    if recipe.identity_of_cycle:
        weights = replace(recipe, identity=recipe.identity * recipe.cycle)
    see = see_regions if recipe.context else see_patches
    return Terms(weights, parts, likenesses, see, getattr(extractor, "facts", {}))


def see_regions(batch: PatchPair) -> Pictures:
    """Return patches and their regions as six planes in [-1, 1]."""
    low = torch.cat((batch.low, batch.low_region), 1)
    target = torch.cat((batch.target, batch.target_region), 1)
    return Pictures(low * 2 - 1, target * 2 - 1)


def see_patches(batch: PatchPair) -> Pictures:
    """Return patches alone, in [-1, 1]."""
    return Pictures(batch.low * 2 - 1, batch.target * 2 - 1)


class Perceptual:
    """The mean absolute difference of what a network answers to two pictures in [-1, 1]."""

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor

    def __call__(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Return the distance of two pictures."""
        if isinstance(self.extractor, nn.Module):
            self.extractor.to(made.device)  # no part of a phase: nobody else moves it
        answers = (self.extractor((picture + 1) / 2)[TAP] for picture in (made, wanted))
        return absolute(*answers)


def _generator(
    context: bool = True,
    width: int = 64,
    blocks: int = 9,
    geometry: str = "code",
    shrink: str = "learnable",
    threshold: float = 0.5,
) -> Generator:
    return Generator(6 if context else 3, width, blocks, geometry, shrink, threshold)


def _size_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    size = size_of(tensors)
    return {"context": size.pop("planes") == 6, **size}


def build(
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    width: int | None = None,
    blocks: int | None = None,
    context: bool | None = None,
    geometry: str | None = None,
    shrink: str | None = None,
    crop: int = 0,
    region: int = 0,
    smoothing: bool = True,
    at_once: int = 1,
) -> PatchFrames:
    """Make the method, untrained.

    Parameters
    ----------
    device : auto, cpu, cuda, cuda:N or mps
    precision : what inference computes in; auto is bf16 where the processor multiplies it
    width, blocks : the generator; left out, those of the weights, or 64 and 9 untrained
    context : whether the generator sees regions; left out, as the weights, or true untrained
    geometry, shrink : code or literal; learnable, channels, fixed or none; left out, those of
        the weights, or code and learnable untrained
    crop : side of the patches a frame is cut into, px; 0: as it was trained, 360 untrained
    region : side of the region around a patch, px; 0: as it was trained, else as the protocol
        uhr_clips says for the size of the frames
    smoothing : whether frames are averaged along their motion afterwards
    at_once : patches computed at once

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    asked: dict[str, Any] = given_sizes(width=width, blocks=blocks)
    if context is not None:
        asked["context"] = flag("context", context)
    for option, value, choices in (
        ("geometry", geometry, GEOMETRIES), ("shrink", shrink, SHRINKS)
    ):  # fmt: skip
        if value is not None:
            choose(option, value, choices)
            asked[option] = value
    return PatchFrames(
        INFO, _generator, _size_of, asked, asked, device, precision,
        crop=side("crop", crop), region=side("region", region),
        smoothing=flag("smoothing", smoothing), at_once=whole("at_once", at_once, 1),
    )  # fmt: skip
