from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from lldata.errors import LowLightError, StoreError
from lldata.patches import Geometry, read_patches, region_of
from lldata.store import Store
from tests.clip_folders import film, stored, write_scene

SIZE = (290, 530)  # several chunks of 256 each way, the last of them cut
LOW = film(7, 2, 9000, SIZE)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Store:
    src = tmp_path_factory.mktemp("src")
    write_scene(src, low=LOW, target=film(8, 2, size=SIZE))
    return stored(src, tmp_path_factory.mktemp("home") / "d")


def padded(frame: np.ndarray, y: int, x: int, side: int) -> np.ndarray:
    """Cut a square by numpy's own mirror, (3, side, side)."""
    margin = 700
    wide = np.pad(frame, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    square = wide[y + margin : y + margin + side, x + margin : x + margin + side]
    return square.transpose(2, 0, 1) / 65535


@pytest.mark.parametrize(
    ("y", "x"), [(100, 200), (0, 0), (-20, -30), (SIZE[0] - 30, SIZE[1] - 30), (100, SIZE[1])]
)
def test_patch_and_region_equal_the_mirrored_frame(dataset: Store, y: int, x: int):
    for region_px in (48, 120, 700):  # the last is larger than the frame
        patch, region = read_patches(
            dataset, "Night", "low", 1, y, x, local_px=48, region_px=region_px, out_px=48
        )
        np.testing.assert_allclose(patch, padded(LOW[1], y, x, 48), atol=1e-7)
        margin = (region_px - 48) // 2
        whole = padded(LOW[1], y - margin, x - margin, region_px)
        np.testing.assert_allclose(region, by_area(whole, 48), atol=1e-5)
        assert (patch.dtype, region.shape) == (np.float32, (3, 48, 48))


def by_area(planes: np.ndarray, side: int) -> np.ndarray:
    """Average every output pixel's area exactly: repeat each pixel, then average whole blocks."""
    count = planes.shape[1]
    common = np.lcm(count, side)
    weights = np.zeros((side, count))
    for k in range(common):
        weights[k * side // common, k * count // common] += side / common
    return weights @ planes @ weights.T


def test_both_have_one_centre(dataset: Store):
    patch, region = read_patches(dataset, "Night", "low", 0, 100, 100, local_px=32, region_px=64)
    centre = patch[:, 8:24, 8:24].reshape(3, 8, 2, 8, 2).mean((2, 4))
    np.testing.assert_allclose(region[:, 12:20, 12:20], centre, atol=1e-6)


def test_one_geometry_lays_both(dataset: Store):
    place = ("Night", "low", 0, 30, 500)
    sides = {"local_px": 48, "region_px": 130, "out_px": 48}
    plain = read_patches(dataset, *place, **sides)
    for flags in itertools.product([False, True], repeat=3):
        geometry = Geometry(*flags)
        for got, was in zip(read_patches(dataset, *place, **sides, geometry=geometry), plain,
                            strict=True):  # fmt: skip
            np.testing.assert_array_equal(got, geometry(was))
            assert got.flags.c_contiguous


@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=3)))
def test_a_laid_frame_gives_the_laid_patches(
    tmp_path: Path, dataset: Store, flags: tuple[bool, bool, bool]
):
    geometry, (y, x), local = Geometry(*flags), (60, 150), 40
    laid = geometry(LOW[0].transpose(2, 0, 1)).transpose(1, 2, 0)
    write_scene(tmp_path / "src", low=[laid], target=film(8, 1))
    other = stored(tmp_path / "src", tmp_path / "laid")
    top = SIZE[0] - y - local if geometry.flip_rows else y
    left = SIZE[1] - x - local if geometry.flip_columns else x
    there = (left, top) if geometry.transposed else (top, left)
    got = read_patches(other, "Night", "low", 0, *there, local_px=local, region_px=100)
    want = read_patches(
        dataset, "Night", "low", 0, y, x, local_px=local, region_px=100, geometry=geometry
    )
    for mine, expected in zip(got, want, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-6)


def test_only_the_chunks_under_a_patch_are_read(dataset: Store, monkeypatch: pytest.MonkeyPatch):
    asked = []
    read = Store.clip_frame

    def watched(self: Store, scene: str, name: str, number: int, window: object) -> np.ndarray:
        asked.append(window)
        return read(self, scene, name, number, window)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "clip_frame", watched)
    read_patches(dataset, "Night", "low", 0, 20, 270, local_px=40, region_px=80)
    assert asked == [(slice(0, 80), slice(250, 330))]


def test_sides_without_a_common_centre_and_enlargements_are_refused(dataset: Store):
    for sides, match in (
        ({"local_px": 40, "region_px": 81}, "one side is odd"),
        ({"local_px": 40, "region_px": 30}, "would be enlarged"),
        ({"local_px": 40, "region_px": 80, "out_px": 41}, "would be enlarged"),
    ):
        with pytest.raises(LowLightError, match=match):
            read_patches(dataset, "Night", "low", 0, 0, 0, **sides)  # type: ignore[arg-type]


def test_a_frame_size_the_protocol_does_not_name_needs_its_region(dataset: Store):
    with pytest.raises(LowLightError, match=r"530x290, .* --set region=N .* region_px in Python"):
        read_patches(dataset, "Night", "low", 0, 0, 0)


def test_a_scene_called_horse_has_the_wide_region(tmp_path: Path):
    write_scene(tmp_path / "src", "Horse")
    assert region_of(stored(tmp_path / "src", tmp_path / "d"), "Horse") == 2500


def test_a_clip_or_frame_that_is_not_there_is_named(dataset: Store):
    with pytest.raises(StoreError, match="it has no clip 'high', but its clips are low, target"):
        read_patches(dataset, "Night", "high", 0, 0, 0, region_px=400)
    with pytest.raises(StoreError, match="frame 2 is asked for, but it has 2 frames"):
        read_patches(dataset, "Night", "low", 2, 0, 0, region_px=400)
