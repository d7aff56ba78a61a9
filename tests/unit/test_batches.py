from __future__ import annotations

import math
import re

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from eval.metrics import score_batch, score_images
from lldata.errors import ScoreError

torch = pytest.importorskip("torch", reason="extra torch is not installed")
from eval.metrics.sums import batches  # noqa: E402 - it needs torch

METRICS = ("psnr", "ssim", "ssim_gray", "mae")


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    return request.param


def drawn(shape: tuple[int, ...], kind: str, seed: int) -> np.ndarray:
    """Return pictures (B, H, W, 3) of a type; floats overshoot."""
    random = np.random.default_rng(seed)
    if kind == "uint8":
        return random.integers(0, 256, shape, dtype=np.uint8)
    return random.uniform(-0.2, 1.3, shape).astype(kind)


def batch(pictures: np.ndarray, device: str = "cpu"):
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(device)


@pytest.mark.parametrize("part", [1 << 22, 3 * 40 * 37, 700], ids=["whole", "pictures", "rows"])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "float16"])
def test_a_batch_has_the_scores_of_its_pictures_one_by_one(
    kind: str, part: int, device: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batches, "PART_ON_CPU" if device == "cpu" else "PART", part)
    pair = drawn((5, 40, 37, 3), kind, 1), drawn((5, 40, 37, 3), "uint8", 2)
    found = score_batch(*(batch(each, device) for each in pair), METRICS)
    expected = [score_images(*each, METRICS) for each in zip(*pair, strict=True)]
    assert {name: values.device.type for name, values in found.items()} == dict.fromkeys(
        METRICS, device
    )
    for name, values in found.items():
        close = 1e-7 if name.startswith("ssim") else 1e-12  # the tiles' last sum is of float32
        assert values.tolist() == pytest.approx([e[name] for e in expected], abs=close, rel=1e-12)


def test_ssim_of_a_batch_equals_scikit_image_to_twelve_digits(device: str):
    pair = drawn((3, 40, 37, 3), "uint8", 1), drawn((3, 40, 37, 3), "uint8", 2)
    found = score_batch(*(batch(each, device) for each in pair), ("ssim",))["ssim"]
    expected = [
        structural_similarity(
            *each, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255,
            channel_axis=2,
        )
        for each in zip(*pair, strict=True)
    ]  # fmt: skip
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


def test_what_a_network_gives_in_training_is_scored_without_a_gradient(device: str):
    output = torch.full((1, 3, 16, 16), 0.2, device=device, requires_grad=True) * 1
    found = score_batch(output, torch.zeros_like(output), METRICS)
    assert not any(values.requires_grad for values in found.values())
    assert found["psnr"].item() == pytest.approx(20 * math.log10(5), abs=1e-12)


def test_identical_constant_and_smallest_pictures_have_their_values(device: str):
    black = np.zeros((2, 11, 11, 3), np.uint8)
    other = black.copy()
    other[1] = 255
    found = score_batch(batch(black, device), batch(other, device), METRICS)
    assert found["psnr"].tolist() == pytest.approx([math.inf, 0.0], abs=1e-12)
    assert found["mae"].tolist() == [0.0, 255.0]
    unlike = score_images(black[1], other[1], ("ssim",))["ssim"]
    assert found["ssim"].tolist() == pytest.approx([1.0, unlike], abs=1e-10)
    assert found["ssim_gray"].tolist() == pytest.approx([1.0, unlike], abs=1e-10)


def test_twelve_megapixels_are_summed_exactly(device: str):
    white = torch.full((1, 3, 2848, 4256), 255, dtype=torch.uint8, device=device)
    found = score_batch(torch.zeros_like(white), white, ("psnr", "mae"))
    assert (found["psnr"].item(), found["mae"].item()) == (pytest.approx(0, abs=1e-12), 255.0)


GOOD = torch.zeros((2, 3, 16, 16))


@pytest.mark.parametrize(
    ("outputs", "references", "metrics", "told"),
    [
        (GOOD[0], GOOD[0], ("psnr",), "output: its shape is (3, 16, 16), but batches are"),
        (GOOD[:, :1], GOOD[:, :1], ("psnr",), "output: its shape is (2, 1, 16, 16), but batches"),
        (GOOD[:0], GOOD[:0], ("psnr",), "output: its shape is (0, 3, 16, 16), but batches are"),
        (GOOD, GOOD[:1], ("psnr",), "reference: it is (1, 3, 16, 16) on cpu, but the output is"),
        (GOOD, GOOD.int(), ("psnr",), "reference: its values are torch.int32, but uint8 or floats"),
        (GOOD * math.nan, GOOD, ("psnr",), "output: its floats reach from nan to nan, but floats"),
        (GOOD, GOOD + math.inf, ("mae",), "reference: its floats reach from inf to inf, but"),
        (GOOD + 255, GOOD, ("mae",), "output: its floats reach from 255 to 255, but floats are"),
        (GOOD[..., :8], GOOD[..., :8], ("ssim",), "ssim: the images are 8x16, but its window"),
        (GOOD, GOOD, ("lpips",), "metric lpips: it is not computed in batches, but these are: mae"),
    ],
    ids=["one", "grey", "none", "sizes", "integers", "nan", "inf", "scale", "window", "metric"],
)  # fmt: skip
def test_a_batch_that_cannot_be_scored_is_refused_in_one_line(outputs, references, metrics, told):
    with pytest.raises(ScoreError, match="^" + re.escape(told)):
        score_batch(outputs, references, metrics)
