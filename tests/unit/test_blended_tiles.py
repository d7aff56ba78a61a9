"""Tiles cover a frame with weights that sum to one, and fade into each other."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.inference.tiles.blended_tiles import blended, tiles


@pytest.mark.parametrize(
    ("length", "side"), [(1, 1), (7, 16), (16, 16), (17, 16), (100, 16), (5, 1)]
)
def test_tiles_cover_a_side_with_weights_that_sum_to_one(length: int, side: int):
    total = np.zeros(length)
    for tile in tiles(length, side):
        assert tile.last - tile.first == min(side, length)
        total[tile.first : tile.last] += tile.weights
    np.testing.assert_allclose(total, 1, rtol=1e-6)


def test_neighbouring_tiles_share_an_eighth_and_are_blended_there():
    first, second = tiles(30, 16)
    assert (first.first, first.last, second.first, second.last) == (0, 16, 14, 30)
    np.testing.assert_allclose(first.weights[-3:], [1, 2 / 3, 1 / 3], rtol=1e-6)


def test_tiles_left_as_they_are_give_the_frame_back():
    frame = np.random.default_rng(0).random((3, 33, 50), np.float32)
    same = blended(lambda tile: tile, frame, 16)
    np.testing.assert_allclose(same, frame, rtol=1e-5)


def test_a_frame_no_larger_than_a_tile_is_one():
    shapes = []
    blended(lambda tile: shapes.append(tile.shape) or tile, np.ones((3, 9, 16), np.float32), 16)
    assert shapes == [(3, 9, 16)]
