from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lldata import cfa
from lldata.augmentation import moved, turned
from lldata.dataset import Crop, Crops, flipped
from lldata.mosaic_crops import surplus
from lldata.patches import Geometry
from tests.stores import night

PATTERNS = (cfa.BAYER, cfa.XTRANS)
WAYS = [Geometry(*turns) for turns in product((False, True), repeat=3)]


def numbered(side: int) -> np.ndarray:
    """Return a mosaic whose every site has a number of its own, row by row."""
    return np.arange(side * side, dtype=np.float32).reshape(side, side)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PATTERNS), st.sampled_from(WAYS), st.integers(2, 5))
def test_turning_planes_is_turning_mosaic_and_reference_and_packing(pattern, geometry, periods):
    period = cfa.layout(pattern).period
    mosaic = numbered(periods * period)
    reference = np.stack([mosaic, mosaic + 0.25, mosaic + 0.5])
    packed, shown = turned(cfa.pack(mosaic, pattern), reference, geometry, pattern)
    top, left = moved(geometry, pattern)
    size = (periods - 1) * period
    laid = geometry(mosaic)[top : top + size, left : left + size]
    assert np.array_equal(packed, cfa.pack(np.ascontiguousarray(laid), pattern))
    # what each site saw is what the reference shows there
    assert np.array_equal(cfa.unpack(packed, pattern, (size, size)), shown[0])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PATTERNS), st.sampled_from(WAYS), st.integers(2, 4))
def test_every_site_keeps_its_colour(pattern, geometry, periods):
    period = cfa.layout(pattern).period
    side = periods * period
    tile = cfa.letters(pattern)
    colours = np.tile(tile, (periods, periods))
    packed, shown = turned(cfa.pack(numbered(side), pattern), numbered(side)[None].repeat(3, 0),
                           geometry, pattern)  # fmt: skip
    seen = cfa.unpack(packed, pattern, shown.shape[1:]).astype(int)
    assert np.array_equal(colours.ravel()[seen], np.tile(tile, (periods - 1, periods - 1)))


def test_a_mirrored_bayer_crop_is_moved_by_one_raw_pixel_and_a_transposed_one_not_at_all():
    for way in WAYS:
        flips = way.flip_rows, way.flip_columns
        assert moved(way, cfa.BAYER) == (flips[::-1] if way.transposed else flips)


def out_of_place(pattern: str, turn: Callable[[np.ndarray, np.ndarray], tuple]) -> float:
    """Return by how many raw pixels planes and reference of a turned crop disagree at most."""
    side = 4 * cfa.layout(pattern).period
    away = []
    for places in np.mgrid[:side, :side].astype(np.float32):
        packed, shown = turn(cfa.pack(places, pattern), places[None].repeat(3, 0))
        away.append(np.abs(cfa.unpack(packed, pattern, shown.shape[1:]) - shown[0]).max())
    return float(max(away))


@pytest.mark.parametrize(("pattern", "pixels"), [(cfa.BAYER, 1), (cfa.XTRANS, 2)])
def test_the_published_flips_leave_planes_beside_the_reference(pattern: str, pixels: int):
    def published(packed: np.ndarray, reference: np.ndarray, seed: int) -> tuple:
        crop = Crop(torch.from_numpy(packed), torch.from_numpy(reference), torch.tensor(1.0))
        laid = flipped(crop, np.random.default_rng(seed))
        return laid.packed.numpy(), laid.reference.numpy()

    ways = [out_of_place(pattern, partial(published, seed=seed)) for seed in range(16)]
    assert (min(ways), max(ways)) == (0, pixels)  # half, and two thirds of a packed pixel
    assert all(out_of_place(pattern, lambda p, r, w=w: turned(p, r, w, pattern)) == 0 for w in WAYS)


@pytest.mark.parametrize("pattern", [cfa.BAYER, "GBRG", cfa.XTRANS, "BGBRGR" + cfa.XTRANS[6:]])
def test_crops_of_any_frame_can_be_turned_so(tmp_path: Path, pattern: str):
    if pattern.startswith("BGBRGR"):  # X-Trans from its second column
        pattern = "".join(np.roll(cfa.letters(cfa.XTRANS), -1, 1).ravel())
    dataset = night(tmp_path / "n", "train", shape=(48, 60), pattern=pattern)
    crops, again = (
        Crops(dataset, dataset.usable("train"), 7, seed=3, turning="cfa") for _ in range(2)
    )
    size = 7 * cfa.scale(pattern)
    for k in range(12):
        crop = crops[k]
        assert crop.packed.shape == (len(cfa.layout(pattern).planes), 7, 7)
        assert crop.reference.shape == (3, size, size)
    assert torch.equal(again[4].packed, crops[4].packed)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_turned_crop_shows_a_place_of_the_frame_in_planes_and_reference(
    tmp_path: Path, pattern: str
):
    # on the light of the tests the reference is linear: ratio times short, with the noise averaged
    dataset = night(tmp_path / "n", "train", shape=(96, 96), pattern=pattern)
    crops = Crops(dataset, dataset.usable("train"), 10, seed=1, turning="cfa")
    for k in range(8):
        packed, reference, ratio = crops[k]
        seen = cfa.unpack((packed * ratio).numpy(), pattern, reference.shape[1:])
        assert np.corrcoef(seen.ravel(), reference[0].ravel())[0, 1] > 0.8


def test_what_a_frame_must_have_besides_the_crop():
    ways = (("published", False), ("published", True), ("cfa", False))
    found = [surplus(planes, size, turning, synthetic=made)
             for planes in (4, 9) for size in (7, 8) for turning, made in ways]  # fmt: skip
    assert found == [0, 0, 1, 0, 0, 1, 0, 1, 3, 0, 2, 4]
