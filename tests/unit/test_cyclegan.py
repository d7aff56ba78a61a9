"""The networks and losses of both CycleGANs, and their generators on frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from baselines.inference.architectures.residual_generator import Generator, Shrinkage, size_of
from baselines.networks import contextual_cyclegan, cyclegan
from baselines.networks.contextual_cyclegan import ContextualRecipe, see_regions, terms_of
from baselines.training.adversarial import ADVERSARIES, Discriminator
from baselines.training.image_pool import ImagePool
from baselines.training.learner import Data
from baselines.training.translation import Generators, Translation
from lldata.dataset import PatchPair
from lldata.errors import MethodError
from lldata.sample import Sample

TINY = {"width": 2, "blocks": 1, "device": "cpu", "precision": "fp32"}
CLIPS = Data("clip", planes=3, epoch=10)
QUICK = replace(
    contextual_cyclegan.PRESETS["quick"],
    width=2, blocks=1, discriminator_width=2, identity_of_cycle=False,
)  # fmt: skip


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (lambda: Generator(), 11_378_179),
        (lambda: Discriminator(), 2_764_737),
        (lambda: Generator(6), 11_396_998),
        (lambda: Generator(6, shrink="fixed"), 11_396_998),
        (lambda: Generator(6, shrink="learnable"), 11_397_001),
        (lambda: Generator(6, shrink="channels"), 11_396_998 + 448),
        (lambda: Generator(6, geometry="literal"), 11_366_278),
        (lambda: Generator(6, geometry="literal", shrink="learnable"), 11_366_281),
        (lambda: Discriminator(6), 2_767_809),
    ],
)
def test_networks_have_the_published_number_of_parameters(network: Any, parameters: int):
    with torch.device("meta"):
        assert count(network()) == parameters


def test_a_discriminator_gives_a_verdict_on_every_seventy_pixels():
    with torch.device("meta"):
        judge = Discriminator()
        assert judge(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)
        assert Discriminator(6)(torch.zeros(1, 6, 360, 360)).shape == (1, 1, 43, 43)
        assert judge(torch.zeros(1, 3, 70, 70)).shape[-1] == 6  # of 1 each: padded


@pytest.mark.parametrize("geometry", ["code", "literal"])
@pytest.mark.parametrize("shape", [(16, 16), (17, 30)])
def test_a_generator_keeps_any_size(geometry: str, shape: tuple[int, int]):
    made = Generator(3, 2, 1, geometry)(torch.rand(1, 3, *shape))
    assert made.shape == (1, 3, *shape)
    assert -1 <= made.min() < made.max() <= 1


@pytest.mark.parametrize("geometry", ["code", "literal"])
@pytest.mark.parametrize("shrink", ["none", "fixed", "learnable", "channels"])
def test_the_size_of_a_generator_is_read_off_its_weights(geometry: str, shrink: str):
    size = {"planes": 6, "width": 3, "blocks": 2, "geometry": geometry, "shrink": shrink}
    assert size_of(Generator(**size).state_dict()) == size  # type: ignore[arg-type]


def test_soft_shrinkage_moves_values_towards_zero_by_its_threshold():
    for learnt in (False, True):
        shrink = Shrinkage(1, 0.5, learnt=learnt)
        x = torch.tensor([-2.0, -0.5, -0.1, 0.0, 0.4, 0.5, 3.0]).view(1, 1, 1, 7)
        expected = torch.tensor([-1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 2.5])
        torch.testing.assert_close(shrink(x).flatten(), expected, rtol=0, atol=1e-6)


def test_the_threshold_is_learnt_and_stays_positive():
    shrink = Shrinkage(2, 0.5, learnt=True)
    shrink(torch.full((1, 2, 1, 3), 2.0)).sum().backward()
    slope = 1 - math.exp(-0.5)  # of softplus, where it is 0.5
    torch.testing.assert_close(shrink.raw_threshold.grad.flatten(), torch.full((2,), -3 * slope))
    with torch.no_grad():
        shrink.raw_threshold.fill_(-50)
    assert (shrink.threshold >= 0).all()


def test_first_weights_are_normal_of_two_hundredths():
    weights = torch.cat([p.flatten() for n, p in Generator(3, 32, 2).named_parameters()
                         if n.endswith("weight")])  # fmt: skip
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert abs(weights.mean().item()) < 1e-4


FAKE, REAL = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 4.0])  # of means 1 and 2.5


@pytest.mark.parametrize(
    ("adversary", "generators", "discriminators"),
    [
        ("lsgan", (1 + 1) / 2, (0 + 9 + 0 + 4) / 2 / 2),
        # fake - mean real = -2.5, -0.5; real - mean fake = 0, 3
        ("ralsgan", (12.25 + 2.25 + 1 + 16) / 4, (1 + 4 + 2.25 + 0.25) / 4),
        ("ralsgan_code", (12.25 + 2.25 + 0 + 9) / 4, (1 + 4 + 6.25 + 0.25) / 4),
    ],
)
def test_adversarial_losses_have_their_published_values(
    adversary: str, generators: float, discriminators: float
):
    losses = ADVERSARIES[adversary]
    assert losses.generators(FAKE, REAL).item() == pytest.approx(generators)
    assert losses.discriminators(FAKE, REAL).item() == pytest.approx(discriminators)


def test_verdicts_on_real_pictures_matter_to_generators_only_if_relativistic():
    for losses in ADVERSARIES.values():
        same = losses.generators(FAKE, REAL) == losses.generators(FAKE, REAL + 1)
        assert same != losses.relativistic


# ---- pools


def numbered(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1)


def test_a_pool_shows_what_is_new_until_it_is_full_and_then_half_of_the_time():
    pool = ImagePool(50, (3,))
    shown = [pool.shown(numbered(n)).item() for n in range(1000)]
    assert shown[:50] == list(range(50))
    new = [value == n for n, value in enumerate(shown[50:], 50)]
    assert 0.45 < np.mean(new) < 0.55
    assert len(pool.held) == 50
    former = [value for value, is_new in zip(shown[50:], new, strict=True) if not is_new]
    assert len(set(former)) == len(former)  # who is shown has left


def test_an_empty_pool_shows_what_is_new():
    assert ImagePool(0, (1,)).shown(numbered(1, 2)).flatten().tolist() == [1, 2]


def test_what_a_pool_shows_in_a_step_follows_from_its_number_and_what_it_holds():
    pool, other = ImagePool(4, (1, 2)), ImagePool(4, (1, 2))
    for step in range(9):
        pool.begin(step)
        pool.shown(numbered(step, step + 100))
    other.load_state_dict(pool.state_dict())
    for step in range(9, 20):
        pool.begin(step)
        other.begin(step)
        assert torch.equal(pool.shown(numbered(step, -step)), other.shown(numbered(step, -step)))


# ---- what is minimised


class Scaled(nn.Module):
    """Multiplies by what it learns."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


def means(picture: Tensor) -> Mapping[str, Tensor]:
    return {"relu5_4": picture.mean((2, 3))}


def batch(size: int = 32, seed: int = 0) -> PatchPair:
    random = torch.Generator().manual_seed(seed)
    return PatchPair(*(torch.rand(2, 3, size, size, generator=random) for _ in range(4)))


def losses_of(recipe: ContextualRecipe, extractor: Any, *factors: float) -> dict[str, float]:
    """Return the generators' losses where generators and discriminators only multiply.

    factors : generator to low, to target; discriminators of local and region patches
    """
    learner = contextual_cyclegan.learner(recipe, CLIPS, 0, extractor)
    phase: Any = learner.phases["generators"].module
    assert isinstance(phase, Generators)
    for side, factor in zip(("low", "target"), factors[:2], strict=True):
        phase.generators[side] = Scaled(factor)
        phase.judges[0][side] = nn.ModuleList(Scaled(f) for f in factors[2:])
    return {name: loss.item() for name, loss in phase(batch()).items()}


def test_losses_of_patch_and_region_are_weighted_as_in_equations_one_to_four():
    low, low_region, target, target_region = (2 * each - 1 for each in batch())
    losses = losses_of(replace(QUICK, adversary="lsgan"), means, 0.5, 0.8, 2.0, 3.0)

    def size(x: Tensor) -> float:
        return x.abs().mean().item()

    def answers(x: Tensor, factor: float) -> float:  # of the region in [0, 1]
        return size((1 - factor) * x.mean((2, 3)) / 2)

    cycle = 0.9 * 0.6 * (size(low) + size(target))
    cycle += 0.1 * (answers(low_region, 0.4) + answers(target_region, 0.4))
    assert losses["cycle"] == pytest.approx(cycle, rel=1e-4)
    identity = 0.9 * (0.5 * size(low) + 0.2 * size(target))
    identity += 0.1 * (answers(low_region, 0.5) + answers(target_region, 0.8))
    assert losses["identity"] == pytest.approx(identity, rel=1e-4)
    fooling = sum(
        w * (f * judge * x - 1).square().mean().item()
        for w, judge, pictures in (
            (0.9, 2.0, (low, target)),
            (0.1, 3.0, (low_region, target_region)),
        )
        for f, x in zip((0.8, 0.5), pictures, strict=True)
    )
    assert losses["adversarial"] == pytest.approx(fooling, rel=1e-4)
    assert losses["loss"] == pytest.approx(fooling + 10 * cycle + 0.5 * identity, rel=1e-4)


def test_without_a_comparison_of_regions_the_patch_has_all_the_weight():
    low, _, target, _ = (2 * each - 1 for each in batch())
    losses = losses_of(replace(QUICK, perceptual="none"), None, 0.5, 0.8, 2.0, 3.0)
    cycle = 0.6 * (low.abs().mean() + target.abs().mean())
    assert losses["cycle"] == pytest.approx(cycle.item(), rel=1e-4)


def test_the_identity_loss_can_be_scaled_by_the_cycle_loss_as_cyclegan_does():
    assert cyclegan.PRESETS["paper"].identity == 0.5 * cyclegan.PRESETS["paper"].cycle
    factors = (0.5, 0.8, 2.0, 3.0)
    literal = losses_of(QUICK, means, *factors)
    scaled = losses_of(replace(QUICK, identity_of_cycle=True), means, *factors)
    assert scaled["loss"] - literal["loss"] == pytest.approx(4.5 * literal["identity"], rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "planes"),
    [
        ({}, [(3, 0.9), (3, 0.1)]),
        ({"discriminators": "joint"}, [(6, 1.0)]),
        ({"context": False, "perceptual": "none"}, [(3, 1.0)]),
    ],
)
def test_discriminators_judge_the_parts_of_a_recipe(
    changes: dict[str, Any], planes: list[tuple[int, float]]
):
    recipe = replace(QUICK, **changes)
    terms = terms_of(recipe, means)
    assert [(len(range(6)[p.planes]), p.weight) for p in terms.adversarial_parts] == [
        (n, pytest.approx(w)) for n, w in planes
    ]
    module: Any = contextual_cyclegan.learner(recipe, CLIPS, 0, means).phases["discriminators"]
    for side in module.module.discriminators.values():
        assert [judge.layers[0].in_channels for judge in side] == [n for n, _ in planes]


def test_pictures_are_seen_between_minus_one_and_one_with_their_regions_behind():
    given = batch()
    low, target = see_regions(given)
    assert low.shape == target.shape == (2, 6, 32, 32)
    torch.testing.assert_close(low[:, 3:], given.low_region * 2 - 1)
    torch.testing.assert_close(target[:, :3], given.target * 2 - 1)


def test_each_phase_trains_its_own_networks_alone():
    learner = contextual_cyclegan.learner(QUICK, CLIPS, 0, means)
    assert isinstance(learner, Translation)
    generators, discriminators = (learner.phases[n] for n in ("generators", "discriminators"))
    assert learner.network is generators.module.generators["target"]  # type: ignore[index]
    names = {name.partition(".")[0] for name, _ in generators.module.named_parameters()}
    assert names == {"generators"}
    learner.begin(0)
    generators.module(batch())["loss"].backward()
    assert all(p.grad is not None for p in generators.module.parameters())
    assert all(p.grad is None for p in discriminators.module.parameters())
    generators.module.zero_grad()
    discriminators.module(batch())["loss"].backward()
    assert all(p.grad is None for p in generators.module.parameters())
    assert all(p.grad is not None for p in discriminators.module.parameters())


def test_the_two_generators_begin_apart_and_follow_from_the_seed():
    first, again, other = (
        contextual_cyclegan.learner(QUICK, CLIPS, seed, means).phases["generators"].module
        for seed in (1, 1, 2)
    )
    weights = [m.generators[side].head.weight for m in (first, again, other)  # type: ignore[index,union-attr]
               for side in ("low", "target")]  # fmt: skip
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[4])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop": 20}, "--set crop: it is 20, but it is a number of at least 24"),
        ({"adversary": "hinge"}, "--set adversary: it is 'hinge'"),
        ({"share": 1.5}, "--set share: it is 1.5, but it is a number from 0 to 1"),
        ({"perceptual": "vgg16"}, "--set perceptual: it is 'vgg16'"),
        ({"discriminators": "both"}, "--set discriminators: it is 'both'"),
        ({"shrink": "hard"}, "--set shrink: it is 'hard'"),
        ({"geometry": "paper"}, "--set geometry: it is 'paper'"),
        ({"pool": -1}, "--set pool: it is -1"),
    ],
)
def test_a_value_a_recipe_cannot_have_is_refused(changes: dict[str, Any], message: str):
    with pytest.raises(MethodError, match=message):
        QUICK.changed(changes)


# ---- frames


def clip(*shape: int, count: int = 2) -> Sample:
    random = np.random.default_rng(0)
    frames = [random.random((3, *shape), np.float32) for _ in range(count)]
    return Sample("Night/low", math.nan, clip=iter(frames))


class Echo(nn.Module):
    """Gives back six planes: half the patch, and its region as it is."""

    planes = 6

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[1] == 6
        assert -1 <= x.min() < 0 < x.max() <= 1
        patch = (x[:, :3] + 1) / 2
        return torch.cat((patch / 2 * 2 - 1, x[:, 3:]), 1)


def test_the_local_planes_alone_are_merged_into_frames_of_the_scale_of_the_clip():
    built = contextual_cyclegan.build(**TINY, crop=16, region=32, smoothing=False)
    built.network = Echo()
    frames = list(clip(40, 53, count=3).clip or ())
    given = Sample("Night/low", math.nan, clip=iter(frames))
    for made, frame in zip(built(given), frames, strict=True):
        np.testing.assert_allclose(made, frame / 2, atol=1e-6)


def test_regions_are_as_large_as_the_protocol_says_for_frame_or_scene(
    monkeypatch: pytest.MonkeyPatch,
):
    built = contextual_cyclegan.build(**TINY)
    assert (built.crop, built.frames_around) == (360, 6)
    assert built._region("Macro", (2880, 5120)) == 1000
    assert built._region("Fly", (4320, 7680)) == 1500
    assert built._region("Horse", (64, 64)) == 2500
    with pytest.raises(MethodError, match=r"Night: its frames have 96x64 px.*--set region=N"):
        next(iter(contextual_cyclegan.build(**TINY, smoothing=False)(clip(64, 96))))
    assert contextual_cyclegan.build(**TINY, context=False)._region("Night", (64, 96)) is None
    assert cyclegan.build(**TINY)._region("Night", (64, 96)) is None


def test_half_precision_costs_less_than_a_grey_level_of_rounding():
    # the last layer computes in fp32: what is left is the error of the layers before
    pictures = [
        next(iter(cyclegan.build(**{**TINY, "precision": p}, crop=32)(clip(32, 32))))
        for p in ("fp32", "bf16")
    ]
    assert np.abs(pictures[0] - pictures[1]).max() < 2 / 255
    assert np.unique(pictures[1]).size > 1000


def test_patch_and_region_that_do_not_fit_are_refused_when_the_method_is_made():
    for region, message in ((48, "64 and 48 px, but a region holds"), (101, "one is odd, but")):
        with pytest.raises(MethodError, match=rf"--set crop, region: they are .*{message}"):
            contextual_cyclegan.build(**TINY, crop=64, region=region)
    assert contextual_cyclegan.build(**TINY, crop=64, region=48, context=False).crop == 64


def test_a_region_that_the_protocol_names_must_hold_the_patch_as_well():
    built = contextual_cyclegan.build(**TINY, crop=4000)
    frames = [np.zeros((3, 30, 40), np.float32)]
    with pytest.raises(MethodError, match="they are 4000 and 2500 px"):
        next(built(Sample("Horse/low", math.nan, clip=iter(frames))))
