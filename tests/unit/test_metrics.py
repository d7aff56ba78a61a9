from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from eval.metrics import find_metric, score_images, similarity
from eval.metrics.pixels import to_uint8
from lldata.errors import ScoreError

BLACK = np.zeros((16, 20, 3), np.float32)


def noise(low: int, high: int, seed: int = 0, shape: tuple[int, ...] = (61, 211, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.uint8)


def reference_ssim(output: np.ndarray, reference: np.ndarray) -> float:
    return structural_similarity(
        output, reference, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=255, channel_axis=2,
    )  # fmt: skip


@pytest.fixture(params=["tiles", "strips"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "strips":
        pytest.importorskip("numba", reason="extra fast is not installed")
    monkeypatch.setattr(similarity, "LARGE", 0 if request.param == "strips" else math.inf)


def test_an_error_of_51_of_255_everywhere_is_13_98_decibels():
    assert score_images(BLACK + 0.2, BLACK)["psnr"] == pytest.approx(20 * math.log10(5), abs=1e-12)


def test_an_error_of_a_tenth_is_20_decibels_unrounded_and_19_79_rounded():
    scores = score_images(BLACK + 0.1, BLACK, ("psnr", "psnr_float", "mae"))
    assert scores["psnr_float"] == pytest.approx(20, abs=1e-6)
    assert scores["psnr"] == pytest.approx(20 * math.log10(255 / 26), abs=1e-12)
    assert scores["mae"] == 26


@pytest.mark.usefixtures("_way")
def test_identical_images_score_infinity_and_one():
    image = noise(0, 256)
    assert score_images(image, image.copy()) == {"psnr": math.inf, "ssim": 1.0}


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(
    ("output", "reference"),
    [
        (noise(0, 256), noise(0, 256, 1)),
        (noise(0, 4), noise(0, 256, 1)),
        (noise(240, 256), noise(238, 254, 1)),
        (noise(0, 1), noise(200, 201)),
        (np.where(np.arange(211)[:, None] < 100, 0, 255).astype(np.uint8) + noise(0, 1),
         noise(250, 251)),
        (noise(0, 256, 2, (11, 11, 3)), noise(0, 256, 3, (11, 11, 3))),
    ],
    ids=["noise", "dark", "bright", "flat", "edge", "smallest"],
)  # fmt: skip
def test_ssim_equals_scikit_image_to_seven_digits(output: np.ndarray, reference: np.ndarray):
    found = score_images(output, reference, ("ssim",))["ssim"]
    assert found == pytest.approx(reference_ssim(output, reference), abs=1e-7)


@pytest.mark.usefixtures("_way")
def test_ssim_over_many_tiles_equals_scikit_image_and_itself_on_one_thread(
    monkeypatch: pytest.MonkeyPatch,
):
    output, reference = (noise(0, 256, seed, (401, 420, 3)) for seed in (1, 2))
    found = score_images(output, reference, ("ssim",))["ssim"]
    assert found == pytest.approx(reference_ssim(output, reference), abs=1e-7)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert score_images(output, reference, ("ssim",))["ssim"] == found


def test_large_pictures_are_scored_without_numba():
    script = """
import sys
sys.modules["numba"] = None
import numpy as np
from eval.metrics import metrics, score_images
black = np.zeros((1024, 1025, 3), np.uint8)
print("ssim" in metrics(), score_images(black, black, ("ssim",))["ssim"])
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("True 1.0\n", "")


def test_the_calibration_pairs_score_what_their_authors_printed(shared_data: Path):
    with (shared_data / "iqa" / "official_scores.csv").open() as file:
        official = {row["metric"]: row for row in csv.DictReader(file)}
    for name in ("I03", "I04", "I06"):
        pair = [
            np.asarray(Image.open(shared_data / "iqa" / kind / f"{name}.bmp").convert("RGB"))
            for kind in ("dist", "ref")
        ]
        scores = score_images(*pair, ("psnr", "ssim_gray"))
        assert f"{scores['psnr']:.2f}" == official["psnr"][name]
        assert f"{scores['ssim_gray']:.4f}" == official["ssim"][name]


def test_types_may_differ_and_mean_the_same_picture():
    eight = noise(0, 256)
    sixteen, unit = eight.astype(np.uint16) * 257, eight / np.float64(255)
    for same in (sixteen, unit, unit.astype(np.float32)):
        assert score_images(same, eight, ("mae",)) == {"mae": 0.0}


def test_sixteen_bits_round_to_the_nearest_of_eight():
    values = np.array([0, 128, 129, 385, 386, 65535], np.uint16).reshape(1, 2, 3)
    assert to_uint8(values).ravel().tolist() == [0, 0, 1, 1, 2, 255]


def test_floats_that_overshoot_are_clipped():
    over = BLACK.copy()
    over[:8], over[8:] = 1.3, -0.2
    clipped = over.clip(0, 1)
    assert score_images(over, clipped, ("psnr", "psnr_float")) == {
        "psnr": math.inf, "psnr_float": math.inf,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (BLACK * np.nan, "NaN or infinite"),
        (BLACK + np.inf, "NaN or infinite"),
        (BLACK + 255, "reach from 255 to 255, but floats are scored on the scale where 1 is white"),
        (BLACK[..., 0], r"has shape \(16, 20\)"),
        (np.zeros((16, 20, 4), np.uint8), r"has shape \(16, 20, 4\)"),
        (np.zeros((0, 20, 3), np.uint8), r"has shape \(0, 20, 3\)"),
        (np.zeros((16, 20, 3), np.int64), "its values are int64"),
    ],
)
def test_what_cannot_be_scored_is_named(image: np.ndarray, message: str):
    with pytest.raises(ScoreError, match=f"output: .*{message}"):
        score_images(image, BLACK)


def test_sizes_that_differ_are_refused_with_both():
    with pytest.raises(ScoreError, match="its size is 20x16, but the reference is 10x16"):
        score_images(BLACK, BLACK[:, :10])


def test_ssim_of_images_below_its_window_is_refused():
    with pytest.raises(ScoreError, match="the images are 10x16"):
        score_images(BLACK[:, :10], BLACK[:, :10])


def test_a_metric_that_lacks_its_reference_says_so():
    with pytest.raises(ScoreError, match="psnr: there is no reference image"):
        score_images(BLACK)


def test_an_unknown_metric_is_answered_with_those_there_are():
    with pytest.raises(
        ScoreError, match=r"nope: no such metric, but the metrics are chart_delta_e, .*psnr"
    ):
        find_metric("nope")
