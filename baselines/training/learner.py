"""What the training loop is given of a method: its network, and what each step minimises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.method import Domain
from baselines.training.recipe import Recipe
from baselines.training.resume import Resumable


@dataclass(frozen=True)
class Data:
    """What a method's file needs to know of the crops it is trained on."""

    domain: Domain
    planes: int  # of the input: 4 (Bayer), 9 (X-Trans) or 3
    epoch: int  # crops
    generator: Literal["retinex", "gamma"] | None = None  # what darkened synthesised pictures
    steps: int = 0  # of the whole run; 0: not known


class Phase(NamedTuple):
    """One forward pass, one backward pass, one step of an optimiser.

    `module(batch)` returns scalar losses by name; the one called `loss` is minimised. Its
    registered parts are those the optimiser trains: under several processes their gradients are
    averaged. Networks it only looks through are held in a tuple.
    """

    module: nn.Module
    optimiser: torch.optim.Optimizer


class Learner:
    """A network whose weights are kept, and the phases of a step that train it."""

    def __init__(self, network: nn.Module, phases: Mapping[str, Phase]) -> None:
        self.network = network
        self.phases = phases

    def begin(self, step: int) -> None:
        """Prepare a step, counted from 0; whatever is random in it follows from its number."""

    def active(self, step: int) -> Sequence[str]:
        """Return the names of the phases of a step, in order."""
        return tuple(self.phases)

    def facts(self) -> dict[str, str]:
        """Return what besides recipe and data decides the weights, for their config."""
        return {}

    def parts(self) -> dict[str, Resumable]:
        """Return what changes in training besides networks and optimisers.

        It is the same in all processes of a training: the first one's is kept for all.
        """
        return {}


Read = Callable[[nn.Module, Any], tuple[Tensor, Tensor]]  # network, batch -> output, target
LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": functional.l1_loss,
    "l2": functional.mse_loss,
}


class Supervised(nn.Module):
    """The distance of a network's output from its target."""

    def __init__(self, network: nn.Module, read: Read, loss: Literal["l1", "l2"]) -> None:
        super().__init__()
        self.network = network
        self.read = read
        self.loss = LOSSES[loss]

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Return the loss of a batch."""
        return {"loss": self.loss(*self.read(self.network, batch))}


def supervised(
    network: nn.Module, read: Read, recipe: Recipe, loss: Literal["l1", "l2"] = "l1"
) -> Learner:
    """Return the learner of a network with one loss and one Adam.

    Parameters
    ----------
    read : gives the network a batch; returns its output and the target
    """
    module = Supervised(network, read, loss)
    return Learner(network, {"network": Phase(module, adam(network, recipe))})


def adam(network: nn.Module, recipe: Recipe) -> torch.optim.Adam:
    """Return Adam on the weights of a network, as a recipe says."""
    return torch.optim.Adam(
        network.parameters(),
        lr=recipe.learning_rate,
        betas=(recipe.beta1, 0.999),
        weight_decay=recipe.weight_decay,
    )


def drawn(make: Callable[[], nn.Module], seed: int) -> Any:
    """Make a network whose first weights follow from a seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
