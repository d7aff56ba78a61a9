from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from baselines.inference.tiles.patch_merging import merge, shares, starts
from lldata.patches import read_patches
from tests.clip_folders import film, stored, write_scene

RNG = np.random.default_rng(5)


def same(local: np.ndarray, _: np.ndarray | None) -> np.ndarray:
    return local


@pytest.mark.parametrize("size", [(1, 1), (5, 90), (36, 36), (37, 101), (80, 64)])
@pytest.mark.parametrize("side", [36, 35, 1])
def test_patches_left_as_they_are_give_the_frame(size: tuple[int, int], side: int):
    frame = RNG.random((3, *size), np.float32)
    np.testing.assert_allclose(merge(same, frame, local_px=side, batch=3), frame, atol=1e-6)


@pytest.mark.parametrize("length", [1, 7, 36, 37, 55, 300])
def test_every_pixel_lies_in_a_whole_patch_and_weights_are_positive_and_sum_to_one(length: int):
    begins = starts(length, 36)
    weights = shares(begins, length, 36)
    total = np.zeros(length)
    for begin, weight in zip(begins, weights, strict=True):
        inside = slice(max(begin, 0), min(begin + 36, length))
        part = weight[inside.start - begin : inside.stop - begin]
        assert (part > 0).all()
        total[inside] += part
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert np.diff(begins).tolist() == [18] * (len(begins) - 1)


def test_a_pixel_between_two_patches_is_weighted_by_their_gaussians():
    calls: list[int] = []

    def numbered(local: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        calls.append(len(calls))
        return np.full_like(local, calls[-1])

    found = merge(numbered, np.zeros((3, 12, 18), np.float32), local_px=12)
    near, far = (np.exp(-0.5 * ((x - 5.5) / 2) ** 2) for x in (8, 2))  # of 8 px and 6 px earlier
    assert len(calls) == 2
    np.testing.assert_allclose(found[0, :, 8], far / (near + far), rtol=1e-5)
    assert (found[0, :, :6] == 0).all()
    assert (found[0, :, 12:] == 1).all()


def test_patches_and_regions_are_those_a_dataset_is_trained_on(tmp_path: Path):
    write_scene(tmp_path / "src", low=film(1, 1, size=(40, 56)))
    store = stored(tmp_path / "src", tmp_path / "out")
    frame = store.clip_frame("Night", "low", 0).transpose(2, 0, 1) / np.float32(65535)
    got: list[tuple[np.ndarray, np.ndarray]] = []

    def kept(local: np.ndarray, region: np.ndarray | None) -> np.ndarray:
        assert region is not None
        got.extend(zip(local, region, strict=True))
        return local

    merge(kept, np.ascontiguousarray(frame), local_px=20, region_px=50, batch=4)
    corners = [(y, x) for y in starts(40, 20) for x in starts(56, 20)]
    assert len(got) == len(corners)
    for (y, x), found in zip(corners, got, strict=True):
        expected = read_patches(store, "Night", "low", 0, y, x, local_px=20, region_px=50)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_frame_mirrored_gives_the_result_mirrored():
    frame = RNG.random((3, 40, 76), np.float32)

    def brightened(local: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        return local / local.max(axis=(1, 2, 3), keepdims=True)

    there = merge(brightened, frame, local_px=24)
    back = merge(brightened, np.ascontiguousarray(frame[..., ::-1]), local_px=24)[..., ::-1]
    np.testing.assert_allclose(there, back, atol=1e-6)


def test_memory_is_one_result_and_some_patches():
    frame, patch = np.zeros((3, 1200, 1600), np.float32), 3 * 60 * 60 * 4
    tracemalloc.start()
    merge(same, frame, local_px=60, region_px=100, batch=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < frame.nbytes + 40 * patch


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"local_px": 20, "region_px": 10}, "patches of 20 px in regions of 10"),
        ({"local_px": 20, "region_px": 41}, "20 px and regions of 41 have no common"),
        ({"local_px": 0}, "patches of 0 px"),
        ({"batch": 0}, "360, 0 at once"),
    ],
)
def test_sides_that_do_not_fit_are_refused(sides: dict[str, int], message: str):
    with pytest.raises(ValueError, match=message):
        merge(same, np.zeros((3, 40, 40), np.float32), **sides)
