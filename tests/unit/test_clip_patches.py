"""Patches of unpaired clips, out of frames whose every pixel says where it stands."""

from __future__ import annotations

import pickle
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from lldata.dataset import ClipPatches, PatchPair
from lldata.errors import LowLightError
from lldata.store import Store
from tests.clip_folders import stored, write_scene

HEIGHT, WIDTH, SIZE = 24, 30, 8


def signed(frames: int) -> list[np.ndarray]:
    """Return frames whose pixels hold row, column and number, each times 100."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = (np.stack([y, x, np.full_like(y, n)], axis=2) for n in range(frames))
    return [(100 * each).astype(np.uint16) for each in pixels]


class Place(NamedTuple):
    frame: int
    top: int
    left: int
    laid: tuple[bool, bool, bool]  # rows fall, columns fall, rows and columns exchanged


def place_of(patch: Tensor) -> Place:
    """Read off a patch where it is from; it must be a whole square."""
    y, x, frame = np.rint(patch.numpy() * 65535).astype(int) // 100
    turned = bool(y[0, 0] == y[1, 0])
    rows, columns = (y.T, x.T) if turned else (y, x)
    falls = bool(rows[0, 0] > rows[1, 0]), bool(columns[0, 0] > columns[0, 1])
    line, first = np.arange(SIZE), (rows.min(), columns.min())
    np.testing.assert_array_equal(rows[:: -1 if falls[0] else 1, 0], first[0] + line)
    np.testing.assert_array_equal(columns[0, :: -1 if falls[1] else 1], first[1] + line)
    assert np.unique(frame).size == 1
    return Place(int(frame[0, 0]), int(first[0]), int(first[1]), (*falls, turned))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Store:
    src = tmp_path_factory.mktemp("src")
    for scene in ("Horse", "Night"):
        write_scene(src, scene, low=signed(3), target=signed(2))
    return stored(src, tmp_path_factory.mktemp("home") / "d")


def patches(dataset: Store, **changes: object) -> ClipPatches:
    given = {"epoch": 10, "region": 16, "seed": 5} | changes
    return ClipPatches(dataset, dataset.pairs, SIZE, **given)  # type: ignore[arg-type]


def equal(a: PatchPair, b: PatchPair) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_pair_is_two_patches_and_two_regions_of_one_size(dataset: Store):
    pair = patches(dataset)[0]
    assert {(tuple(each.shape), each.dtype) for each in pair} == {((3, SIZE, SIZE), torch.float32)}
    assert patches(dataset).epoch == 10


def test_pair_k_is_the_same_whenever_it_is_asked_for_and_of_a_pickled_copy(dataset: Store):
    given = patches(dataset)
    first = [given[k] for k in range(4)]
    copy = pickle.loads(pickle.dumps(given))  # noqa: S301
    assert all(equal(copy[k], first[k]) for k in reversed(range(4)))


def test_another_seed_and_another_number_give_another_pair(dataset: Store):
    given, other = patches(dataset), patches(dataset, seed=6)
    assert not any(equal(given[k], other[k]) or equal(given[k], given[k + 10]) for k in range(6))


def test_every_frame_corner_and_way_to_lay_a_patch_is_drawn(dataset: Store):
    pairs = [patches(dataset)[k] for k in range(250)]
    for drawn, frames in (
        ([place_of(pair.low) for pair in pairs], 3),
        ([place_of(pair.target) for pair in pairs], 2),
    ):
        assert {place.frame for place in drawn} == set(range(frames))
        assert {place.top for place in drawn} == set(range(HEIGHT - SIZE + 1))
        assert {place.left for place in drawn} == set(range(WIDTH - SIZE + 1))
        assert len({place.laid for place in drawn}) == 8


def test_low_and_target_of_a_pair_have_nothing_in_common(dataset: Store):
    places = [[place_of(each) for each in (pair.low, pair.target)]
              for pair in map(patches(dataset).__getitem__, range(250))]  # fmt: skip
    for number in (1, 2):  # top, left
        low, target = np.array([[p[number] for p in both] for both in places]).T
        assert abs(np.corrcoef(low, target)[0, 1]) < 0.15
    assert (
        0.05 < np.mean([low.laid == target.laid for low, target in places]) < 0.2
    )  # by chance 1/8


def test_a_region_is_about_the_centre_of_its_patch_and_laid_alike(dataset: Store):
    centre = slice(SIZE // 4, -SIZE // 4)
    for k in range(40):
        pair = patches(dataset)[k]
        for patch, region in ((pair.low, pair.low_region), (pair.target, pair.target_region)):
            halved = patch.reshape(3, SIZE // 2, 2, SIZE // 2, 2).mean((2, 4))
            torch.testing.assert_close(region[:, centre, centre], halved, rtol=0, atol=1e-6)


def test_a_region_of_the_size_of_the_patch_is_the_patch(dataset: Store):
    pair = patches(dataset, region=SIZE)[3]
    assert torch.equal(pair.low, pair.low_region)
    assert torch.equal(pair.target, pair.target_region)


def test_the_first_frames_alone_can_be_asked_for(dataset: Store):
    given = patches(dataset, first_frame_only=True)
    assert {place_of(p).frame for k in range(30) for p in (given[k].low, given[k].target)} == {0}


def test_of_a_camera_that_stood_still_both_can_show_one_place(dataset: Store):
    given = patches(dataset, same_place=True)
    pairs = [given[k] for k in range(60)]
    assert all(place_of(pair.low) == place_of(pair.target) for pair in pairs)
    assert {place_of(pair.low).frame for pair in pairs} == {0, 1}  # the target has two


def test_without_a_region_the_protocol_decides_scene_by_scene(dataset: Store):
    horse = dataset.pairs[dataset.pairs["scene"] == "Horse"]
    wide = ClipPatches(dataset, horse, SIZE, 5, epoch=10)[0]  # 2500 px: mirrored many times
    assert wide.low_region[0].std() < 0.1 * wide.low_region[0].mean()
    with pytest.raises(LowLightError, match="uhr_clips names none for frames of 30x24"):
        ClipPatches(dataset, dataset.pairs, SIZE, 5, epoch=10)
