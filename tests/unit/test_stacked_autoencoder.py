"""A stack of layers: pretrained one by one against noise and sparsely, then tuned together."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from baselines.training.stacked_autoencoder import (
    FINE_TUNING,
    Denoising,
    FineTuning,
    Stack,
    StackLearner,
    StackRecipe,
    divergence,
    squared_distance,
)
from lldata.errors import MethodError

RECIPE = StackRecipe(steps=20, pretrain_steps=5, weight_decay=1e-5)


def stack() -> Stack:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Stack((6, 5, 4, 3))


def both(batch: Tensor) -> tuple[Tensor, Tensor]:
    return batch, batch


def learner(recipe: StackRecipe = RECIPE) -> StackLearner:
    return StackLearner(stack(), both, recipe, seed=0)


def batch() -> Tensor:
    return torch.rand((8, 6), generator=torch.Generator().manual_seed(1))


def test_layers_mirror_each_others_sizes():
    layers = [*stack().encoder, *stack().decoder]
    sizes = [(layer.in_features, layer.out_features) for layer in layers]
    assert sizes == [(6, 5), (5, 4), (4, 3), (3, 4), (4, 5), (5, 6)]


def test_first_weights_are_uniform_within_four_times_glorots_limit():
    weight = Stack((600, 400)).encoder[0].weight
    limit = 4 * math.sqrt(6 / 1000)
    assert 0.99 * limit < weight.abs().max().item() <= limit  # type: ignore[operator, union-attr]


def test_layers_are_pretrained_one_after_the_other_then_tuned_together():
    active = [learner().active(step) for step in (0, 4, 5, 10, 14, 15, 99)]
    assert active == [
        ("pretraining_1",), ("pretraining_1",), ("pretraining_2",), ("pretraining_3",),
        ("pretraining_3",), (FINE_TUNING,), (FINE_TUNING,),
    ]  # fmt: skip


def test_without_pretraining_all_layers_are_tuned_at_once():
    assert learner(StackRecipe(steps=20)).active(0) == (FINE_TUNING,)


def test_a_pretrained_layer_hands_its_transpose_to_its_partner():
    taught = learner()
    encoder, decoder = taught.stack.encoder, taught.stack.decoder
    first = decoder[-1].weight.clone()  # type: ignore[operator]
    taught.begin(4)
    assert torch.equal(decoder[-1].weight, first)  # type: ignore[arg-type]
    taught.begin(5)
    assert torch.equal(decoder[-1].weight, encoder[0].weight.T)  # type: ignore[arg-type, operator]
    assert not torch.equal(decoder[-2].weight, encoder[1].weight.T)  # type: ignore[arg-type, operator]
    taught.begin(10)
    taught.begin(15)
    for layer in range(3):
        assert torch.equal(decoder[-1 - layer].weight, encoder[layer].weight.T)  # type: ignore[arg-type, operator]
    with torch.no_grad():
        encoder[0].weight.zero_()  # type: ignore[operator]
    taught.begin(20)  # tuning goes on
    assert decoder[-1].weight.any()  # type: ignore[operator]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_pretraining_a_layer_changes_it_and_its_partners_bias_alone(layer: int):
    taught = learner()
    before = {name: tensor.clone() for name, tensor in taught.stack.state_dict().items()}
    phase = taught.phases[f"pretraining_{layer + 1}"]
    taught.begin(0)
    phase.module(batch())["loss"].backward()
    phase.optimiser.step()
    changed = {n for n, t in taught.stack.state_dict().items() if not torch.equal(t, before[n])}
    assert changed == {
        f"encoder.{layer}.weight", f"encoder.{layer}.bias", f"decoder.{2 - layer}.bias",
    }  # fmt: skip


def test_a_layer_restores_its_own_input_from_a_corrupted_one():
    ours = stack()
    silent = StackRecipe(steps=1, corruption=0.0, sparsity_weight=0.01)
    clean = batch()
    losses = Denoising(ours, 1, both, silent, torch.Generator())(clean)
    first, second = ours.encoder[0], ours.encoder[1]
    x = torch.sigmoid(first(clean))
    answer = torch.sigmoid(second(x))
    restored = torch.sigmoid(answer @ second.weight + ours.decoder[1].bias)  # type: ignore[operator]
    expected = (restored - x).square().sum(1).mean()
    torch.testing.assert_close(losses["distance"], expected)
    sparse = divergence(0.2, answer.mean(0))
    torch.testing.assert_close(losses["loss"], expected + 0.01 * sparse)


def test_the_noise_of_a_step_follows_from_its_number():
    taught = learner()
    module = taught.phases["pretraining_1"].module
    losses = []
    for step in (3, 4, 3):
        taught.begin(step)
        losses.append(module(batch())["loss"].item())
    assert losses[0] == losses[2] != losses[1]


def test_distance_is_summed_over_a_patch_and_averaged_over_patches():
    assert squared_distance(torch.full((4, 6), 0.5), torch.zeros(4, 6)).item() == 1.5


def test_divergence_is_nothing_at_the_wanted_answer_and_grows_away_from_it():
    assert divergence(0.2, torch.full((7,), 0.2)).item() == pytest.approx(0, abs=1e-6)
    expected = 2 * (0.2 * math.log(0.2 / 0.5) + 0.8 * math.log(0.8 / 0.5))
    assert divergence(0.2, torch.full((2,), 0.5)).item() == pytest.approx(expected)
    assert divergence(0.2, torch.ones(1)).isfinite()


def test_weights_are_kept_small_twice_while_they_are_tied_and_biases_never():
    phases = learner().phases
    decays = {
        name: [group["weight_decay"] for group in phase.optimiser.param_groups]
        for name, phase in phases.items()
    }
    assert decays["pretraining_1"] == [2e-5, 0.0]
    assert decays[FINE_TUNING] == [1e-5, 0.0]
    groups = phases[FINE_TUNING].optimiser.param_groups
    assert [len(group["params"]) for group in groups] == [6, 6]
    assert all(p.ndim == 1 for p in groups[1]["params"])


def test_tuning_brings_the_distance_down():
    ours = stack()
    module = FineTuning(ours, both)
    optimiser = torch.optim.Adam(ours.parameters(), 1e-2)
    losses = []
    for _ in range(100):
        loss = module(batch())["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("optimiser", "lion", "it can be sgd, adam"), ("pretrain_steps", -1, "of at least 0"),
     ("sparsity", 0.0, "from 0.001"), ("corruption", 2.0, "from 0 to 1"),
     ("sparsity_weight", -1.0, "from 0"), ("pretrain_rate", 11.0, "from 0 to 10")],
)  # fmt: skip
def test_a_recipe_with_a_value_it_cannot_have_is_refused(option: str, value: object, said: str):
    with pytest.raises(MethodError, match=said):
        RECIPE.changed({option: value})
