"""Random crops straight from a store, as a torch Dataset: crop k is a pure function of (seed, k).

So a training can stop after any crop and go on with the next, in any number of processes, and
memory does not grow with the dataset.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lldata.sample import packed_shape, read_crop
from lldata.store import Store


class Crop(NamedTuple):
    """The same place of a short frame and of its reference."""

    packed: Tensor  # (C, size, size) float32 linear, 0 black, 1 white, not amplified, not clipped
    reference: Tensor  # (3, scale * size, scale * size) float32 in [0, 1]
    ratio: Tensor  # () float32, exposure ratio long over short, not capped


class Crops(Dataset[Crop]):
    """An endless sequence of random crops, in epochs of shuffled pairs.

    Parameters
    ----------
    store : the dataset
    pairs : the rows of `store.pairs` to draw from
    size : packed pixels on a side; frames must be at least as large
    seed : of everything that is random
    by_scene : an epoch shows each scene once, with one of its shorts drawn at random; else
        each pair once
    """

    def __init__(
        self, store: Store, pairs: pd.DataFrame, size: int, seed: int, *, by_scene: bool = False
    ) -> None:
        self.store = store
        self.size = size
        self.seed = seed
        self.pairs = pairs.reset_index(drop=True)
        self._columns = {str(name): self.pairs[name].to_numpy() for name in self.pairs}
        self._shapes: dict[int, tuple[int, int, int]] = {}  # of the packed frames met so far
        key = self.pairs["scene"] if by_scene else self.pairs["pair"]
        _, drawn, counts = np.unique(key.to_numpy(str), return_inverse=True, return_counts=True)
        # the rows of each scene, or the one of each pair
        self.draws = np.split(np.argsort(drawn, kind="stable"), counts.cumsum()[:-1])

    @property
    def epoch(self) -> int:
        """The crops of one epoch."""
        return len(self.draws)

    def __getitem__(self, index: int) -> Crop:
        epoch, position = divmod(index, self.epoch)
        order = np.random.default_rng((self.seed, 0, epoch)).permutation(self.epoch)
        random = np.random.default_rng((self.seed, 1, index))
        number = int(random.choice(self.draws[order[position]]))
        row = self._row(number)
        if number not in self._shapes:
            self._shapes[number] = packed_shape(self.store, row)
        _, height, width = self._shapes[number]
        y = int(random.integers(height - self.size + 1))
        x = int(random.integers(width - self.size + 1))
        packed, reference = read_crop(self.store, row, y, x, self.size)
        ratio = torch.tensor(row.ratio, dtype=torch.float32)
        return flipped(Crop(torch.from_numpy(packed), torch.from_numpy(reference), ratio), random)

    def _row(self, number: int) -> SimpleNamespace:
        """Return a row of the pairs; pandas takes longer for it than reading the crop."""
        return SimpleNamespace(**{name: column[number] for name, column in self._columns.items()})


def flipped(crop: Crop, random: np.random.Generator) -> Crop:
    """Mirror and transpose a crop at random, each with probability 1/2.

    The planes are not exchanged, so within a packed pixel the colours stay where they were while
    the reference moves: by half a packed pixel at most, as in SID's released training.
    """
    packed, reference = crop.packed, crop.reference
    upside_down, mirrored, transposed = random.random(3) < 0.5
    axes = [axis for axis, turn in ((-2, upside_down), (-1, mirrored)) if turn]
    packed, reference = packed.flip(axes), reference.flip(axes)
    if transposed:
        packed, reference = packed.mT, reference.mT
    return Crop(packed.contiguous(), reference.contiguous(), crop.ratio)
