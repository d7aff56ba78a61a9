from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lldata import cfa, store, upkeep
from lldata.errors import StoreError
from lldata.render import render
from lldata.sample import packed_shape, pair_row, read_crop, read_sample
from lldata.scene import Pixels
from tests.captures import frame, light
from tests.unit.test_store import scene

PAIR = "00001/00001_00_0.1s"
PATTERNS = ["RGGB", "GBRG", "RBGBRGGGRGGBGGBGGRBRGRBGGGBGGRGGRGGB"]


def opened(tmp_path: Path, pattern: str, shape: tuple[int, int]) -> store.Store:
    short, long = (replace(frame(light(1, shape), t), cfa=pattern) for t in (0.1, 10))
    picture = np.random.default_rng(0).integers(0, 2**16, (*shape, 3), np.uint16)
    pixels = Pixels({"00001_00_0.1s": short}, {"00001_00_10s": long}, {"00001_00_10s": picture})
    upkeep.publish_scene(tmp_path / "d", scene(), pixels)
    upkeep.build_index(tmp_path / "d", "now")
    return store.open_store(tmp_path / "d")


def test_packed_is_linear_not_amplified_and_keeps_noise_below_black(tmp_path: Path):
    sample = read_sample(opened(tmp_path, "RGGB", (192, 256)), PAIR)
    assert sample.frame is not None
    assert sample.packed is not None
    expected = (sample.frame.mosaic[0::2, 0::2].astype(float) - 512) / (16383 - 512)
    np.testing.assert_allclose(sample.packed[0], expected, atol=1e-6)
    assert sample.packed.dtype == np.float32
    assert sample.ratio == 100
    assert sample.reference is None


def test_a_picture_method_gets_the_render_it_asks_for(tmp_path: Path):
    dataset = opened(tmp_path, "RGGB", (192, 256))
    short = dataset.frame("00001", "00001_00_0.1s")
    for picture, gain in (("short", 1.0), ("amplified", 100.0)):
        sample = read_sample(dataset, PAIR, picture=picture)  # type: ignore[arg-type]
        expected = render(short, gain=gain).transpose(2, 0, 1) / 65535
        assert sample.srgb is not None
        np.testing.assert_allclose(sample.srgb, expected, atol=1e-6)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("shape", [(192, 252), (187, 251), (530, 270)])  # the last: many chunks
def test_a_crop_equals_the_same_place_of_the_whole(
    tmp_path: Path, pattern: str, shape: tuple[int, int]
):
    dataset = opened(tmp_path, pattern, shape)
    row = pair_row(dataset, PAIR)
    whole = read_sample(dataset, PAIR, reference=True)
    assert whole.packed is not None
    assert whole.reference is not None
    _, height, width = packed_shape(dataset, row)
    assert whole.packed.shape[1:] == (height, width)
    plan = cfa.layout(pattern)
    rng = np.random.default_rng(1)
    for _ in range(12):
        size = int(rng.integers(5, 60))
        y, x = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
        packed, reference = read_crop(dataset, row, y, x, size)
        np.testing.assert_array_equal(packed, whole.packed[:, y : y + size, x : x + size])
        top, left, side = y * plan.scale - plan.top, x * plan.scale - plan.left, size * plan.scale
        inside = (slice(max(top, 0), min(top + side, shape[0])),
                  slice(max(left, 0), min(left + side, shape[1])))  # fmt: skip
        got = reference[:, inside[0].start - top : inside[0].stop - top,
                        inside[1].start - left : inside[1].stop - left]  # fmt: skip
        np.testing.assert_array_equal(got, whole.reference[:, inside[0], inside[1]])
        assert reference.shape == (3, side, side)
        assert packed.flags.c_contiguous
        assert reference.flags.c_contiguous


def test_a_crop_of_the_long_frame_is_that_frame(tmp_path: Path):
    dataset = opened(tmp_path, "GBRG", (192, 252))
    packed, _ = read_crop(dataset, pair_row(dataset, PAIR), 7, 11, 40, kind="long")
    whole = cfa.normalise(dataset.frame("00001", "00001_00_10s", "long"))
    np.testing.assert_array_equal(packed, whole[:, 7:47, 11:51])


def test_a_pair_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(StoreError, match="pair 1/2: there is none of that id"):
        read_sample(opened(tmp_path, "RGGB", (192, 256)), "1/2")
