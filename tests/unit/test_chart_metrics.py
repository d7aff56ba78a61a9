"""Charts whose sharpness and colours are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from eval.metrics import score_images
from lldata.curve import encode
from lldata.errors import ScoreError

# what an sRGB display shows of the 24 patches; Pascale, RGB coordinates of the ColorChecker, 2006
SRGB = [
    (115, 81, 67), (199, 147, 129), (91, 122, 156), (90, 108, 64), (130, 128, 176),
    (92, 190, 172), (224, 124, 47), (68, 91, 170), (198, 82, 97), (94, 58, 106), (159, 189, 63),
    (230, 162, 39), (34, 63, 147), (67, 149, 74), (180, 49, 57), (238, 198, 32), (193, 84, 151),
    (0, 136, 170), (245, 245, 243), (200, 202, 202), (161, 163, 163), (121, 121, 122),
    (82, 84, 86), (49, 49, 51),
]  # fmt: skip


def edge(sigma: float, degrees: float, shape: tuple[int, int] = (120, 100)) -> np.ndarray:
    """A linear edge blurred by a Gaussian, averaged over each pixel, on the curve of references."""
    rows, columns = np.indices((shape[0], shape[1] * 8)).astype(float)
    columns = (columns + 0.5) / 8 - 0.5
    slope = np.tan(np.radians(degrees))
    across = (columns - shape[1] / 2 - slope * (rows - shape[0] / 2)) * np.cos(np.radians(degrees))
    fine = 0.1 + 0.6 * (1 + erf(across / sigma / np.sqrt(2))) / 2
    linear = fine.reshape(shape[0], shape[1], 8).mean(axis=2)
    return encode(linear)[..., None].repeat(3, axis=2).astype(np.float32)


def expected(sigma: float) -> float:
    """Where a Gaussian blur seen through square pixels keeps half the contrast."""
    frequency = np.linspace(0, 1, 100_001)
    response = np.exp(-2 * (np.pi * sigma * frequency) ** 2) * np.sinc(frequency)
    return min(0.5, float(frequency[np.flatnonzero(response < 0.5)[0]]))


def mtf50(image: np.ndarray) -> float:
    return score_images(image, metrics=("mtf50",))["mtf50"]


@pytest.mark.parametrize("sigma", [0.5, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("degrees", [2.5, 5.0, -7.0, 12.0, -14.9])
def test_the_sharpness_of_a_blurred_edge_is_that_of_its_blur(sigma: float, degrees: float):
    assert mtf50(edge(sigma, degrees)) == pytest.approx(expected(sigma), rel=0.04)


def test_an_edge_along_the_rows_or_from_light_to_dark_has_the_same_sharpness():
    image = edge(1.0, 5.0)
    found = mtf50(image)
    assert mtf50(np.ascontiguousarray(image.transpose(1, 0, 2))) == pytest.approx(found, abs=1e-6)
    assert mtf50(np.ascontiguousarray(image[:, ::-1])) == pytest.approx(found, rel=0.01)


def test_noise_hardly_changes_the_sharpness():
    noisy = edge(1.0, 6.0) + np.random.default_rng(0).normal(0, 0.01, (120, 100, 3))
    assert mtf50(noisy.astype(np.float32)) == pytest.approx(expected(1.0), rel=0.08)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((64, 64, 3), 0.5, np.float32), "light and dark side differ by less than 0.02"),
        (edge(1.0, 0.2), "it is 0.2 degrees off, but 2 to 15 degrees are needed"),
        (edge(0.5, 25.0), r"it is 2\d\.\d degrees off, but 2 to 15 degrees are needed"),
        (edge(1.0, 5.0)[:9], "it is 100x9, but at least 16x16 pixels"),
    ],
)
def test_a_crop_without_a_slanted_edge_is_refused(image: np.ndarray, message: str):
    with pytest.raises(ScoreError, match=message):
        mtf50(image)


def chart(colours: list[tuple[int, int, int]]) -> np.ndarray:
    patches = np.array(colours, np.uint8).reshape(4, 6, 3)
    return patches.repeat(20, axis=0).repeat(20, axis=1)


def test_the_published_srgb_values_of_the_chart_are_close_to_its_data_sheet():
    # the blue-green patch lies outside sRGB, the others are rounded to 8 bits
    found = score_images(chart(SRGB), metrics=("chart_delta_e",))["chart_delta_e"]
    assert 0.1 < found < 0.7


def test_a_chart_in_other_colours_or_upside_down_is_far_from_it():
    upside_down = np.ascontiguousarray(chart(SRGB)[::-1, ::-1])
    dark = chart([tuple(value // 2 for value in colour) for colour in SRGB])  # type: ignore[misc]
    scores = [score_images(each, metrics=("chart_delta_e",)) for each in (upside_down, dark)]
    assert all(score["chart_delta_e"] > 15 for score in scores)


def test_only_the_middle_of_each_patch_counts():
    image = chart(SRGB)
    image[::20] = 0
    image[:, 19::20] = 255
    assert score_images(image, metrics=("chart_delta_e",)) == score_images(
        chart(SRGB), metrics=("chart_delta_e",)
    )
