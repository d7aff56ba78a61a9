"""What metrics read, and what else than its options a method reads, is settled before any work."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import method
from baselines.classical import amplify
from baselines.method import MethodInfo
from eval.run import run
from eval.running import pairs
from eval.running.option_files import read_by
from eval.running.plan import make_plan
from eval.running.settings import Settings
from lldata import cfa
from lldata.errors import MethodError, ScoreError
from lldata.noise import calibration
from lldata.noise.calibration import Calibration, IsoNoise
from lldata.noise.photon_transfer import Estimate
from lldata.sample import Sample
from lldata.store import home
from tests.pictures import write_pairs
from tests.stores import night

RAW_SCORE = {"metrics": ("psnr_raw",)}


@pytest.fixture(autouse=True)
def fresh() -> None:
    pairs.stages_of.cache_clear()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(raw: Callable[[Sample], np.ndarray] | None = None, **changes: Any) -> None:
        class Fake:
            info: MethodInfo = replace(amplify.INFO, **changes)

            def __call__(self, sample: Sample) -> np.ndarray:
                return np.zeros((3, 48, 64), np.float32)

        if raw is not None:
            Fake.raw = lambda _, sample: raw(sample)  # type: ignore[attr-defined]
        monkeypatch.setattr(method, "build", lambda *_, **__: Fake())
        monkeypatch.setattr(method, "info", lambda _: Fake.info)

    return install


def test_raw_planes_are_scored_against_those_of_the_long_mosaic():
    store = night(home() / "night", "train test", longs=True)
    (row,) = run(Settings("amplify", "night", **RAW_SCORE)).record.rows
    short, long = (
        store.frame("00002", "00002_00_0.1s"),
        store.frame("00002", "00002_00_10s", "long"),
    )
    error = cfa.normalise(short).astype(np.float64) * 100 - cfa.normalise(long)
    assert row.scores["psnr_raw"] == pytest.approx(-10 * np.log10(np.mean(error**2)), abs=1e-4)


@pytest.mark.parametrize(
    ("name", "metric", "longs", "message"),
    [
        ("gamma", "psnr_raw", True, "it reads raw planes, but gamma gives a picture only"),
        ("amplify@short", "psnr_raw", True, "amplify@short gives a picture only"),
        ("amplify", "psnr_raw", False, "00002/00002_00_0.1s has no mosaic of its long exposure"),
        ("amplify", "flicker", True, "it reads a clip, but night holds pairs of frames"),
    ],
)
def test_what_pairs_of_frames_cannot_give_is_refused(
    name: str, metric: str, longs: bool, message: str
):
    night(home() / "night", "train test", longs=longs)
    with pytest.raises(ScoreError, match=message):
        make_plan(Settings(name, "night", metrics=("psnr", metric)), print)


def test_a_method_of_raw_frames_has_no_picture_to_compare_with(fake: Callable[..., None]):
    night(home() / "night", "train test")
    fake(domain="raw")
    with pytest.raises(ScoreError, match=r"amplify is given the mosaic\. Leave it out"):
        make_plan(Settings("amplify", "night", metrics=("loe",)), print)


def test_raw_planes_that_are_not_finite_are_named_with_the_pair(fake: Callable[..., None]):
    night(home() / "night", "train test", longs=True)
    fake(raw=lambda sample: sample.packed * np.nan)
    with pytest.raises(MethodError, match=r"amplify on 00002/\S+: its raw planes hold NaN"):
        run(Settings("amplify", "night", **RAW_SCORE))


def calibrate(gain: float) -> str:
    """Keep a calibration of the camera of `night`; return the sha256 of its file."""
    figures = (Estimate(value, value, value) for value in (gain, 6.0, 0.01))
    of_iso = IsoNoise(200, next(figures), (gain,) * 4, next(figures), next(figures), 0.14, None, 2)
    path = calibration.write(Calibration("Sony ILCE-7SM2", (of_iso,), ()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_changed_calibration_is_recorded_and_nothing_of_the_former_is_taken(tmp_path: Path):
    night(home() / "night", "train test")
    settings = Settings("nlm", "night", options={"sigma": "calibration"}, out=tmp_path)
    records, hashes = [], []
    for gain in (0.5, 8.0):
        hashes.append(calibrate(gain))
        (tmp_path / "record.json").unlink(missing_ok=True)  # of another run: not to be replaced
        records.append(run(settings).record)
    key = "calibration_Sony-ILCE-7SM2_sha256"
    assert [record.options[key] for record in records] == hashes
    assert f"{key}={hashes[0][:8]}" in records[0].label
    assert f"{key}={hashes[0][:8]}" in records[0].label
    assert records[0].label != records[1].label
    assert records[0].rows[0].scores != records[1].rows[0].scores


def test_only_a_noise_level_of_the_calibration_reads_it():
    calibrate(1.0)
    given = method.build("nlm@short", sigma="calibration")
    assert list(read_by(given, ["Sony ILCE-7SM2", "Another"])) == [
        "calibration_Sony-ILCE-7SM2_sha256"
    ]
    assert read_by(method.build("nlm"), ["Sony ILCE-7SM2"]) == {}
    assert read_by(method.build("gamma"), ["Sony ILCE-7SM2"]) == {}


def test_what_neural_style_looks_through_is_recorded(tmp_path: Path):
    pytest.importorskip("torch")
    night(home() / "night", "train test")
    src = write_pairs(tmp_path / "pictures", "a")
    options = {"perceptual": "random", "style": str(src / "high" / "a.png")}
    plan = make_plan(Settings("neural_style", "night", options=options, seed=3), print)
    assert (plan.options["perceptual"], plan.options["perceptual_seed"]) == ("random", "3")
    assert "perceptual_seed" not in plan.label  # the run's own seed says it
