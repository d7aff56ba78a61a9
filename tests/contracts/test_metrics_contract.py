"""Every metric: found by its name, defined by its parameters, deterministic, honest about sizes."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.metrics import definition, metrics, score_clip, score_images
from lldata.errors import ScoreError

NAMES = list(metrics())
OF_PAIRS = [name for name in NAMES if metrics()[name].reads[:2] == ("output", "reference")]
SHAPE = (176, 192, 3)
EDGE = np.arange(192)[None, :, None] > 90 + np.arange(176)[:, None, None] / 8  # for mtf50
IMAGES = [
    (np.random.default_rng(seed).integers(0, 16, SHAPE) + 128 * EDGE).astype(np.uint8)
    for seed in range(3)
]


def score(name: str, output: np.ndarray, reference: np.ndarray) -> float:
    if metrics()[name].reads == ("clip",):
        return score_clip([output, reference, output], (name,))[name]
    planes = output[None, ..., 0] / 255, reference[None, ..., 0] / 255
    return score_images(output, reference, (name,), input=IMAGES[2], raw=planes)[name]


def test_the_scan_finds_every_function_under_the_decorator():
    lines = [
        line
        for path in Path(definition.__file__).parent.glob("*.py")
        for line in re.split(r"^@metric\(", path.read_text("utf-8"), flags=re.M)[1:]
    ]
    defined = {re.findall(r"^def (\w+)\(", line, flags=re.M)[0] for line in lines}
    assert set(NAMES) == defined >= {"psnr", "ssim"}


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_called_as_its_function_and_says_what_it_is(name: str):
    metric = metrics()[name]
    assert metric.name == metric.function.__name__ == name
    assert metric.title.endswith(".")
    assert metric.reads[0] in ("output", "clip", "raw_output")


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


@pytest.mark.parametrize("name", OF_PAIRS)
def test_a_picture_closer_to_its_reference_scores_better(name: str):
    metric = metrics()[name]
    near = IMAGES[0] // 8 * 7 + IMAGES[1] // 8
    close, far = score(name, near, IMAGES[0]), score(name, IMAGES[1], IMAGES[0])
    assert (close > far) == (metric.better == "higher")


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_another_size_is_refused(name: str):
    with pytest.raises(ScoreError, match=r"192x176.*80x176|80x176.*192x176"):
        score(name, IMAGES[0], IMAGES[1][:, :80])
