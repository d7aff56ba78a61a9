"""What a run makes of one clip, with clips and methods whose scores are known beforehand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from baselines.classical import identity
from eval.metrics import find_metrics
from eval.metrics.definition import metric
from eval.running import clip_pairs
from eval.running.clip_pairs import Scored, score_clip_pair
from lldata.errors import MethodError, ScoreError
from lldata.sample import Sample
from tests.records import record, rows, score_of

PAIR = "Night/low"
DARK = [np.full((16, 24, 3), level, np.uint16) for level in (1000, 2000, 3000, 4000)]


class Clips:
    """A store of one clip and, where it is given, its truth."""

    name = "clips"

    def __init__(self, low: list[np.ndarray], truth: list[np.ndarray] | None = None) -> None:
        self.held = {"low": low, "truth": truth or []}
        row = {"pair": PAIR, "scene": "Night", "short": "low", "reference": "truth" * bool(truth)}
        self.pairs = pd.DataFrame([row])

    def clip_shape(self, _: str, clip: str) -> tuple[int, int, int]:
        return (len(self.held[clip]), 16, 24)

    def clip_frame(self, _: str, clip: str, number: int) -> np.ndarray:
        return self.held[clip][number]


class Given:
    """A method for clips made of a function."""

    info = replace(identity.INFO, domain="clip")

    def __init__(self, function: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]) -> None:
        self.function = function

    def __call__(self, sample: Sample) -> Iterator[np.ndarray]:
        return self.function(sample.clip or iter(()))


def scored(folder: Path, store: Any, method: Any = None, metrics: Any = ("psnr",)) -> Scored:
    chosen = find_metrics(metrics) if isinstance(metrics[0], str) else metrics
    return score_clip_pair(method or identity.build(), store, PAIR, chosen, folder)


def test_the_seconds_of_a_clip_are_those_of_a_frame_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)
    monkeypatch.setattr(clip_pairs, "time", clock)

    class Slow(Clips):
        def clip_frame(self, *which: Any) -> np.ndarray:
            clock.now += 5
            return super().clip_frame(*which)

    def work(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        ahead = list(itertools.islice(frames, 3))  # looks ahead, as smoothing does
        for frame in itertools.chain(ahead, frames):
            clock.now += 0.5
            yield frame

    assert scored(tmp_path, Slow(DARK), Given(work), ("flicker",)).seconds == pytest.approx(0.5)


def test_a_method_that_gives_a_frame_too_many_is_refused(tmp_path: Path):
    doubled = Given(lambda frames: (frame for frame in frames for _ in range(2)))
    with pytest.raises(MethodError, match="identity on Night/low: it gives more than 4 frames"):
        scored(tmp_path, Clips(DARK), doubled, ("entropy",))


def test_a_frame_that_is_no_picture_is_named_with_its_pair(tmp_path: Path):
    broken = Given(lambda frames: (frame * np.nan for frame in frames))
    with pytest.raises(MethodError, match=r"identity on Night/low, frame 0: .* no finite picture"):
        scored(tmp_path, Clips(DARK), broken, ("entropy",))


def test_a_truth_of_another_length_is_refused(tmp_path: Path):
    with pytest.raises(ScoreError, match="its truth has 3 frames, but the clip has 4"):
        scored(tmp_path, Clips(DARK, DARK[:3]))


def test_identical_frames_are_out_of_the_mean_and_counted(tmp_path: Path):
    truth = [DARK[0], DARK[1], DARK[2] + np.uint16(257 * 51), DARK[3]]
    found = scored(tmp_path, Clips(DARK, truth), metrics=("psnr", "mae"))
    assert found.scores["psnr"] == pytest.approx(20 * math.log10(5))  # off by 51 of 255
    assert found.scores["mae"] == pytest.approx(51 / 4)
    assert found.frames_left_out == {"psnr": 3}
    assert not found.identical
    row = replace(rows(groups=1)[0], frames_left_out=found.frames_left_out)
    assert score_of(record([row]), "psnr").over.endswith(
        "; 3 frames identical to the reference, left out"
    )
    assert "frames" not in score_of(record([row]), "ssim").over


def test_a_clip_equal_to_its_truth_scores_infinity_and_an_undefined_frame_nothing(tmp_path: Path):
    same = scored(tmp_path, Clips(DARK, DARK))
    assert same.identical
    assert same.scores["psnr"] == math.inf

    @metric(unit="", better="none", reads=("output",))
    def doubtful(output: np.ndarray) -> float:
        """Undefined where it is dark."""
        return math.nan if output.max() < 5 else 1.0

    assert math.isnan(scored(tmp_path, Clips(DARK), metrics=(doubtful,)).scores["doubtful"])
