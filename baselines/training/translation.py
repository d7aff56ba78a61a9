"""Two generators that learn from unpaired pictures to undo each other, and their discriminators.

Source: Zhu, Park, Isola, Efros, Unpaired Image-to-Image Translation using Cycle-Consistent
Adversarial Networks, ICCV 2017, section 3; judged in parts as Anantrasirichai and Bull 2021,
equations 1 to 4, have it.
"""

# Shape suffixes: B batch · C planes (3 picture, 6 patch and region) · H, W rows and columns

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from baselines.training.adversarial import ADVERSARIES, Discriminator, Losses
from baselines.training.image_pool import ImagePool
from baselines.training.learner import Learner, Phase, adam, drawn
from baselines.training.resume import Resumable
from baselines.training.translation_recipe import TranslationRecipe
from lldata.dataset import PatchPair

Distance = Callable[[Tensor, Tensor], Tensor]
Side = Literal["low", "target"]
SIDES: tuple[Side, ...] = ("low", "target")


class Part(NamedTuple):
    """Some planes of a picture that are judged apart from the others."""

    planes: slice
    weight: float


class Likeness(NamedTuple):
    """How far two pictures are apart in a part of them, and how much that counts."""

    part: Part
    distance: Distance


class Pictures(NamedTuple):
    """What the networks see of a batch, (B, C, H, W) in [-1, 1]."""

    low: Tensor
    target: Tensor


class Networks(NamedTuple):
    """Generators and discriminators, by the side whose pictures they make or judge."""

    generators: nn.ModuleDict
    discriminators: nn.ModuleDict  # of each side a ModuleList: one for each adversarial part


@dataclass(frozen=True)
class Terms:
    """What is minimised."""

    weights: TranslationRecipe
    adversarial_parts: Sequence[Part]
    likenesses: Sequence[Likeness]
    see: Callable[[PatchPair], Pictures]
    facts: Mapping[str, str] = field(default_factory=dict)  # for the config of the weights

    @property
    def losses(self) -> Losses:
        """The adversarial losses."""
        return ADVERSARIES[self.weights.adversary]


class Exchange:
    """The fakes of a step, handed from the generators' phase to the discriminators'."""

    def __init__(self) -> None:
        self.fakes: dict[Side, Tensor] = {}


class Generators(nn.Module):
    """The generators' phase: fool the discriminators, undo each other, leave what is right."""

    def __init__(self, networks: Networks, terms: Terms, exchange: Exchange) -> None:
        super().__init__()
        self.generators = networks.generators
        self.judges = (networks.discriminators,)  # not registered: trained in the other phase
        self.terms = terms
        self.exchange = exchange

    def forward(self, batch: PatchPair) -> dict[str, Tensor]:
        """Return the losses of a batch."""
        self.judges[0].requires_grad_(False)
        real = self.terms.see(batch)
        fakes = {"target": self.generators["target"](real.low),
                 "low": self.generators["low"](real.target)}  # fmt: skip
        again = Pictures(self.generators["low"](fakes["target"]),
                         self.generators["target"](fakes["low"]))  # fmt: skip
        self.exchange.fakes = {side: fakes[side].detach() for side in SIDES}
        weights = self.terms.weights
        losses = {
            "adversarial": self._adversarial(Pictures(**fakes), real),
            "cycle": self._unlike(again, real),
        }
        if weights.identity:
            kept = Pictures(*(self.generators[s](getattr(real, s)) for s in SIDES))
            losses["identity"] = self._unlike(kept, real)
        total = sum(getattr(weights, name) * loss for name, loss in losses.items())
        return {"loss": torch.as_tensor(total), **losses}

    def _adversarial(self, fakes: Pictures, real: Pictures) -> Tensor:
        losses = self.terms.losses
        total = fakes.low.new_zeros(())
        for side in SIDES:
            of_side: Any = self.judges[0][side]
            for part, judge in zip(self.terms.adversarial_parts, of_side, strict=True):
                of_fake = judge(getattr(fakes, side)[:, part.planes])
                of_real = of_fake
                if losses.relativistic:
                    of_real = judge(getattr(real, side)[:, part.planes])
                total = total + part.weight * losses.generators(of_fake, of_real)
        return total

    def _unlike(self, made: Pictures, wanted: Pictures) -> Tensor:
        total = made.low.new_zeros(())
        for (planes, weight), distance in self.terms.likenesses:
            for side in SIDES:
                ends = (getattr(pictures, side)[:, planes] for pictures in (made, wanted))
                total = total + weight * distance(*ends)
        return total


class Discriminators(nn.Module):
    """The discriminators' phase: tell pictures from fakes, of this step and of earlier ones."""

    def __init__(
        self, networks: Networks, terms: Terms, exchange: Exchange, pools: dict[Side, ImagePool]
    ) -> None:
        super().__init__()
        self.discriminators = networks.discriminators
        self.terms = terms
        self.exchange = exchange
        self.pools = pools

    def forward(self, batch: PatchPair) -> dict[str, Tensor]:
        """Return the loss of a batch."""
        self.discriminators.requires_grad_(True)
        real = self.terms.see(batch)
        total = real.low.new_zeros(())
        for side in SIDES:
            fakes = self.pools[side].shown(self.exchange.fakes[side])
            of_side: Any = self.discriminators[side]
            for part, judge in zip(self.terms.adversarial_parts, of_side, strict=True):
                verdicts = judge(fakes[:, part.planes]), judge(getattr(real, side)[:, part.planes])
                total = total + part.weight * self.terms.losses.discriminators(*verdicts)
        return {"loss": total}


class Translation(Learner):
    """The learner of both phases; the generator from low to target is what is kept."""

    def __init__(
        self, networks: Networks, terms: Terms, recipe: TranslationRecipe, seed: int
    ) -> None:
        exchange = Exchange()
        self.terms = terms
        self.pools = {
            side: ImagePool(recipe.pool, (seed, number)) for number, side in enumerate(SIDES)
        }
        phases = {
            "generators": Generators(networks, terms, exchange),
            "discriminators": Discriminators(networks, terms, exchange, self.pools),
        }
        super().__init__(
            networks.generators["target"],
            {name: Phase(module, adam(module, recipe)) for name, module in phases.items()},
        )

    def begin(self, step: int) -> None:
        """Seed the pools' draws of a step."""
        for pool in self.pools.values():
            pool.begin(step)

    def facts(self) -> dict[str, str]:
        """Return what regions were compared through, where they were."""
        return dict(self.terms.facts)

    def parts(self) -> dict[str, Resumable]:
        """Return the pools."""
        return {f"pool of {side} fakes": pool for side, pool in self.pools.items()}


def translation(
    recipe: TranslationRecipe, generator: Callable[[], nn.Module], terms: Terms, seed: int
) -> Translation:
    """Make the networks and what trains them.

    Parameters
    ----------
    generator : makes one, its weights drawn
    terms : what is minimised, and of which parts
    seed : of the first weights of all networks, and of the pools
    """

    def networks() -> Networks:
        judged = [len(range(6)[part.planes]) for part in terms.adversarial_parts]
        return Networks(
            nn.ModuleDict({side: generator() for side in SIDES}),
            nn.ModuleDict({
                side: nn.ModuleList(Discriminator(n, recipe.discriminator_width) for n in judged)
                for side in SIDES
            }),
        )  # fmt: skip

    made = drawn(networks, seed)  # type: ignore[arg-type]
    return Translation(made, terms, recipe, seed)


def absolute(made: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean absolute difference."""
    return (made - wanted).abs().mean()
