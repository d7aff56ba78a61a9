"""The batches of a run, read here or by worker processes, each process's share of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset, default_collate

from baselines.training.plan import Plan
from lldata.errors import LowLightError


@dataclass(frozen=True)
class Order:
    """The crops of each step: every process takes its share of the same batch."""

    steps: range
    batch: int
    rank: int
    processes: int

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            first = step * self.batch
            yield list(range(first + self.rank, first + self.batch, self.processes))

    def __len__(self) -> int:
        return len(self.steps)


class Told(Dataset[Any]):
    """Crops, or in place of one the mistake that kept it from being read.

    Torch raises what a worker raised again as another error, with a traceback for its text.
    """

    def __init__(self, crops: Any) -> None:
        self.crops = crops

    def __getitem__(self, index: int) -> Any:
        try:
            return self.crops[index]
        except LowLightError as error:
            return error


def collated(crops: Sequence[Any]) -> Any:
    """Return a batch of crops, or the first mistake among them."""
    mistakes = [crop for crop in crops if isinstance(crop, LowLightError)]
    return mistakes[0] if mistakes else default_collate(list(crops))


def read(crops: Any, order: Order, *, workers: int, pinned: bool = False) -> Iterator[Any]:
    """Yield the batches of an order.

    Parameters
    ----------
    crops : index -> named tuple of tensors
    workers : processes that read; 0: this one does
    pinned : whether they lie where an accelerator fetches them from

    Raises
    ------
    LowLightError
        As `crops`, whichever process met it.
    """
    loader: DataLoader[Any] = DataLoader(
        Told(crops),
        batch_sampler=order,
        num_workers=workers,
        collate_fn=collated,
        pin_memory=pinned,
        multiprocessing_context="spawn" if workers else None,
    )
    for batch in loader:
        if isinstance(batch, LowLightError):
            raise batch
        yield batch


def batches(plan: Plan, fabric: Fabric, start: int) -> Iterator[Any]:
    """Yield the batches of the steps that are left, on the device.

    Crops are read in this process on a CPU, whose cores the network needs anyway.
    """
    steps = range(start, plan.steps)
    order = Order(steps, plan.recipe.batch, fabric.global_rank, fabric.world_size)
    place: torch.device = fabric.device
    workers = 0 if place.type == "cpu" else min(8, (os.cpu_count() or 1) - 1)
    for batch in read(plan.crops, order, workers=workers, pinned=place.type == "cuda"):
        yield fabric.to_device(batch)
