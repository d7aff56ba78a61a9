"""What the training of two generators is decided by, besides what every training is."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.options import choose, number, whole
from baselines.training.adversarial import ADVERSARIES, LEAST_SIDE
from baselines.training.recipe import Recipe


@dataclass(frozen=True)
class TranslationRecipe(Recipe):
    """A recipe of CycleGAN: its networks, its losses and how much each counts."""

    width: int = 64  # planes of the generators' finest level
    blocks: int = 9  # residual blocks
    discriminator_width: int = 64  # planes of the discriminators' first layer
    adversary: str = "lsgan"  # or ralsgan, relativistic, or ralsgan_code: with targets 1 and 0
    adversarial: float = 1.0  # weight of the adversarial loss
    cycle: float = 10.0  # weight of the cycle consistency loss
    identity: float = 5.0  # weight of the identity loss
    pool: int = 50  # fakes of earlier steps shown to a discriminator

    def __post_init__(self) -> None:
        """Check the networks and the losses as well."""
        super().__post_init__()
        whole("crop", self.crop, LEAST_SIDE)
        for name in ("width", "blocks", "discriminator_width"):
            whole(name, getattr(self, name), 1, 1024)
        whole("pool", self.pool, 0, 100_000)
        for name in ("adversarial", "cycle", "identity"):
            number(name, getattr(self, name), 0, 1e6)
        choose("adversary", self.adversary, tuple(ADVERSARIES))
