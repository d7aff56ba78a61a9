"""What the processes of a training must do together to train as one process does.

A loss that is a mean over crops needs nothing of this: Fabric averages its gradients, and every
process has as many crops. What is no mean, or is random, or remembers crops, does.

Source: Ioffe and Szegedy, Batch Normalization, ICML 2015, algorithm 1, over all crops of a step.
"""

# Shape suffixes: B crops of this process · A crops of all · C planes · H, W rows and columns

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn


def processes() -> int:
    """Return how many processes train together."""
    together = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if together else 1


def own(crops_A: Tensor) -> Tensor:
    """Return the crops of this process, of those of all in the order of the batch."""
    if processes() == 1:
        return crops_A
    return crops_A[distributed.get_rank() :: processes()]


@torch.no_grad()
def gathered(crops_B: Tensor) -> Tensor:
    """Return the crops of all processes in the order of the batch, without gradients."""
    if processes() == 1:
        return crops_B
    parts = [torch.empty_like(crops_B).contiguous() for _ in range(processes())]
    distributed.all_gather(parts, crops_B.contiguous())
    return torch.stack(parts, 1).flatten(0, 1)


def mean(values: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes; gradients flow back to all of them."""
    if processes() == 1:
        return values
    total: Tensor = _Sum.apply(values)
    return total / processes()


class _Sum(torch.autograd.Function):
    """The sum over all processes. Each one's loss depends on it, so their gradients add up."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])


def _summed(values: Tensor) -> Tensor:
    total = values.detach().clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the crops of all processes; torch's own shares on CUDA alone."""

    def forward(self, planes_BCHW: Tensor) -> Tensor:
        """Return normalised planes (B, C, H, W); in training the running statistics learn."""
        if not self.training or processes() == 1:
            return super().forward(planes_BCHW)
        planes = planes_BCHW.to(torch.promote_types(planes_BCHW.dtype, torch.float32))
        middle_C = mean(planes.mean((0, 2, 3)))
        apart = planes - middle_C.view(-1, 1, 1)
        variance_C = mean(apart.square().mean((0, 2, 3)))
        self._learn(middle_C, variance_C, planes.numel() // len(middle_C) * processes())
        normal = apart * torch.rsqrt(variance_C + self.eps).view(-1, 1, 1)
        scaled = normal * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)
        return scaled.to(planes_BCHW.dtype)

    @torch.no_grad()
    def _learn(self, middle_C: Tensor, variance_C: Tensor, values: int) -> None:
        """Move the running statistics towards those of `values` values in a plane."""
        momentum: Any = self.momentum
        running: tuple[Any, Any, Any] = (
            self.running_mean, self.running_var, self.num_batches_tracked
        )  # fmt: skip
        running[0].lerp_(middle_C, momentum)
        running[1].lerp_(variance_C * values / max(1, values - 1), momentum)
        running[2].add_(1)
