"""Fakes of earlier steps, for discriminators that are not to forget what they have seen.

Source: Shrivastava et al., Learning from Simulated and Unsupervised Images through Adversarial
Training, CVPR 2017, section 2.3; 50 pictures and a chance of one half: Zhu et al., CycleGAN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from baselines.training import together


class ImagePool:
    """Up to `size` pictures; each new one is shown itself, or takes the place of one that is.

    Parameters
    ----------
    size : pictures held; 0 shows each new one
    seed : with the number of the step it decides what is shown
    """

    def __init__(self, size: int, seed: tuple[int, ...]) -> None:
        self.size = size
        self.seed = seed
        self.held: list[Tensor] = []
        self._random = np.random.default_rng(seed)

    def begin(self, step: int) -> None:
        """Begin a step: what is shown in it does not hang on where a run was resumed."""
        self._random = np.random.default_rng((*self.seed, step))

    def shown(self, fakes_BCHW: Tensor) -> Tensor:
        """Return as many pictures as are given, each new or held; without gradients.

        Every process of a training holds the same pictures: those of the whole batch.
        """
        fakes = together.gathered(fakes_BCHW.detach())
        return together.own(torch.stack([self._shown(fake) for fake in fakes]))

    def _shown(self, fake: Tensor) -> Tensor:
        if len(self.held) < self.size:
            self.held.append(fake.clone())
            return fake
        if not self.size or self._random.random() < 0.5:
            return fake
        place = int(self._random.integers(self.size))
        former = self.held[place].to(fake.device)
        self.held[place] = fake.clone()
        return former

    def state_dict(self) -> dict[str, Any]:
        """Return the pictures held."""
        return {"held": self.held}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take them back."""
        self.held = list(state_dict["held"])
