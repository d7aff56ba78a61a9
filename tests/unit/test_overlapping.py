"""Overlapping patches: every pixel is the mean of the patches over it, at any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.inference.tiles import overlapping
from baselines.inference.tiles.overlapping import averaged

CPU = torch.device("cpu")


def frame(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (17, 17), (18, 19), (50, 33)])
@pytest.mark.parametrize("stride", [1, 3, 17])
def test_patches_left_as_they_are_give_the_frame_back(shape: tuple[int, int], stride: int):
    given = frame((2, 3, *shape))
    same = averaged(lambda patches: patches, given, side=17, stride=stride, device=CPU)
    np.testing.assert_allclose(same, given, rtol=1e-5)


def test_a_pixel_is_the_mean_of_the_patches_over_it():
    given = np.zeros((1, 1, 1, 7), np.float32)
    given[..., 3] = 1
    found = averaged(numbered, np.repeat(given, 4, axis=2), side=4, stride=3, device=CPU)
    # patches begin at 0 and 3, and are filled with the place of the one in them, 3 and 0
    np.testing.assert_allclose(found[0, 0, 0], [3, 3, 3, 1.5, 0, 0, 0])


def numbered(patches: Tensor) -> Tensor:
    columns = patches.view(-1, 4, 4)[:, 0].argmax(1)
    return columns[:, None].expand(-1, 16).float()


def test_bands_give_what_the_whole_frame_gives(monkeypatch: pytest.MonkeyPatch):
    given = frame((3, 1, 60, 45))
    whole = averaged(torch.sqrt, given, side=17, stride=3, device=CPU)
    counts = []

    def counting(patches: Tensor) -> Tensor:
        counts.append(len(patches))
        return torch.sqrt(patches)

    monkeypatch.setattr(overlapping, "PATCHES", 100)
    banded = averaged(counting, given, side=17, stride=3, device=CPU)
    np.testing.assert_allclose(banded, whole, rtol=1e-5)
    assert len(counts) > 5
    assert max(counts) <= 100
