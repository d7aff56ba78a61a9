from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lldata.dataset import Crop, Crops, flipped
from lldata.sample import read_crop
from tests.stores import night


@pytest.fixture
def crops(tmp_path: Path) -> Crops:
    dataset = night(tmp_path / "night")
    return Crops(dataset, dataset.usable("train"), 8, seed=5)


def equal(a: Crop, b: Crop) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_crop_is_float32_of_both_resolutions_with_its_ratio(crops: Crops):
    crop = crops[0]
    assert (crop.packed.shape, crop.reference.shape) == ((4, 8, 8), (3, 16, 16))
    assert {tensor.dtype for tensor in crop} == {torch.float32}
    assert crop.ratio.item() == 100


def test_crop_k_is_the_same_whenever_and_wherever_it_is_asked_for(crops: Crops):
    first = [crops[k] for k in range(6)]
    copy = pickle.loads(pickle.dumps(crops))  # noqa: S301
    assert all(equal(copy[k], first[k]) for k in reversed(range(6)))


def test_workers_give_the_crops_that_this_process_gives(crops: Crops):
    loader = DataLoader(crops, None, sampler=range(4), num_workers=1,
                        multiprocessing_context="spawn")  # fmt: skip
    assert all(equal(crop, crops[k]) for k, crop in enumerate(loader))


def test_other_seeds_give_other_crops(crops: Crops):
    other = Crops(crops.store, crops.pairs, 8, seed=6)
    assert not any(equal(crops[k], other[k]) for k in range(6))


def test_packed_and_reference_of_a_crop_show_the_same_place(crops: Crops):
    # on the light of the tests the reference is linear: ratio times short, with the noise averaged
    crop = crops[1]
    seen = (crop.packed[1] * crop.ratio).numpy()
    shown = crop.reference[1].numpy().reshape(8, 2, 8, 2).mean((1, 3))
    assert np.corrcoef(seen.ravel(), shown.ravel())[0, 1] > 0.8


def test_an_epoch_shows_every_pair_once(crops: Crops, monkeypatch: pytest.MonkeyPatch):
    shown = []

    def noted(store, row, y, x, size, known):  # type: ignore[no-untyped-def]
        shown.append(row.scene)
        return read_crop(store, row, y, x, size, known)

    monkeypatch.setattr("lldata.dataset.read_crop", noted)
    for k in range(2 * crops.epoch):
        crops[k]
    assert crops.epoch == 3
    assert sorted(shown[:3]) == sorted(shown[3:]) == ["00001", "00002", "00003"]


def test_an_epoch_by_scene_draws_one_short_of_each(tmp_path: Path):
    dataset = night(tmp_path / "night", exposures=(0.1, 0.04))
    crops = Crops(dataset, dataset.usable("train"), 8, seed=0, by_scene=True)
    assert crops.epoch == 3
    assert {crops[k].ratio.item() for k in range(30)} == {100.0, 250.0}


def test_mirroring_and_transposing_move_both_pictures_alike():
    reference = torch.arange(16.0).reshape(1, 4, 4)
    crop = Crop(reference[:, ::2, ::2].clone(), reference, torch.tensor(1.0))
    seen = set()
    for seed in range(40):
        packed, turned, _ = flipped(crop, np.random.default_rng(seed))
        corners = turned[0, [0, 0, 3, 3], [0, 3, 0, 3]]
        seen.add(tuple(corners.tolist()))
        # the packed value lies in the 2x2 block of the reference that covers the same place
        blocks = turned.reshape(2, 2, 2, 2).permute(0, 2, 1, 3).reshape(2, 2, 4)
        assert (blocks == packed[0][..., None]).any(-1).all()
    assert len(seen) == 8  # all symmetries of the square


def test_x_trans_crops_are_nine_planes_and_three_times_as_large(tmp_path: Path):
    dataset = night(tmp_path / "n", pattern="RBGBRGGGRGGBGGBGGRBRGRBGGGBGGRGGRGGB")
    crop = Crops(dataset, dataset.usable("train"), 8, seed=0)[0]
    assert (crop.packed.shape, crop.reference.shape) == ((9, 8, 8), (3, 24, 24))
