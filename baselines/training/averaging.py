"""A running mean of the weights: steadier than the last step's."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """The exponential moving average of a network's weights.

    The decay grows from 0.1 to its full value, so that the first weights are soon forgotten.
    A decay of 0 keeps the network's own weights.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = network
        self.decay = decay
        self.tensors: dict[str, Tensor] = network.state_dict()
        if decay:
            self.tensors = {name: t.detach().clone() for name, t in self.tensors.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        if not self.decay:
            return
        decay = min(self.decay, step / (step + 9))
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor, 1 - decay)
            else:  # what batch normalisation counts
                self.tensors[name].copy_(tensor)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averaged weights; none where they are the network's own."""
        return self.tensors if self.decay else {}

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        """Take averaged weights back."""
        for name, tensor in state_dict.items():
            self.tensors[name].copy_(tensor)
