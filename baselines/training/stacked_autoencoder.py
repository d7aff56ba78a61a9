"""Train a stack of layers one by one as denoising autoencoders, then together.

Each layer of the first half learns to restore clean input from a corrupted one through its own
transpose, with sparse answers; the second half then begins as the transposed first, and all
layers learn to make the bright patch of the dark one.

Source: Vincent et al., Stacked Denoising Autoencoders, JMLR 2010; the sparsity term: Lore,
Akintayo, Sarkar, LLNet, Pattern Recognition 61, 2017.
"""

# Shape suffixes: P patches · I, O values before and after a layer

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.options import choose, number, whole
from baselines.training import together
from baselines.training.learner import Learner, Phase
from baselines.training.recipe import Recipe

Read = Callable[[Any], tuple[Tensor, Tensor]]  # batch -> dark patches, bright ones (P, I)
FINE_TUNING = "fine_tuning"


@dataclass(frozen=True)
class StackRecipe(Recipe):
    """A recipe of two parts: its schedule counts from the end of the pretraining."""

    optimiser: Literal["sgd", "adam"] = "sgd"
    pretrain_steps: int = 0  # of each layer of the first half
    pretrain_rate: float = 0.01
    corruption: float = 0.1  # deviation of the noise that pretraining adds
    sparsity: float = 0.2  # mean answer of a unit that is wanted
    sparsity_weight: float = 0.01

    def __post_init__(self) -> None:
        """Check the values of the pretraining as well."""
        super().__post_init__()
        choose("optimiser", self.optimiser, ("sgd", "adam"))
        whole("pretrain_steps", self.pretrain_steps, 0)
        number("pretrain_rate", self.pretrain_rate, 0, 10)
        number("corruption", self.corruption, 0, 1)
        number("sparsity", self.sparsity, 0.001, 0.999)
        number("sparsity_weight", self.sparsity_weight, 0, 1000)


class Stack(nn.Module):
    """Sigmoid layers, the second half of the mirrored sizes of the first.

    Parameters
    ----------
    sizes : values of the input and of the layers up to the middle
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        halves = list(pairwise(sizes))
        self.encoder = nn.ModuleList(nn.Linear(i, o) for i, o in halves)
        self.decoder = nn.ModuleList(nn.Linear(o, i) for i, o in reversed(halves))
        for layer in (*self.encoder, *self.decoder):
            self._draw(layer)

    @staticmethod
    def _draw(layer: Any) -> None:
        """Draw a layer's weights from U(-4 sqrt(6 / (I + O)), ...), as sigmoids want them."""
        nn.init.xavier_uniform_(layer.weight, gain=4)
        nn.init.zeros_(layer.bias)

    def forward(self, patches_PI: Tensor) -> Tensor:
        """Return enhanced patches, in [0, 1]."""
        x = patches_PI
        for layer in (*self.encoder, *self.decoder):
            x = torch.sigmoid(layer(x))
        return x

    @torch.no_grad()
    def mirror(self, layer: int) -> None:
        """Begin the partner of a layer of the first half as its transpose."""
        ours: Any = self.encoder[layer]
        partner: Any = self.decoder[-1 - layer]
        partner.weight.copy_(ours.weight.T)


class Denoising(nn.Module):
    """One layer and its transpose as an autoencoder of corrupted input.

    It registers what is trained: the layer's weights and bias, and the bias of its partner.
    """

    def __init__(
        self, stack: Stack, layer: int, read: Read, recipe: StackRecipe, random: torch.Generator
    ) -> None:
        super().__init__()
        self.below = tuple(stack.encoder)[:layer]
        self.layer: Any = stack.encoder[layer]
        partner: Any = stack.decoder[-1 - layer]
        self.visible_bias: Tensor = partner.bias
        self.read = read
        self.recipe = recipe
        self.random = random

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Return the squared distance of what is restored from the clean input, and sparsity."""
        with torch.no_grad():
            clean = self.read(batch)[1]
            for layer in self.below:
                clean = torch.sigmoid(layer(clean))
        noise = self._noise(clean)
        answer = torch.sigmoid(self.layer(clean + self.recipe.corruption * noise))
        restored = torch.sigmoid(functional.linear(answer, self.layer.weight.T, self.visible_bias))
        distance = squared_distance(restored, clean)
        sparsity = divergence(self.recipe.sparsity, together.mean(answer.mean(0)))
        return {"loss": distance + self.recipe.sparsity_weight * sparsity, "distance": distance}

    def _noise(self, clean_PI: Tensor) -> Tensor:
        """Return this process's part of the noise that is drawn for the whole batch."""
        batch = self.recipe.batch
        patches = len(clean_PI) * together.processes() // batch  # of a crop
        shape = (batch, patches, clean_PI.shape[1])
        return together.own(torch.randn(shape, generator=self.random)).flatten(0, 1).to(clean_PI)


class FineTuning(nn.Module):
    """The whole stack: bright patches from dark ones."""

    def __init__(self, stack: Stack, read: Read) -> None:
        super().__init__()
        self.stack = stack
        self.read = read

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Return the squared distance of the enhanced patches from the bright ones."""
        dark, bright = self.read(batch)
        return {"loss": squared_distance(self.stack(dark), bright)}


def squared_distance(found_PI: Tensor, wanted_PI: Tensor) -> Tensor:
    """Return the squared distance of patches, summed over their values, mean over patches."""
    return (found_PI - wanted_PI).float().square().sum(1).mean()


def divergence(wanted: float, found_O: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of units' mean answers, summed over units."""
    found = found_O.float().clamp(1e-6, 1 - 1e-6)
    on = wanted * torch.log(wanted / found)
    off = (1 - wanted) * torch.log((1 - wanted) / (1 - found))
    return (on + off).sum()


class StackLearner(Learner):
    """First one phase for each layer of the first half, one after the other; then fine-tuning."""

    def __init__(self, stack: Stack, read: Read, recipe: StackRecipe, seed: int) -> None:
        random = torch.Generator()
        phases = {}
        for layer in range(len(stack.encoder)):
            denoising = Denoising(stack, layer, read, recipe, random)
            # tied: the weights are in the penalty as themselves and as their transpose
            optimiser = _optimiser(denoising.parameters(), recipe, 2 * recipe.weight_decay)
            phases[f"pretraining_{layer + 1}"] = Phase(denoising, optimiser)
        tuned = _optimiser(stack.parameters(), recipe, recipe.weight_decay)
        phases[FINE_TUNING] = Phase(FineTuning(stack, read), tuned)
        super().__init__(stack, phases)
        self.stack = stack
        self.each = recipe.pretrain_steps
        self.random = random
        self.seed = seed

    def active(self, step: int) -> Sequence[str]:
        """Return the one phase of a step."""
        names = tuple(self.phases)
        return (names[min(step // self.each, len(names) - 1) if self.each else -1],)

    def begin(self, step: int) -> None:
        """Draw a step's noise from its number; after the pretraining of a layer, mirror it."""
        drawn = np.random.SeedSequence((self.seed, step)).generate_state(1, np.uint64)
        self.random.manual_seed(int(drawn[0] >> np.uint64(1)))
        if self.each and step % self.each == 0 and 0 < step // self.each < len(self.phases):
            self.stack.mirror(step // self.each - 1)


def pretraining(recipe: StackRecipe, layers: int) -> int:
    """Return the steps before the fine-tuning."""
    return layers * recipe.pretrain_steps


def _optimiser(
    parameters: Iterable[nn.Parameter], recipe: StackRecipe, decay: float
) -> torch.optim.Optimizer:
    """Return an optimiser that keeps weights small, but not biases."""
    both = list(parameters)
    groups = [
        {"params": [p for p in both if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in both if p.ndim == 1], "weight_decay": 0.0},
    ]
    if recipe.optimiser == "adam":
        return torch.optim.Adam(groups, lr=recipe.learning_rate, betas=(recipe.beta1, 0.999))
    return torch.optim.SGD(groups, lr=recipe.learning_rate)
