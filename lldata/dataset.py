"""Random crops straight from a store, as torch Datasets: crop k is a pure function of (seed, k).

So a training can stop after any crop and go on with the next, in any number of processes, and
memory does not grow with the dataset.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lldata.augmentation import Augmentation
from lldata.errors import StoreError
from lldata.mosaic_crops import corner, read_synthetic, read_turned
from lldata.patches import Geometry, Planes, read_patches, region_of
from lldata.protocol import Degradation, SynthesisProtocol, parse
from lldata.sample import Mosaic, read_crop, read_mosaic, read_picture_crop
from lldata.scene import DRAWN, drawn_facts
from lldata.store import Store
from lldata.synthesis import retinex
from lldata.synthesis.shorts import NoisyShorts
from lldata.view import View, key_of

_Place = tuple[int, int, int, Geometry]  # of a patch: frame, top, left, how it is laid


class Crop(NamedTuple):
    """The same place of a short frame and of its reference."""

    packed: Tensor  # (C, size, size) float32 linear, 0 black, 1 white, not amplified, not clipped
    reference: Tensor  # (3, scale * size, scale * size) float32 in [0, 1]
    ratio: Tensor  # () float32, exposure ratio long over short, not capped


class PictureCrop(NamedTuple):
    """The same place of a dark picture and of the normally lit one."""

    low: Tensor  # (3, size, size) float32 in [0, 1]
    reference: Tensor  # (3, size, size) float32 in [0, 1]
    drawn: Tensor  # (3,) float32: alpha, gamma, noise_sigma; NaN where nothing was synthesised


class PatchPair(NamedTuple):
    """A patch of a low clip and one of its target clip, each with its surroundings."""

    low: Tensor  # (3, size, size) float32 in [0, 1]
    low_region: Tensor  # (3, size, size), the square around the patch, reduced
    target: Tensor
    target_region: Tensor


class Crops(Dataset[Crop]):
    """An endless sequence of random crops, in epochs of shuffled pairs.

    Parameters
    ----------
    store : the dataset, or a view over several
    pairs : the rows of `store.pairs` to draw from
    size : packed pixels on a side; frames must be at least as large
    seed : of everything that is random
    by_scene : an epoch shows each scene once, with one of its shorts drawn at random; else
        each pair once
    turning : "published" flips and transposes the packed planes, "cfa" the mosaic, keeping the
        phase of its CFA: frames must then be larger by `surplus`
    shorts : makes some or all shorts of the long frames, which every pair must then have
    """

    def __init__(
        self,
        store: Store | View,
        pairs: pd.DataFrame,
        size: int,
        seed: int,
        *,
        by_scene: bool = False,
        turning: Augmentation = "published",
        shorts: NoisyShorts | None = None,
    ) -> None:
        self.store = store
        self.size = size
        self.seed = seed
        self.turning = turning
        self.shorts = shorts
        self.pairs = pairs.reset_index(drop=True)
        self._rows = _Rows(self.pairs)
        self._mosaics: dict[int, Mosaic] = {}  # of the rows met so far; equal ones are one
        self._distinct: dict[Mosaic, Mosaic] = {}
        key = key_of(self.pairs, "scene" if by_scene else "pair")
        _, drawn, counts = np.unique(key.to_numpy(str), return_inverse=True, return_counts=True)
        # the rows of each scene, or the one of each pair
        self.draws = np.split(np.argsort(drawn, kind="stable"), counts.cumsum()[:-1])

    @property
    def epoch(self) -> int:
        """The crops of one epoch."""
        return len(self.draws)

    def __getitem__(self, index: int) -> Crop:
        place, random = _shuffled(self.seed, index, self.epoch)
        number = int(random.choice(self.draws[place]))
        row = self._rows[number]
        store = self.store.store_of(row) if isinstance(self.store, View) else self.store
        ratio = row.ratio
        if self.shorts is not None and self.shorts.wanted(random):
            *planes, ratio = read_synthetic(
                store, row, self.shorts, self.size, random, self.turning
            )
        elif self.turning == "cfa":
            planes = [*read_turned(store, row, self._known(store, number), self.size, random)]
        else:
            known = self._known(store, number)
            y, x = corner(known.packed_shape, self.size, random)
            planes = [*read_crop(store, row, y, x, self.size, known)]
        packed, reference = map(torch.from_numpy, planes)
        crop = Crop(packed, reference, torch.tensor(ratio, dtype=torch.float32))
        return crop if self.turning == "cfa" else flipped(crop, random)

    def _known(self, store: Store, number: int) -> Mosaic:
        """Return the levels and the size of the short of a row, read once."""
        if number not in self._mosaics:
            found = read_mosaic(store, self._rows[number])
            self._mosaics[number] = self._distinct.setdefault(found, found)
        return self._mosaics[number]


class PictureCrops(Dataset[PictureCrop]):
    """An endless sequence of random crops of ready or synthesised pictures, in shuffled epochs.

    Parameters
    ----------
    store : the dataset
    pairs : the rows of `store.pairs` to draw from
    size : pixels on a side; pictures must be at least as large
    seed : of everything that is random
    redraw : darken each crop of the normal picture anew, as the dataset's protocol says: alpha,
        gamma and noise then follow from seed and index, and differ from epoch to epoch

    Raises
    ------
    StoreError
        If it is to redraw a dataset that was not synthesised.
    """

    def __init__(
        self, store: Store, pairs: pd.DataFrame, size: int, seed: int, *, redraw: bool = False
    ) -> None:
        self.store = store
        self.size = size
        self.seed = seed
        self.pairs = pairs.reset_index(drop=True)
        self.degradation = _degradation(store) if redraw else None
        self._rows = _Rows(self.pairs)

    @property
    def epoch(self) -> int:
        """The crops of one epoch."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> PictureCrop:
        place, random = _shuffled(self.seed, index, self.epoch)
        row = self._rows[place]
        height, width = self.store.shape(row.scene, row.reference, "normal")
        y = int(random.integers(height - self.size + 1))
        x = int(random.integers(width - self.size + 1))
        low, reference = read_picture_crop(self.store, row, y, x, self.size)
        if self.degradation is None:
            drawn = _as_stored(self.store, row)
        else:
            low, drawn = _darkened(reference, self.degradation, random)
        pictures = _turned(torch.from_numpy(low), torch.from_numpy(reference), random)
        return PictureCrop(*pictures, drawn=torch.tensor(drawn, dtype=torch.float32))


class ClipPatches(Dataset[PatchPair]):
    """An endless sequence of patches of clips, low and target at places of their own.

    Parameters
    ----------
    store : the dataset
    pairs : the rows of `store.pairs`, a scene each, to draw from
    size : pixels on a side of a patch; frames must be at least as large
    seed : of everything that is random
    epoch : patches that make an epoch
    region : pixels on a side of the square around a patch; default what the protocol says, and
        the patch itself where `same_place` is asked for
    first_frame_only : patches of the first frame of each clip alone
    same_place : low and target of a pair show one place of the frame of one number, laid alike;
        they are the same thing only where the camera stood still
    """

    def __init__(
        self,
        store: Store,
        pairs: pd.DataFrame,
        size: int,
        seed: int,
        *,
        epoch: int,
        region: int | None = None,
        first_frame_only: bool = False,
        same_place: bool = False,
    ) -> None:
        self.store = store
        self.pairs = pairs.reset_index(drop=True)
        self.size = size
        self.seed = seed
        self.epoch = epoch
        self.first_frame_only = first_frame_only
        self.same_place = same_place
        self._rows = _Rows(self.pairs)
        self.region = size if same_place and region is None else region
        self._regions = {
            (scene, clip): region_of(store, scene, clip) if self.region is None else self.region
            for scene in self.pairs["scene"]
            for clip in ("low", "target")
        }

    def __getitem__(self, index: int) -> PatchPair:
        random = np.random.default_rng((self.seed, 2, index))
        row = self._rows[int(random.integers(len(self.pairs)))]
        scene = row.scene
        shapes = {clip: self.store.clip_shape(scene, clip) for clip in ("low", "target")}
        if self.same_place:
            least = [min(sides) for sides in zip(*shapes.values(), strict=True)]
            place = self._place(least, random)
            patches = [self._patch(scene, clip, *place) for clip in shapes]
        else:
            patches = [self._patch(scene, c, *self._place(s, random)) for c, s in shapes.items()]
        return PatchPair(*(torch.from_numpy(each) for both in patches for each in both))

    def _place(self, shape: Sequence[int], random: np.random.Generator) -> _Place:
        """Draw frame, top and left of a patch in a clip (frames, H, W), and how it is laid."""
        frames, height, width = shape
        frame = 0 if self.first_frame_only else int(random.integers(frames))
        y = int(random.integers(height - self.size + 1))
        x = int(random.integers(width - self.size + 1))
        return frame, y, x, Geometry(*(bool(turn) for turn in random.random(3) < 0.5))

    def _patch(
        self, scene: str, clip: str, frame: int, y: int, x: int, geometry: Geometry
    ) -> tuple[Planes, Planes]:
        return read_patches(
            self.store, scene, clip, frame, y, x,
            local_px=self.size, region_px=self._regions[scene, clip], geometry=geometry,
        )  # fmt: skip


def _degradation(store: Store) -> Degradation:
    """Return how the protocol that a dataset was made under darkens."""
    protocol = parse(store.protocol, store.protocol_text)
    if not isinstance(protocol, SynthesisProtocol):
        raise StoreError(
            f"dataset {store.name}", "its dark pictures are captures",
            "only synthesised ones can be drawn anew", "Use a set made by lldata synthesize",
        )  # fmt: skip
    return protocol.degradation


def flipped(crop: Crop, random: np.random.Generator) -> Crop:
    """Mirror and transpose a crop at random, each with probability 1/2.

    The planes are not exchanged, so within a packed pixel the colours stay where they were while
    the reference moves: by half a packed pixel at most, as in SID's released training.
    """
    packed, reference = _turned(crop.packed, crop.reference, random)
    return Crop(packed, reference, crop.ratio)


def _turned(a: Tensor, b: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    upside_down, mirrored, transposed = random.random(3) < 0.5
    axes = [axis for axis, turn in ((-2, upside_down), (-1, mirrored)) if turn]
    a, b = a.flip(axes), b.flip(axes)
    if transposed:
        a, b = a.mT, b.mT
    return a.contiguous(), b.contiguous()


class _Rows:
    """The rows of a pair table; pandas takes longer for one than reading the crop."""

    def __init__(self, pairs: pd.DataFrame) -> None:
        self._columns = {str(name): pairs[name].to_numpy() for name in pairs}

    def __getitem__(self, number: int) -> SimpleNamespace:
        return SimpleNamespace(**{name: column[number] for name, column in self._columns.items()})


def _shuffled(seed: int, index: int, epoch_length: int) -> tuple[int, np.random.Generator]:
    """Return which place of an epoch crop `index` shows, and what all else of it is drawn from."""
    epoch, position = divmod(index, epoch_length)
    order = np.random.default_rng((seed, 0, epoch)).permutation(epoch_length)
    return int(order[position]), np.random.default_rng((seed, 1, index))


def _darkened(
    normal: NDArray[np.float32], degradation: Degradation, random: np.random.Generator
) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
    """Return a crop (3, h, w) darkened by what is drawn, and alpha, gamma and noise_sigma."""
    drawn = retinex.draw(degradation, random)
    low = retinex.darken(normal, drawn, random)
    if degradation.eight_bit:
        low = np.rint(low * 255) / np.float32(255)
    return low, (drawn.alpha, drawn.gamma, drawn.noise_sigma)


def _as_stored(store: Store, row: Any) -> tuple[float, float, float]:
    """Return alpha, gamma and noise_sigma of a stored dark picture, NaN where it has none."""
    _, facts = store.picture(row.scene, row.short, "low", (slice(0, 0), slice(0, 0)))
    drawn = drawn_facts({row.short: facts}).get(row.short, {})
    alpha, gamma, sigma = (drawn.get(key, math.nan) for key in DRAWN)
    return alpha, gamma, sigma
