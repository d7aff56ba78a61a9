"""Every metric on what nobody should score: a defined value, or one line that names the mistake."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.metrics import metrics, score_clip, score_images
from lldata.errors import ScoreError

NAMES = list(metrics())
RNG = np.random.default_rng(0)
SHAPE = (176, 180, 3)
EDGE = np.arange(180)[None, :, None] > 85 + np.arange(176)[:, None, None] / 8  # for mtf50
PICTURE = (RNG.integers(0, 16, SHAPE) + 200 * EDGE).astype(np.uint8)
OTHER = (RNG.integers(0, 16, SHAPE) + 200 * EDGE).astype(np.uint8)
UNIT = PICTURE / 255
NOT_A_NUMBER = np.where(np.arange(180)[:, None] == 3, np.nan, UNIT)
SMALLEST = {"ssim": 11, "ssim_gray": 11, "ms_ssim": 176, "ms_ssim_product": 176, "ssim_l2": 7,
            "mtf50": 16, "chart_delta_e": 24}  # fmt: skip  # pixels on a side


def score(name: str, output: np.ndarray, reference: np.ndarray) -> float:
    if metrics()[name].reads == ("clip",):
        return score_clip([output, reference, output], (name,))[name]
    if metrics()[name].pixels == "raw":
        planes = [_planes(image) for image in (output, reference)]
        return score_images(PICTURE, None, (name,), raw=(planes[0], planes[1]))[name]
    return score_images(output, reference, (name,), input=reference)[name]


def _planes(image: np.ndarray) -> np.ndarray:
    moved = np.moveaxis(image, -1, 0)
    return moved / 255 if moved.dtype == np.uint8 else moved


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (NOT_A_NUMBER, "NaN or infinite"),
        (np.where(NOT_A_NUMBER > 0, UNIT, np.inf), "NaN or infinite"),
        (-NOT_A_NUMBER, "NaN or infinite"),
        (PICTURE[:, :170], "170x176|planes are"),
        (PICTURE[..., 0], r"shape \(176, 180\)|planes are"),
        (np.dstack([PICTURE, PICTURE[..., :1]]), r"shape \(176, 180, 4\)|planes are"),
        (PICTURE[:0], r"shape \(0, 180, 3\)|planes are"),
        (PICTURE[None], r"shape \(1, 176, 180, 3\)|planes are"),
        (PICTURE > 100, "its values are bool"),
        (PICTURE * 1j, "its values are complex128"),
        (PICTURE.astype(object), "its values are object"),
        (PICTURE.astype("S1"), r"its values are \|S1"),
    ],
    ids=["nan", "inf", "negative nan", "size", "2-D", "4 channels", "empty", "4-D", "bool",
         "complex", "object", "text"],
)  # fmt: skip
def test_what_is_no_picture_is_named_whichever_side_it_stands_on(
    name: str, image: np.ndarray, message: str
):
    with pytest.raises(ScoreError, match=message):
        score(name, image, PICTURE)
    if "reference" in "".join(metrics()[name].reads) or metrics()[name].reads == ("clip",):
        with pytest.raises(ScoreError, match=message):
            score(name, PICTURE, image)


@pytest.mark.parametrize("name", [name for name in NAMES if metrics()[name].pixels != "raw"])
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (PICTURE.astype(np.int64), "its values are int64"),
        (PICTURE.astype(np.float32), "floats reach from 0 to 215"),
        (UNIT - 2, "floats reach from -2"),
    ],
    ids=["whole numbers", "floats to 255", "negative"],
)
def test_a_picture_on_another_scale_is_named(name: str, image: np.ndarray, message: str):
    with pytest.raises(ScoreError, match=message):
        score(name, image, image)


@pytest.mark.parametrize("name", [name for name in NAMES if metrics()[name].pixels != "raw"])
@pytest.mark.parametrize(
    "same",
    [
        PICTURE.astype(np.uint16) * 257,
        (PICTURE.astype(np.uint16) * 257).astype(">u2"),
        UNIT,
        UNIT.astype(np.float32),
        UNIT.astype(">f8"),
        UNIT.astype(np.longdouble),
        np.asfortranarray(PICTURE),
        PICTURE[::-1][::-1],
    ],
    ids=["uint16", "big-endian uint16", "float64", "float32", "big-endian float64", "long double",
         "by columns", "reversed twice"],
)  # fmt: skip
def test_the_type_of_the_numbers_changes_no_score(name: str, same: np.ndarray):
    expected = score(name, PICTURE, OTHER)
    assert score(name, same, OTHER) == pytest.approx(expected, abs=2e-5)
    assert score(name, OTHER, same) == pytest.approx(score(name, OTHER, PICTURE), abs=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_floats_that_overshoot_a_little_count_as_white_and_black(name: str):
    over = np.where(UNIT > 0.5, UNIT + 0.4, UNIT - 0.1)
    found = score(name, over, OTHER)
    if metrics()[name].pixels == "raw":  # linear planes may hold more than white
        assert math.isfinite(found)
    else:
        assert found == pytest.approx(score(name, over.clip(0, 1), OTHER), abs=1e-12)


PERFECT = {"psnr": math.inf, "psnr_float": math.inf, "psnr_y": math.inf, "psnr_gtmean": math.inf,
           "psnr_raw": math.inf, "ssim": 1, "ssim_gray": 1, "ssim_l2": 1, "ms_ssim": 1,
           "ms_ssim_product": 1, "mae": 0, "delta_e": 0, "loe": 0, "flicker": 0,
           "warp_error": 0}  # fmt: skip


@pytest.mark.parametrize("name", PERFECT)
@pytest.mark.parametrize("level", [0, 7, 255, None])
def test_identical_pictures_score_the_best_there_is(name: str, level: int | None):
    image = PICTURE if level is None else np.full(SHAPE, level, np.uint8)
    assert score(name, image, image.copy()) == pytest.approx(PERFECT[name], abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("levels", [(0, 0), (0, 255), (255, 0), (3, 4)])
def test_constant_pictures_have_a_score_or_lack_an_edge(name: str, levels: tuple[int, int]):
    pair = [np.full(SHAPE, level, np.uint8) for level in levels]
    if name == "mtf50":
        with pytest.raises(ScoreError, match=r"differ by less than 0\.02"):
            score(name, *pair)
        return
    found = score(name, *pair)
    low, high = metrics()[name].bounds
    alike = levels[0] == levels[1] or (name == "psnr_gtmean" and levels[0] > 0)
    assert low - 1e-9 <= found <= high or (found == math.inf and alike)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (6, 8), (11, 200)])
def test_a_tiny_picture_has_a_score_or_is_called_too_small(name: str, shape: tuple[int, int]):
    pair = [RNG.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(2)]
    if min(shape) < SMALLEST.get(name, 1):
        with pytest.raises(ScoreError, match=f"{shape[1]}x{shape[0]}.* at least "):
            score(name, *pair)
    else:
        assert math.isfinite(score(name, *pair))


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("name", [n for n in NAMES if metrics()[n].reads == ("clip",)])
def test_a_clip_of_too_few_frames_is_refused(name: str, count: int):
    with pytest.raises(ScoreError, match=f"the clip has {count} frame"):
        score_clip([PICTURE] * count, (name,))


@pytest.mark.parametrize(
    ("planes", "message"),
    [
        (np.zeros((0, 4, 4)), r"its planes are \(0, 4, 4\)"),
        (np.zeros((4, 4)), r"its planes are \(4, 4\)"),
        (np.zeros((4, 4, 4), bool), "its values are bool"),
    ],
)
def test_planes_that_are_none_are_refused(planes: np.ndarray, message: str):
    with pytest.raises(ScoreError, match=message):
        score_images(PICTURE, None, ("psnr_raw",), raw=(planes, planes))
