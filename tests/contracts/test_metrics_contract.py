"""Every metric: found by its name, defined by its parameters, deterministic, honest about sizes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from eval.metrics import metrics, score_images
from lldata.errors import ScoreError

NAMES = list(metrics())
IMAGES = [
    np.random.default_rng(seed).integers(0, 256, (64, 96, 3), dtype=np.uint8) for seed in range(3)
]


def score(name: str, output: np.ndarray, reference: np.ndarray) -> float:
    return score_images(output, reference, (name,), input=IMAGES[2])[name]


def test_the_scan_finds_the_metrics_of_the_package():
    assert {"mae", "psnr", "psnr_float", "ssim", "ssim_gray"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_called_as_its_function_and_says_what_it_is(name: str):
    metric = metrics()[name]
    assert metric.name == metric.function.__name__ == name
    assert metric.title.endswith(".")
    assert metric.reads[0] in ("output", "clip")


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_changes_with_any_parameter(name: str):
    metric = metrics()[name]
    changed = replace(metric, parameters={**metric.parameters, "another": 1})
    assert len(metric.definition) == 12
    assert metric.definition == replace(metric).definition != changed.definition


def test_no_two_metrics_share_a_definition():
    assert len({metric.definition for metric in metrics().values()}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_score_is_a_plain_number_that_repeats(name: str):
    found = score(name, IMAGES[0], IMAGES[1])
    assert type(found) is float
    assert math.isfinite(found)
    assert score(name, IMAGES[0], IMAGES[1]) == found


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_closer_to_its_reference_scores_better(name: str):
    metric = metrics()[name]
    near = IMAGES[0] // 8 * 7 + IMAGES[1] // 8
    close, far = score(name, near, IMAGES[0]), score(name, IMAGES[1], IMAGES[0])
    if metric.better != "none" and "reference" in metric.reads:
        assert (close > far) == (metric.better == "higher")


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_another_size_is_refused(name: str):
    with pytest.raises(ScoreError, match="its size is 96x64, but the reference is 80x64"):
        score(name, IMAGES[0], IMAGES[1][:, :80])
