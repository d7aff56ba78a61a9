"""Verifying: what a record reaches, and that whatever changed is noticed and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eval.record import MetricUse, Record, Row, pairs_sha256
from eval.run import run
from eval.running import pairs
from eval.running.clip_pairs import Scored
from eval.running.folder import output_path
from eval.running.settings import Settings
from eval.tracks import Track
from eval.verification import verify as verifying
from eval.verification.recompute import Difference, differences
from eval.verification.verify import Asked, Verdict, verify
from lldata.errors import LowLightError
from lldata.store import home, open_store
from tests.pictures import write
from tests.stores import night

PAIR = "00002/00002_00_0.1s"
OTHER = MetricUse("f" * 12, "dB", "higher")  # another definition of psnr
LOWER = MetricUse("755dcd3c9559", "dB", "lower")


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs.stages_of.cache_clear()
    return night(home() / "night", "train test test").path


@pytest.fixture
def made() -> Path:
    """Return the folder of a run."""
    return run(Settings("amplify", "night")).record_path.parent


def edited(folder: Path, change: Callable[[Record], Record]) -> Path:
    """Return the folder with its record changed, each of its parts still agreeing."""
    change(Record.read(folder / "record.json")).write(folder / "record.json")
    return folder


def better(record: Record) -> Record:
    first, *others = record.rows
    first = replace(first, scores=dict(first.scores) | {"psnr": (first.scores["psnr"] or 0) + 1e-3})
    return replace(record, rows=(first, *others))


def wrong(verdict: Verdict) -> str:
    assert verdict.level is None
    return "; ".join(f"{f.check}: {f.message}" for f in verdict.findings if f.status == "fail")


@pytest.mark.parametrize(
    ("how", "level"), [("claims", "reported"), ("outputs", "recomputed"), ("rerun", "rerun")]
)
def test_a_record_as_a_run_left_it_reaches_every_level(made: Path, how: Any, level: str):
    before = (made / "record.json").read_bytes()
    verdict = verify(Asked(made, how))
    assert (verdict.level, verdict.differences) == (level, ())
    assert {finding.status for finding in verdict.findings} == {"pass"}
    assert (made / "record.json").read_bytes() == before


@pytest.mark.parametrize("how", ["outputs", "rerun"])
def test_a_score_that_was_improved_is_named(made: Path, how: Any):
    verdict = verify(Asked(edited(made, better), how))
    ((pair, metric, recorded, found),) = verdict.differences
    assert (pair, metric) == (PAIR, "psnr")
    assert recorded - found == pytest.approx(1e-3)
    assert f"scores: psnr of {PAIR} is" in wrong(verdict)


def test_an_improved_score_is_not_seen_without_its_outputs(made: Path):
    assert verify(Asked(edited(made, better))).level == "reported"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda r: replace(r, metrics={**r.metrics, "psnr": OTHER}),
            "definitions: psnr is definition ffffffffffff, here 755dcd3c9559",
        ),
        (
            lambda r: replace(r, metrics={**r.metrics, "psnr": LOWER}),
            "psnr is told with dB and better lower, here dB and better higher",
        ),
        (lambda r: replace(r, synthetic=False), "captures: night: simulated True, not False"),
        (lambda r: replace(r, protocol="sid_fuji"), "captures: night: protocol sid_sony, not sid"),
        (lambda r: replace(r, method="scaled"), "scaled: its reference use is mean, not none"),
        (lambda r: replace(r, input="short"), "amplify: its input is amplified, not short"),
        (
            lambda r: replace(r, method="retinex_inverse", options={"degradation": True}),
            "retinex_inverse: its reference use is degradation, not none",
        ),
        (lambda r: replace(r, digest="f" * 64), "dataset: the digest of night is"),
        (lambda r: replace(r, reference_digest="f" * 64), "references: the reference digest"),
        (
            lambda r: replace(r, rows=r.rows[:1], pairs_sha256=pairs_sha256([r.rows[0].pair])),
            "pairs: 1 pair (00003/00003_00_0.1s) of the track not scored",
        ),
        (
            lambda r: replace(r, rows=tuple(replace(x, ratio=90.0) for x in r.rows)),
            f"pairs: 2 pairs ({PAIR}, 00003/00003_00_0.1s) with another group, ratio",
        ),
        (lambda r: replace(r, pairs_sha256="f" * 64), "its rows are not the pairs it says"),
    ],
)  # fmt: skip
def test_a_record_of_other_data_pairs_or_definitions_is_named(
    made: Path, change: Callable[[Record], Record], message: str
):
    assert message in wrong(verify(Asked(edited(made, change))))


def test_a_method_of_no_file_is_unknown_and_one_given_a_histogram_is_blind(made: Path):
    def status(**changes: Any) -> str:
        verdict = verify(Asked(edited(made, lambda r: replace(r, **changes))))
        return next(one.status for one in verdict.findings if one.check == "method")

    assert status(method="from_a_later_version") == "unknown"
    told = {"target": "a.png", "target_sha256": "ab" * 32}
    blind = {"method": "histogram_matching", "input": "short", "options": told}
    assert [status(**blind), status(**blind, reference_use="histogram")] == ["pass", "fail"]


def test_a_camera_that_was_changed_is_named_when_run_again(made: Path):
    rows = edited(made, lambda r: replace(r, rows=tuple(replace(x, camera="K") for x in r.rows)))
    assert f"told: the camera of {PAIR} is Sony ILCE-7SM2, not K" in wrong(
        verify(Asked(rows, "rerun"))
    )


def test_two_scores_that_differ_in_late_digits_are_not_printed_alike():
    text = Difference("a/b", "psnr", 19.658568014227082, 19.658568013227082).text
    assert text == "psnr of a/b is 19.658568013227082, not 19.658568014227082"


def test_nothing_is_run_again_for_a_record_of_other_data(
    made: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verifying, "run_again", lambda *_: pytest.fail("it was run"))
    other = edited(made, lambda r: replace(r, digest="f" * 64))
    assert "dataset: the digest" in wrong(verify(Asked(other, "rerun")))


def test_a_dataset_that_changed_under_its_name_is_named(made: Path):
    shutil.rmtree(home() / "night")
    night(home() / "night", "train test test test")
    assert "dataset: the digest of night is" in wrong(verify(Asked(made)))


def test_a_dataset_that_is_not_at_hand_is_unknown_and_can_be_named(made: Path, tmp_path: Path):
    moved = Path(shutil.move(home() / "night", tmp_path / "night"))
    verdict = verify(Asked(made))
    assert verdict.level == "reported"
    assert "dataset night is not at hand" in verdict.findings[3].message
    assert verify(Asked(made, "outputs", dataset=moved)).level == "recomputed"
    with pytest.raises(LowLightError, match="its dataset night is not at hand"):
        verify(Asked(made, "outputs"))


def test_an_output_that_is_gone_changed_or_torn_is_named(made: Path):
    path = output_path(made, PAIR)
    whole = path.read_bytes()
    write(path, np.full((48, 64, 3), 9, np.uint8))
    assert f"the output of {PAIR} is not the one that was scored" in wrong(
        verify(Asked(made, "outputs"))
    )
    path.write_bytes(whole[:-20])
    assert "its PNG data end too early" in wrong(verify(Asked(made, "outputs")))
    write(path, np.full((48, 60, 3), 9, np.uint8))
    assert "64x48 of uint8 was scored" in wrong(verify(Asked(made, "outputs")))
    path.unlink()
    assert "0 pictures of it kept" in wrong(verify(Asked(made, "outputs")))
    shutil.rmtree(made / "outputs")
    with pytest.raises(LowLightError, match="outputs: there is no such folder"):
        verify(Asked(made, "outputs"))


def test_scores_of_floats_are_said_not_to_follow_from_eight_bits(tmp_path: Path):
    settings = Settings("amplify", "night", metrics=("psnr", "psnr_float"), out=tmp_path / "r")
    run(settings)
    verdict = verify(Asked(tmp_path / "r", "outputs"))
    assert verdict.level == "recomputed"
    assert verdict.findings[-1].status == "unknown"
    assert "psnr_float: computed on floats" in verdict.findings[-1].message
    run(replace(settings, metrics=("psnr_float",)))
    assert verify(Asked(tmp_path / "r", "outputs")).level == "reported"


def test_metrics_of_the_input_are_recomputed_on_its_rendering():
    made = run(Settings("gamma", "night", metrics=("psnr", "loe"))).record_path.parent
    assert verify(Asked(made, "outputs")).level == "recomputed"


def test_an_outside_method_is_recomputed_but_never_rerun(made: Path):
    pairs.stages_of.cache_clear()
    theirs = run(Settings("theirs", "night", outputs=made / "outputs")).record_path.parent
    assert verify(Asked(theirs, "outputs")).level == "recomputed"
    with pytest.raises(LowLightError, match="it is an outside method"):
        verify(Asked(theirs, "rerun"))


def test_a_record_of_a_track_that_is_not_known_here_is_recomputed_but_never_rerun():
    night(home() / "study", "train test test", quarantined=("00003",))
    track = Track("study.test.88", "", "study", "test", readmitted=("00003",), study=True)
    made = run(Settings("amplify", "study", track=track)).record_path.parent
    verdict = verify(Asked(made, "outputs"))
    assert verdict.level == "recomputed"
    unknown = {one.check: one.message for one in verdict.findings if one.status == "unknown"}
    assert unknown.keys() == {"track", "pairs"}
    assert unknown["pairs"] == "2 pairs, each once; which study.test.88 has is not known here"
    with pytest.raises(LowLightError, match=r"this version has no track study\.test\.88"):
        verify(Asked(made, "rerun"))


def test_a_trial_run_is_verified_on_the_pairs_it_scored():
    made = run(Settings("amplify", "night", limit=1)).record_path.parent
    assert [verify(Asked(made, how)).level for how in ("outputs", "rerun")] == [
        "recomputed", "rerun",
    ]  # fmt: skip


def test_a_file_a_method_read_must_be_given_again_and_be_the_same(tmp_path: Path):
    target = tmp_path / "bright.png"
    cv2.imwrite(str(target), np.full((4, 4, 3), 200, np.uint8))
    options = {"target": str(target)}
    made = run(Settings("histogram_matching", "night", options=options)).record_path.parent
    with pytest.raises(LowLightError, match=r"--set target: file bright.png with sha256"):
        verify(Asked(made, "rerun"))
    assert verify(Asked(made, "rerun", options=options)).level == "rerun"
    cv2.imwrite(str(target), np.full((4, 4, 3), 100, np.uint8))
    with pytest.raises(LowLightError, match="Give it: --set target=PATH"):
        verify(Asked(made, "rerun", options=options))


def test_weights_that_changed_are_named_and_missing_ones_unknown():
    pytest.importorskip("torch")
    from baselines.networks import sid
    from baselines.training import weights

    folder = home() / ".weights/sid/night/quick-seed0"
    sha256 = weights.write(
        folder / weights.MODEL, sid.UNet(planes=4, width=4, levels=3).state_dict()
    )
    config = {"method": "sid", "preset": "quick", "seed": 0, "steps": 1, "trained_on": "night",
              "digest": open_store("night").digest, "sha256": sha256}  # fmt: skip
    weights.write_config(folder, config)
    made = run(Settings("sid", "night", device="cpu")).record_path.parent
    assert verify(Asked(made, "rerun")).level == "rerun"
    whole = (folder / weights.MODEL).read_bytes()
    (folder / weights.MODEL).write_bytes(whole[:-1] + b"\0")
    assert "quick-seed0 is no longer what was trained" in wrong(verify(Asked(made)))
    assert f"not {sha256[:12]}" in wrong(verify(Asked(made, weights=folder)))
    shutil.rmtree(folder)
    assert "name it with --weights" in verify(Asked(made)).findings[-1].message
    with pytest.raises(LowLightError, match="are not at hand"):
        verify(Asked(made, "rerun"))


def test_a_file_that_is_no_record_fails_and_a_missing_one_is_a_mistake(tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps({"format": 1}))
    assert "record: " in wrong(verify(Asked(tmp_path / "a.json")))
    with pytest.raises(LowLightError, match="there is no such file"):
        verify(Asked(tmp_path / "b.json"))


@pytest.mark.parametrize(
    ("metric", "found", "within", "differs"),
    [
        ("psnr", 20 + 9e-7, None, False), ("psnr", 20 + 2e-6, None, True),
        ("psnr", 20 + 9e-5, 1e-4, False), ("psnr", 20 + 1e-9, 0.0, True),
        ("pyiqa:niqe", 20.019, None, False), ("pyiqa:niqe", 20.021, None, True),
        ("pyiqa:niqe", 20.019, 1e-4, False), ("pyiqa:niqe", 20.019, 0.0, True),
        ("psnr", float("inf"), None, True), ("psnr", float("nan"), 1e9, True),
    ],
)  # fmt: skip
def test_a_score_may_differ_by_what_its_arithmetic_does(
    metric: str, found: float, within: float | None, differs: bool
):
    row = Row("s/p", "s", None, None, "test", {metric: 20.0}, identical=False)
    assert bool(differences(row, Scored({metric: found}, False, 0.0), within)) is differs
