"""Methods run and scored on clips: frames against the hidden truth, the clip as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.metrics import score_clip, score_images
from eval.run import run
from eval.running.folder import frame_path
from eval.running.settings import Settings
from lldata.clip_sample import clip_frames, clip_reference
from lldata.errors import LowLightError, ScoreError
from lldata.sample import pair_row
from lldata.store import Store
from tests.clip_folders import film, ingested, simulated, write_scene
from tests.pictures import write


@pytest.fixture
def walk(tmp_path: Path) -> Store:
    return ingested(simulated(tmp_path / "src"))


def gamma(store: Store, out: Path, **more: object) -> dict:
    done = run(Settings("gamma", store.path, out=out, **more))  # type: ignore[arg-type]
    return json.loads(done.record_path.read_text())


def test_the_score_of_a_clip_is_the_mean_over_its_frames_against_the_truth(
    walk: Store, tmp_path: Path
):
    (row,) = gamma(walk, tmp_path / "run", metrics=("psnr", "loe", "flicker"))["rows"]
    table = pair_row(walk, row["pair"])
    truths = clip_reference(walk, table)
    assert truths is not None
    lows = clip_frames(walk, table.scene, "low")
    frames = [np.power(low, 1 / 2.2).transpose(1, 2, 0) for low in lows]
    scores = [
        score_images(frame, truth.transpose(1, 2, 0))["psnr"]
        for frame, truth in zip(frames, truths, strict=True)
    ]
    assert row["scores"]["psnr"] == pytest.approx(np.mean(scores), abs=1e-9)
    assert row["scores"]["flicker"] == pytest.approx(
        score_clip(frames, ("flicker",))["flicker"], abs=1e-9
    )
    assert row["scores"]["loe"] >= 0
    assert not row["identical"]
    for number, frame in enumerate(frames):
        kept = cv2.imread(str(frame_path(tmp_path / "run", row["pair"], number)))[..., ::-1]
        assert np.abs(kept / 255 - frame).max() <= 0.5 / 255 + 1e-6


def test_the_frames_of_an_outside_method_score_what_the_run_that_made_them_did(
    walk: Store, tmp_path: Path
):
    (mine,) = gamma(walk, tmp_path / "run")["rows"]
    outputs = tmp_path / "run" / "outputs"
    settings = Settings("theirs", walk.path, outputs=outputs, out=tmp_path / "theirs")
    (theirs,) = run(settings).record.rows
    assert theirs.output_sha256 == mine["output_sha256"]
    assert theirs.scores == pytest.approx(mine["scores"], abs=0.05)  # of floats, of 8 bits
    count = len(list((outputs / theirs.pair).iterdir()))
    write(frame_path(tmp_path / "run", theirs.pair, count), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ScoreError, match="not every frame, or too many"):
        run(settings)


def test_a_finished_clip_is_not_run_again(walk: Store, tmp_path: Path):
    first = gamma(walk, tmp_path / "run")
    frame = frame_path(tmp_path / "run", first["rows"][0]["pair"], 0)
    frame.unlink()
    assert gamma(walk, tmp_path / "run")["rows"] == first["rows"]
    assert not frame.exists()


@pytest.fixture
def unpaired(tmp_path: Path) -> Store:
    for scene in ("one", "two"):
        write_scene(tmp_path / "real", scene, low=film(1, 4, 9000), target=film(2, 3))
    return ingested(tmp_path / "real")


def test_clips_nobody_knows_the_truth_of_are_scored_by_what_they_show(
    unpaired: Store, tmp_path: Path
):
    split = unpaired.pairs["split"].iloc[0]
    record = gamma(unpaired, tmp_path / "run", split=split)
    assert list(record["metrics"]) == ["flicker", "warp_error"]
    assert all(row["scores"]["flicker"] > 0 for row in record["rows"])


@pytest.mark.parametrize(
    ("method", "metrics", "message"),
    [
        ("gamma", ("psnr",), "psnr: it compares with a reference, and .* is one of unpaired clips"),
        ("gamma", ("psnr_raw",), "psnr_raw: it reads raw planes"),
        ("amplify", (), "its input is amplified by the exposure ratio, but .* holds clips"),
        ("histogram_matching", (), "it looks at the histogram of the reference"),
    ],
)
def test_what_clips_cannot_give_is_refused_before_any_work(
    unpaired: Store, tmp_path: Path, method: str, metrics: tuple[str, ...], message: str
):
    settings = Settings(
        method, unpaired.path, split=unpaired.pairs["split"].iloc[0], metrics=metrics,
        out=tmp_path / "run",
    )  # fmt: skip
    with pytest.raises(LowLightError, match=message):
        run(settings)
    assert not (tmp_path / "run").exists()
