"""Metrics of pictures and clips against values known beforehand and against other libraries."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from eval.metrics import clips, find_metric, score_clip, score_images, structure
from lldata.errors import ScoreError

RNG = np.random.default_rng(0)


def grain(seed: int, shape: tuple[int, ...] = (200, 180, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def flat(*colour: int, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    return np.full((*shape, 3), colour, np.uint8)


def score(name: str, output: np.ndarray, reference: np.ndarray | None = None, **more: object):
    return score_images(output, reference, (name,), **more)[name]  # type: ignore[arg-type]


def test_ssim_l2_equals_scikit_image_with_a_range_of_two():
    output = RNG.random((61, 47, 3))
    reference = (output + RNG.normal(0, 0.1, output.shape)).clip(0, 1)
    expected = structural_similarity(output, reference, data_range=2, channel_axis=2)
    assert score("ssim_l2", output, reference) == pytest.approx(expected, abs=1e-12)
    flattered = [score(name, output * 0.1, reference * 0.1) for name in ("ssim_l2", "ssim")]
    assert flattered[0] > flattered[1] + 0.01  # in the dark, where the constants weigh


@pytest.mark.parametrize("column", ["I03", "I04", "I06"])
def test_the_published_calibration_values_are_met(shared_data: Path, column: str):
    with (shared_data / "iqa" / "official_scores.csv").open(newline="") as file:
        official = {row["metric"]: float(row[column]) for row in csv.DictReader(file)}
    images = [
        np.asarray(Image.open(shared_data / "iqa" / folder / f"{column}.bmp").convert("RGB"))
        for folder in ("dist", "ref")
    ]
    found = score_images(*images, ("ms_ssim", "entropy"))
    assert round(found["entropy"], 4) == official["entropy"]
    assert round(found["ms_ssim"], 4) == official["ms_ssim"]


def test_the_weighted_mean_of_five_scales_is_above_their_product_where_they_differ():
    reference = grain(1)
    noisy = (reference.astype(float) + grain(2) / 4).clip(0, 255).astype(np.uint8)
    mean, product = (score(name, noisy, reference) for name in ("ms_ssim", "ms_ssim_product"))
    assert 0 < product < mean < 1
    assert (
        score("ms_ssim_product", 255 - reference, reference)
        == 0
        > score("ms_ssim", 255 - reference, reference)
    )


def test_the_luma_of_limited_range_makes_white_219_steps_from_black():
    assert score("psnr_y", flat(255, 255, 255), flat(0, 0, 0)) == pytest.approx(
        20 * math.log10(255 / 219), abs=1e-12
    )
    only_blue = score("psnr_y", flat(0, 0, 255), flat(0, 0, 0))
    assert only_blue == pytest.approx(20 * math.log10(255 / 24.966), abs=1e-12)


def test_luma_that_differs_by_the_least_step_is_a_score_no_record_refuses():
    least = flat(0, 138, 0)
    least[0, 0] = (253, 0, 47)
    found = score("psnr_y", least, flat(0, 138, 0))
    assert found == pytest.approx(10 * math.log10((255 / (0.219 / 255)) ** 2 * 600), abs=1e-9)
    low, high = find_metric("psnr_y").bounds
    assert low < found < high
    cancelled = flat(100, 100, 100)
    assert score("psnr_y", cancelled, flat(115, 91, 107)) == math.inf


def test_a_picture_of_half_the_brightness_is_perfect_once_it_has_the_mean_of_its_reference():
    reference = grain(1) // 2 * 2
    half = reference // 2
    assert score("psnr_gtmean", half, reference) > 50 > 20 > score("psnr", half, reference)
    black = flat(0, 0, 0)
    assert score("psnr_gtmean", black, flat(51, 51, 51)) == pytest.approx(20 * math.log10(5))


def test_the_raw_score_takes_the_full_scale_as_peak_and_clips_nothing():
    planes = np.full((4, 8, 8), 1.5)
    found = score_images(flat(0, 0, 0), metrics=("psnr_raw",), raw=(planes, planes - 0.1))
    assert found["psnr_raw"] == pytest.approx(20, abs=1e-9)
    with pytest.raises(ScoreError, match="psnr_raw: there is no raw output"):
        score("psnr_raw", flat(0, 0, 0))
    with pytest.raises(ScoreError, match="raw reference: it holds NaN"):
        score_images(flat(0, 0, 0), metrics=("psnr_raw",), raw=(planes, planes * np.nan))


def test_colour_differences_are_those_of_ciede2000():
    output, reference = grain(1), grain(2)
    expected = deltaE_ciede2000(rgb2lab(output), rgb2lab(reference)).mean()
    assert score("delta_e", output, reference) == pytest.approx(expected, abs=1e-9)
    assert score("delta_e", flat(119, 119, 119), flat(119, 119, 119)) == 0
    # lightness 50.03 and 52.41 of two greys; L* differs by 2.38, S_L is 1.0
    assert score("delta_e", flat(119, 119, 119), flat(125, 125, 125)) == pytest.approx(2.38, 0.01)


def test_grey_has_no_colourfulness_and_two_halves_have_that_of_the_formula():
    assert score("colourfulness", grain(1)[..., :1].repeat(3, axis=2)) == 0
    halves = np.concatenate([flat(200, 100, 0), flat(100, 200, 0)])
    # rg = +-100, yb = 150: spread 100, mean 150
    assert score("colourfulness", halves) == pytest.approx(100 + 0.3 * 150)


def test_the_entropy_of_equally_many_levels_is_their_logarithm():
    assert score("entropy", flat(9, 9, 9)) == 0
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert score("entropy", levels) == 8
    assert score("entropy", levels // 64 * 64) == 2


def test_an_order_of_lightness_that_is_kept_is_no_error_and_a_reversed_one_counts_all_pairs():
    ramp = np.arange(48, dtype=np.uint8).repeat(3).reshape(6, 8, 3) * 5
    assert score("loe", 255 - (255 - ramp) // 2 * 2, input=255 - (255 - ramp) // 2 * 2) == 0
    assert score("loe", (ramp // 2 + 100), input=ramp) == 0  # brightened, order kept
    assert score("loe", 250 - ramp, input=ramp) == 47  # every pixel against all others
    with pytest.raises(ScoreError, match="there is no input image"):
        score("loe", ramp)


def test_a_large_picture_is_compared_at_fifty_pixels_on_the_shorter_side():
    ramp = np.linspace(0, 255, 300).astype(np.uint8)[None, :, None].repeat(150, 0).repeat(3, 2)
    assert score("loe", ramp[:, ::-1].copy(), input=ramp) == pytest.approx(5000 - 50, rel=0.01)


def test_a_flat_area_has_no_order_of_lightness_however_it_is_reduced():
    white, grey = (flat(*[level] * 3, shape=(176, 233)) for level in (255, 37))
    assert score("loe", white, input=grey) == 0


def fading(levels: list[float]) -> list[np.ndarray]:
    return [flat(*[round(level)] * 3) for level in levels]


def test_a_steady_fade_does_not_flicker_and_alternating_frames_do():
    steady = score_clip(fading([10, 20, 30, 40]), ("flicker",))["flicker"]
    assert steady == pytest.approx(0, abs=1e-12)
    jumping = score_clip(fading([100, 110, 100, 110]), ("flicker",))["flicker"]
    assert jumping == pytest.approx(10)
    with pytest.raises(ScoreError, match="the clip has 2 frames, but at least 3 are needed"):
        score_clip(fading([1, 2]), ("flicker",))


def test_flicker_of_one_corner_is_seen_though_the_mean_hardly_changes():
    steady = grain(3, (64, 64, 3))
    lit = steady.copy()
    lit[:8, :8] = 255
    found = score_clip([steady, lit, steady], ("flicker",))["flicker"]
    assert found == pytest.approx((255 - np.asarray(cv2.cvtColor(
        steady[:8, :8], cv2.COLOR_RGB2GRAY)).mean()) / 64, rel=0.01)  # fmt: skip


def moving(step: int, noise: float = 0.0) -> list[np.ndarray]:
    scene = cv2.GaussianBlur(grain(4, (140, 200, 3)).astype(np.float32), (0, 0), 3)
    scene = (scene - scene.min()) / (scene.max() - scene.min()) * 200
    frames = [scene[20:116, 20 + step * n : 148 + step * n] for n in range(4)]
    rng = np.random.default_rng(5)
    return [(f + rng.normal(0, noise, f.shape)).clip(0, 255).astype(np.uint8) for f in frames]


def test_motion_that_can_be_followed_leaves_little_and_noise_leaves_twice_its_variance():
    still = score_clip(moving(0), ("warp_error",))["warp_error"]
    panned = score_clip(moving(3), ("warp_error",))["warp_error"]
    noisy = score_clip(moving(0, noise=8.0), ("warp_error",))["warp_error"]
    unfollowed = float(np.mean(np.square((moving(3)[0] / 255) - (moving(3)[1] / 255))))
    assert still == 0
    assert panned < unfollowed / 20
    assert noisy == pytest.approx(2 * (8 / 255) ** 2, rel=0.25)


def test_frames_that_show_nothing_of_the_next_are_left_out_of_the_mean(
    monkeypatch: pytest.MonkeyPatch,
):
    frames = moving(0, noise=8.0)[:3]
    first = score_clip(frames[:2], ("warp_error",))["warp_error"]
    real, steps = clips._inside, iter([True, False, False])
    monkeypatch.setattr(clips, "_inside", lambda flow: real(flow) & next(steps))
    assert score_clip(frames, ("warp_error",))["warp_error"] == pytest.approx(first, abs=0)
    assert math.isnan(score_clip(frames[:2], ("warp_error",))["warp_error"])


def test_a_clip_is_refused_where_a_picture_is_scored_and_the_other_way_round():
    with pytest.raises(ScoreError, match="flicker: there is no clip"):
        score("flicker", flat(0, 0, 0))
    with pytest.raises(ScoreError, match="psnr: there is no output image"):
        score_clip(fading([1, 2, 3]), ("psnr",))
    with pytest.raises(ScoreError, match="frame 2 of the clip: its size is 30x10"):
        score_clip([*fading([1, 2]), flat(0, 0, 0, shape=(10, 30))], ("flicker",))


def test_a_picture_too_small_for_five_scales_is_refused():
    with pytest.raises(ScoreError, match="at least 176x176 pixels"):
        score("ms_ssim", grain(1, (175, 400, 3)), grain(2, (175, 400, 3)))


def test_rounding_lifts_no_structural_similarity_above_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(structure, "_means", lambda *_: (1 + 1e-12, 1 + 1e-12))
    assert score("ms_ssim", grain(1), grain(1)) == score("ms_ssim_product", grain(1), grain(1)) == 1


def test_what_flatters_is_said_to_be_an_oracle():
    assert find_metric("psnr_gtmean").parameters["oracle"] is True
