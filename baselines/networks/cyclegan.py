"""CycleGAN: low light to normal light, learnt from pictures that show neither the same nor pairs.

Frames are translated in overlapping patches of the side that was trained on, merged with Gaussian
weights, as Anantrasirichai and Bull (ICIP 2021) do with the contextual method that is compared
with it. The normalisation sees one patch: a whole frame at once would be normalised otherwise
than in training.

Source: Zhu, Park, Isola, Efros, Unpaired Image-to-Image Translation using Cycle-Consistent
Adversarial Networks, ICCV 2017; its released code for the initial weights and the identity loss.
Trained on: what `lleval train` is given. Its weights, and `parameters`, are of the generator from
low to target alone; the other generator and both discriminators (2,764,737 each) end with the
training.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from baselines.inference.architectures.residual_generator import Generator, size_of
from baselines.inference.clips.patch_frames import LEAST_CROP, PatchFrames
from baselines.method import MethodInfo
from baselines.options import flag, whole
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

INFO = MethodInfo(
    name="cyclegan",
    title="CycleGAN",
    domain="clip",
    source="Zhu et al., Unpaired Image-to-Image Translation, ICCV 2017",
    licence="MIT",
    trainable=True,
    parameters=11_378_179,
)
PICTURE = Part(slice(0, 3), 1.0)

PRESETS = {
    # Zhu et al. 2017: 100 epochs, then 100 of falling rate, crops of 256; 1000 crops of the first
    # frame are an epoch, as where it is compared with
    "paper": TranslationRecipe(
        epochs=200, batch=1, crop=256, clip_crops=1000, first_frame_only=True,
        learning_rate=2e-4, final_learning_rate=0.0, schedule="linear", decay_epoch=100,
        beta1=0.5, checkpoint_every=1000, validate_every=10_000, log_every=100,
    ),
    "quick": TranslationRecipe(
        steps=3000, batch=1, crop=64, clip_crops=150, width=16, blocks=3, discriminator_width=16,
        learning_rate=5e-4, final_learning_rate=0.0, schedule="linear", decay_epoch=10,
        beta1=0.5, averaging=0.99,
    ),
}  # fmt: skip


def learner(recipe: TranslationRecipe, data: Data, seed: int) -> Learner:
    """Return what trains both generators and both discriminators."""
    terms = Terms(recipe, [PICTURE], [Likeness(PICTURE, absolute)], _see)
    make = partial(Generator, data.planes, recipe.width, recipe.blocks)
    return translation(recipe, make, terms, seed)


def _see(batch: PatchPair) -> Pictures:
    return Pictures(batch.low * 2 - 1, batch.target * 2 - 1)


def build(
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    width: int | None = None,
    blocks: int | None = None,
    crop: int = 0,
    smoothing: bool = False,
    at_once: int = 1,
) -> PatchFrames:
    """Make the method, untrained.

    Parameters
    ----------
    device : auto, cpu, cuda, cuda:N or mps
    precision : what inference computes in; auto is bf16 where the processor multiplies it
    width, blocks : the generator; left out, those of the weights, or 64 and 9 untrained
    crop : side of the patches a frame is cut into, px; 0: as it was trained, 360 untrained
    smoothing : whether frames are averaged along their motion afterwards
    at_once : patches computed at once

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    asked = given_sizes(width=width, blocks=blocks)
    return PatchFrames(
        INFO, Generator, _size_of, asked, asked, device, precision,
        crop=side("crop", crop), region=0, smoothing=flag("smoothing", smoothing),
        at_once=whole("at_once", at_once, 1),
    )  # fmt: skip


def _size_of(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size of a generator; one of another kind is none of this method."""
    size = size_of(tensors)
    if (size["planes"], size["geometry"], size["shrink"]) != (3, "code", "none"):
        raise ValueError("a generator of the contextual method")
    return size


def given_sizes(**sizes: int | None) -> dict[str, int]:
    """Return those sizes of a generator that were asked for.

    Raises
    ------
    MethodError
        If one of them is no positive whole number.
    """
    return {n: whole(n, value, 1, 1024) for n, value in sizes.items() if value is not None}


def side(option: str, value: int) -> int:
    """Return a side in px, or 0, which leaves it to the weights.

    Raises
    ------
    MethodError
        If it is smaller than a patch can be.
    """
    return value if value == 0 else whole(option, value, LEAST_CROP)
