"""Submissions: made of a run, checked against data and entries, owned and never overwritten."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eval import tracks
from eval.metrics.pixels import to_uint8
from eval.record import Record
from eval.run import run
from eval.running import pairs
from eval.running.folder import output_path
from eval.running.settings import Settings
from eval.submission import training as claims
from eval.submission.check import Checking, Verdict, check
from eval.submission.likeness import fitted_nearness, nearness
from eval.submission.submit import Submission, Submitted, submit
from eval.submission.training import training
from lldata.errors import LowLightError
from lldata.measures.likeness import Print
from lldata.sample import pair_row, reference_picture
from lldata.store import home, open_store
from tests.bundles import Parts, written
from tests.clip_folders import ingested, simulated
from tests.pictures import write
from tests.stores import night

PAIRS = ("00002/00002_00_0.1s", "00003/00003_00_0.1s")


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs.stages_of.cache_clear()
    return night(home() / "night", "train test test").path


@pytest.fixture
def made() -> Path:
    return run(Settings("amplify", "night")).record_path.parent


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    folder = tmp_path / "entries"
    folder.mkdir()
    return folder


def bundled(folder: Path, out: Path, owner: str | None = "me", **more: Any) -> Submitted:
    return submit(Submission(folder, out, owner, **more))


def outside(
    tmp_path: Path, picture: Callable[[str], np.ndarray], name: str = "theirs", told: str = ""
) -> Path:
    """Run an outside method of the pictures a function gives, and return the run's folder."""
    pairs.stages_of.cache_clear()
    for pair in PAIRS:
        write(tmp_path / name / f"{pair}.png", picture(pair))
    (tmp_path / name / "method.toml").write_text(told)
    settings = Settings(name, "night", outputs=tmp_path / name, out=tmp_path / f"run-{name}")
    return run(settings).record_path.parent


def reference(pair: str) -> np.ndarray:
    store = open_store("night")
    return to_uint8(reference_picture(store, pair_row(store, pair)))


def noisy(pair: str, seed: int = 0, level: float = 20.0) -> np.ndarray:
    truth = reference(pair)
    noise = np.random.default_rng(seed).normal(0, level, truth.shape)
    return (truth + noise).clip(0, 255).astype(np.uint8)


def checked(path: Path, entries: Path, **more: Any) -> Verdict:
    (verdict,) = check(Checking([path], None, entries, **more))
    return verdict


def wrong(verdict: Verdict) -> str:
    assert not verdict.passed
    return "; ".join(f"{f.check}: {f.message}" for f in verdict.findings if f.status == "fail")


def test_a_run_is_bundled_and_every_score_recomputed(made: Path, tmp_path: Path, entries: Path):
    done = bundled(made, tmp_path / "b.zip")
    assert hashlib.sha256(done.path.read_bytes()).hexdigest() == done.sha256
    verdict = checked(done.path, entries)
    assert (verdict.passed, verdict.document()["level"]) == (True, "recomputed")
    assert {finding.status for finding in verdict.findings} == {"pass"}
    with zipfile.ZipFile(done.path) as archive:
        names = archive.namelist()
        record = json.loads(archive.read("record.json"))
    pictures = [f"outputs/{pair}.png" for pair in PAIRS]
    assert names == ["manifest.json", "record.json", *pictures]
    assert record["level"] == "recomputed"
    assert record["rows"] == json.loads((made / "record.json").read_text())["rows"]


def test_the_same_run_gives_the_same_bytes(made: Path, tmp_path: Path):
    one, other = (bundled(made, tmp_path / name / "b.zip") for name in "ab")
    assert one.path.read_bytes() == other.path.read_bytes()


def test_a_clip_is_bundled_frame_by_frame(tmp_path: Path, entries: Path):
    store = ingested(simulated(tmp_path / "src"))
    metrics = ("psnr", "flicker")
    run(Settings("gamma", store.path, out=tmp_path / "run", metrics=metrics))
    done = submit(Submission(tmp_path / "run", tmp_path / "b.zip", dataset=store.path))
    (verdict,) = check(Checking([done.path], store.path, entries))
    assert [f.message for f in verdict.findings if f.status == "fail"] == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 1}, "it is partial"),
        ({"metrics": ("psnr", "psnr_float")}, "psnr_float: computed"),
    ],
)
def test_what_others_cannot_recompute_is_not_bundled(
    settings: dict[str, Any], message: str, tmp_path: Path
):
    run(Settings("amplify", "night", out=tmp_path / "run", **settings))
    with pytest.raises(LowLightError, match=message):
        bundled(tmp_path / "run", tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_a_record_that_was_changed_is_not_bundled(made: Path, tmp_path: Path):
    text = (made / "record.json").read_text()
    (made / "record.json").write_text(text.replace('"psnr": 8.', '"psnr": 9.', 1))
    with pytest.raises(LowLightError, match=f"psnr of {PAIRS[0]} is 8"):
        bundled(made, tmp_path / "b.zip")
    (made / "record.json").write_text(text)
    output_path(made, PAIRS[0]).unlink()
    with pytest.raises(LowLightError, match="0 pictures of it kept"):
        bundled(made, tmp_path / "b.zip")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"out": Path("b.tar")}, "--out b.tar: a bundle is not called so"),
        ({"owner": "a b"}, "--owner a b: no account"),
        ({"corrects": "abc"}, "--corrects abc: this names no bundle"),
    ],
)
def test_flags_that_name_nothing_are_refused(made: Path, flags: dict[str, Any], message: str):
    with pytest.raises(LowLightError, match=message):
        submit(Submission(**{"record": made, "out": Path("b.zip"), **flags}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "retinex_inverse", "input": "short", "options": {"degradation": True}},
         "method: retinex_inverse: its reference use is degradation, not none"),
        ({"synthetic": False}, "captures: night: simulated True, not False"),
    ],
    ids=["oracle", "captures"],
)  # fmt: skip
def test_an_oracle_that_calls_itself_blind_or_simulated_captures_real_are_refused(
    made: Path, tmp_path: Path, entries: Path, change: dict[str, Any], message: str
):
    parts = Parts(bundled(made, tmp_path / "a.zip").path.read_bytes())
    parts.record |= change
    assert message in wrong(checked(written(tmp_path / "b.zip", parts.zipped()), entries))


def test_a_method_given_a_histogram_in_place_of_the_references_is_no_oracle(
    made: Path, tmp_path: Path, entries: Path
):
    parts = Parts(bundled(made, tmp_path / "a.zip").path.read_bytes())
    told = {"target": "a.png", "target_sha256": "ab" * 32}
    parts.record |= {"method": "histogram_matching", "input": "short", "options": told}
    verdict = checked(written(tmp_path / "b.zip", parts.zipped()), entries)
    assert verdict.passed, wrong(verdict)


def test_an_output_that_is_its_reference_is_flagged(tmp_path: Path, entries: Path):
    done = bundled(outside(tmp_path, reference), tmp_path / "b.zip")
    assert f"reference: the output of {PAIRS[0]} is the reference itself" in wrong(
        checked(done.path, entries)
    )


def test_an_output_made_of_its_reference_by_gain_and_offset_is_flagged(
    tmp_path: Path, entries: Path
):
    folder = outside(tmp_path, lambda pair: (reference(pair) * 0.8 + 20).astype(np.uint8))
    said = wrong(checked(bundled(folder, tmp_path / "b.zip").path, entries))
    assert "dB from the reference, after the best gain and offset" in said


def test_the_pictures_of_another_entry_are_flagged(tmp_path: Path, entries: Path):
    bundled(outside(tmp_path, noisy, "first"), entries / "first.zip")
    copy = bundled(outside(tmp_path, noisy, "copy"), tmp_path / "copy.zip", "you")
    assert "duplicates: every score is that of night.test/first--outputs" in wrong(
        checked(copy.path, entries)
    )
    near = outside(tmp_path, lambda p: noisy(p) ^ np.uint8(noisy(p) % 64 == 0), "near")
    said = wrong(checked(bundled(near, tmp_path / "near.zip", "you").path, entries))
    assert "copies: 2 of 2 outputs are those of night.test/first--outputs" in said
    other = outside(tmp_path, lambda pair: noisy(pair, 1), "other")
    assert checked(bundled(other, tmp_path / "other.zip", "you").path, entries).passed


def test_bundles_of_one_call_are_held_against_each_other(tmp_path: Path, entries: Path):
    paths = [bundled(outside(tmp_path, noisy, name), tmp_path / f"{name}.zip").path
             for name in ("one", "two")]  # fmt: skip
    first, second = check(Checking(paths, None, entries))
    assert first.passed
    assert "every score is that of night.test/one--outputs" in wrong(second)


def test_scores_of_a_record_without_a_bundle_are_compared_too(
    made: Path, tmp_path: Path, entries: Path
):
    Record.read(made / "record.json").write(entries / "amplify--default.json")
    copy = outside(tmp_path, lambda p: cv2.imread(str(output_path(made, p)))[..., ::-1], "copy")
    said = wrong(checked(bundled(copy, tmp_path / "b.zip").path, entries))
    assert "every score is that of night.test/amplify--default" in said


def test_only_its_owner_corrects_an_entry_and_only_by_a_new_one(tmp_path: Path, entries: Path):
    old = bundled(outside(tmp_path, noisy), entries / "old.zip")
    better = outside(tmp_path, lambda pair: noisy(pair, 1, 10))

    def new(owner: str | None, corrects: str | None = None) -> Verdict:
        name = f"{owner}-{corrects}.zip"
        return checked(bundled(better, tmp_path / name, owner, corrects=corrects).path, entries)

    assert "is there already, and corrected by its owner's --corrects" in wrong(new("me"))
    assert "is owned by me, not by you" in wrong(new("you", old.sha256))
    assert "is owned by me, not by nobody" in wrong(new(None, old.sha256))
    assert "it corrects ffffffffffff, which is no entry" in wrong(new("me", "f" * 64))
    assert new("me", old.sha256).passed
    assert new("me", old.sha256[:12]).passed
    bundled(better, entries / "new.zip", corrects=old.sha256)
    third = outside(tmp_path, lambda pair: noisy(pair, 2, 5))
    said = wrong(checked(bundled(third, tmp_path / "3.zip", corrects=old.sha256).path, entries))
    assert "was corrected by night.test/theirs--outputs" in said


def test_a_correction_under_another_label_does_not_take_the_place_of_an_entry_that_stands(
    tmp_path: Path, entries: Path
):
    def made(value: float) -> Path:
        return run(Settings("gamma", "night", options={"gamma": value})).record_path.parent

    mine = bundled(made(0.5), entries / "mine.zip")
    bundled(made(0.6), entries / "theirs.zip", "them")
    said = checked(bundled(made(0.6), tmp_path / "a.zip", corrects=mine.sha256).path, entries)
    assert re.search(r"night\.test/gamma--gamma=0\.6 \(\w+\) is there already", wrong(said))
    free = bundled(made(0.7), tmp_path / "b.zip", corrects=mine.sha256)
    assert checked(free.path, entries).passed


def test_an_entry_is_submitted_by_its_owner_once(made: Path, tmp_path: Path, entries: Path):
    done = bundled(made, tmp_path / "b.zip")
    assert "its owner is me, but you submits it" in wrong(checked(done.path, entries, owner="you"))
    assert checked(done.path, entries, owner="me").passed
    (entries / "again.zip").write_bytes(done.path.read_bytes())
    assert "is this very bundle" in wrong(checked(done.path, entries))
    assert checked(entries / "again.zip", entries).passed  # an entry is no rival of itself


def test_an_outside_name_has_one_owner(tmp_path: Path, entries: Path):
    bundled(outside(tmp_path, noisy), entries / "a.zip")
    other = outside(tmp_path, lambda pair: noisy(pair, 1))
    record = Record.read(other / "record.json")
    replace(record, label="more").write(other / "record.json")
    said = wrong(checked(bundled(other, tmp_path / "b.zip", "you").path, entries))
    assert "method theirs is owned by me" in said


@pytest.mark.parametrize(
    ("trained_on", "status"),
    [
        ('["night/test"]', "fail"), ('["night"]', "fail"), ('["night/train"]', "pass"),
        ('["SID/train"]', "pass"), ("[]", "pass"), (None, "unknown"),
    ],
)  # fmt: skip
def test_training_on_the_pairs_scored_is_flagged(
    trained_on: str | None, status: str, tmp_path: Path
):
    told = "" if trained_on is None else f"trained_on = {trained_on}"
    record = Record.read(outside(tmp_path, noisy, told=told) / "record.json")
    assert training(record, open_store("night")).status == status


def test_training_on_another_dataset_with_the_same_photographs_is_flagged(
    made: Path, monkeypatch: pytest.MonkeyPatch
):
    def prints(store: Any) -> list[Print]:
        one = Print(store.name, "s", "g", "test", "", "a.dng", None, (("file", "ab"),))
        split = "test" if store.name == "night" else "train"
        return [replace(one, split=split)]

    night(home() / "copy", "train")
    monkeypatch.setattr(type(open_store("night")), "prints", prints)
    record = replace(Record.read(made / "record.json"), trained_on=("copy/train",))
    found = claims.training(record, open_store("night"))
    assert (found.status, found.message) == (
        "fail", "it was trained on copy/train: a.dng of test is a.dng of its scene s",
    )  # fmt: skip


def test_a_shipped_track_must_be_the_one_scored(
    made: Path, tmp_path: Path, entries: Path, monkeypatch: pytest.MonkeyPatch
):
    done = bundled(made, tmp_path / "b.zip")
    pinned = tracks.Track("night.test", "Night", "night", "test", digest="f" * 64)
    monkeypatch.setattr(tracks, "names", lambda: ["night.test"])
    monkeypatch.setattr(tracks, "load", lambda _: pinned)
    assert "track: track night.test pins other data" in wrong(checked(done.path, entries))


def test_missing_bundles_entries_and_data_are_mistakes(made: Path, tmp_path: Path, entries: Path):
    done = bundled(made, tmp_path / "b.zip")
    with pytest.raises(LowLightError, match="--entries none: there is no such folder"):
        check(Checking([done.path], None, Path("none")))
    with pytest.raises(LowLightError, match="dataset none"):
        check(Checking([done.path], "none", entries))
    with pytest.raises(FileNotFoundError):
        check(Checking([tmp_path / "c.zip"], None, entries))


def test_nearness_is_a_psnr_and_the_fit_takes_gain_and_offset_out():
    picture = np.random.default_rng(0).integers(0, 200, (32, 32, 3), dtype=np.uint8)
    assert nearness(picture, picture + np.uint8(51)) == pytest.approx(20 * np.log10(5))
    assert nearness(picture, picture) == np.inf
    assert fitted_nearness(picture + np.uint8(51), picture) == np.inf
    assert fitted_nearness(np.zeros_like(picture), picture) == pytest.approx(
        10 * np.log10(255**2 / picture.reshape(-1, 3).var(axis=0).mean())
    )
    assert fitted_nearness(picture, np.full_like(picture, 7)) is None
