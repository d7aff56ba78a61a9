"""Pairs of ready pictures and darkened photographs, from folders to scores."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from eval.run import run
from eval.running.settings import Settings
from eval.training import train_method
from lldata import cli, store, synthesise, upkeep
from lldata import ingest as work
from lldata.dataset import PictureCrops
from lldata.engine import Local
from lldata.errors import FrameError, MethodError, ProtocolError, StoreError
from lldata.pairing import SceneFiles
from lldata.protocol import PictureProtocol
from lldata.sample import read_sample
from lldata.sets import pictures, planning, splits
from lldata.sets.job import SceneJob
from lldata.synthesis import pairs as pairs_of_photographs
from lldata.synthesis import retinex
from lldata.synthesis.drawn import ranges
from tests.pictures import dark, picture, write, write_pairs

ENGINE = Local(workers=1)


def stored(dataset: work.Dataset) -> store.Store:
    """Store a prepared dataset in this process: a worker takes longer to start than these do."""
    protocol = dataset.plan.protocol
    run_scene = pairs_of_photographs.run_scene
    if isinstance(protocol, PictureProtocol):
        run_scene = pictures.run_scene  # type: ignore[assignment]
    for scene in dataset.plan.scenes:
        if scene.scene not in dataset.known:
            assert run_scene(SceneJob(scene, protocol, dataset.path, "")).state == "stored"
    upkeep.build_index(dataset.path, "2026-01-01T00:00:00+00:00")
    return store.open_store(dataset.path)


def ingest(src: Path, name: str) -> store.Store:
    (dataset,) = work.prepare(src, "rgb_pairs", name, ENGINE)
    return stored(dataset)


def synthesize(src: Path, name: str, protocol: str = "raise_retinex", seed: int = 0) -> store.Store:
    return stored(synthesise.prepare(src, name, protocol, seed, ENGINE))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "LOL", "a b c")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for seed in range(4):
        write(tmp_path / "photos" / f"p{seed}.png", picture(20 + seed))  # none of the pairs'
    return tmp_path / "photos"


def test_two_folders_of_pictures_become_a_dataset_without_a_protocol_named(pairs: Path):
    (dataset,) = work.prepare(pairs, None, "lol", ENGINE)
    assert {o.state for o in work.ingest(dataset, ENGINE, deep=False)} == {"stored"}
    opened = store.open_store("lol")
    assert (opened.kind, opened.protocol, opened.synthetic) == ("pictures", "rgb_pairs", False)
    assert opened.pairs["pair"].tolist() == ["a/a", "b/b", "c/c"]
    assert opened.pairs[["ratio", "iso", "exposure_s"]].isna().all(axis=None)
    assert set(opened.pairs["split"]) == {"test"}
    assert np.array_equal(opened.picture("a", "a", "low")[0], dark(picture(0)))
    assert np.array_equal(opened.picture("a", "a", "normal")[0], picture(0))


@pytest.mark.parametrize("what", ["a dangling link", "a FIFO", "no right to read"])
def test_a_source_that_cannot_be_read_costs_its_scene_only(photographs: Path, what: str):
    broken = photographs / "p1.png"
    if what == "no right to read":
        if os.geteuid() == 0:
            pytest.skip("root may read everything")
        broken.chmod(0)
    else:
        broken.unlink()
        os.mkfifo(broken) if what == "a FIFO" else broken.symlink_to(photographs / "gone")
    plan = synthesise.prepare(photographs, "dusk", "raise_retinex", 0, ENGINE).plan
    assert [s.scene for s in plan.scenes] == ["p0", "p2", "p3"]
    (finding,) = plan.findings
    assert (finding.scene, finding.check, finding.status) == ("p1", "integrity", "quarantine")
    assert str(broken) in finding.message


def test_a_stored_scene_stays_when_its_source_has_gone(pairs: Path):
    before = ingest(pairs, "p")
    low = pairs / "low" / "b.png"
    low.unlink()
    low.symlink_to(pairs / "gone.png")
    (dataset,) = work.prepare(pairs, "rgb_pairs", "p", ENGINE)
    assert dataset.known == {"a", "b", "c"}
    (finding,) = dataset.plan.findings
    assert (finding.scene, finding.status) == ("b", "warn")
    assert "What is stored stays" in finding.message
    assert stored(dataset).digest == before.digest


def test_large_sources_are_hashed_by_workers(photographs: Path, monkeypatch: pytest.MonkeyPatch):
    (photographs / "p1.png").write_bytes(b"")
    found = synthesise.prepare(photographs, "here", "raise_retinex", 0, ENGINE).plan
    monkeypatch.setattr(splits, "_MUCH", 0)
    monkeypatch.setattr(splits, "source_digest", source_digest_elsewhere)
    assert synthesise.prepare(photographs, "there", "raise_retinex", 0, ENGINE).plan == found


def source_digest_elsewhere(scene: SceneFiles) -> str:
    """Refuse to hash in the process of the test."""
    assert multiprocessing.parent_process() is not None
    return splits_digest(scene)


splits_digest = splits.source_digest


def test_a_sample_of_a_picture_pair_is_its_dark_picture(pairs: Path):
    sample = read_sample(ingest(pairs, "lol"), "b/b", reference=True)
    assert sample.frame is None
    assert sample.packed is None
    assert np.isnan(sample.ratio)
    assert sample.srgb is not None
    assert np.allclose(sample.srgb.transpose(1, 2, 0) * 255, dark(picture(1)), atol=1e-4)
    assert np.allclose(sample.reference.transpose(1, 2, 0) * 255, picture(1), atol=1e-4)


def test_ingesting_again_keeps_adds_and_refuses_what_changed(pairs: Path):
    digest = ingest(pairs, "lol").digest
    assert ingest(pairs, "lol").digest == digest
    write_pairs(pairs, "a b c d")
    assert len(ingest(pairs, "lol").pairs) == 4
    write(pairs / "low" / "b.png", picture(9))
    with pytest.raises(StoreError, match=r"scene b: low/b.png changed since"):
        ingest(pairs, "lol")


def test_the_digest_knows_pixels_not_file_formats(pairs: Path, tmp_path: Path):
    for path in list(pairs.rglob("*.png")):
        place = tmp_path / "other" / path.parent.name
        write(place / f"{path.stem}.bmp", picture("abc".index(path.stem)) if
              path.parent.name == "high" else dark(picture("abc".index(path.stem))))  # fmt: skip
    assert ingest(pairs, "png").digest == ingest(tmp_path / "other", "bmp").digest


def test_a_stored_pair_verifies_deeply_and_a_shifted_one_is_quarantined(tmp_path: Path):
    whole = picture(1, (160, 192))
    write(tmp_path / "s" / "high" / "a.png", whole[8:-8, 8:-8])
    write(tmp_path / "s" / "low" / "a.png", dark(whole)[12:-4, 8:-8])
    opened = ingest(tmp_path / "s", "shifted")
    assert opened.pairs["status"].tolist() == ["quarantine"]
    assert opened.pairs["shift_y_px"].tolist() == [pytest.approx(4, abs=0.1)]
    ((scene, size, sha256),) = opened.scene_files()
    path = store.scene_path(opened.path, scene)
    assert upkeep.verify_scene(path, size, sha256, deep=True) == []


def test_show_gives_the_range_that_was_drawn(
    photographs: Path, pairs: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    opened = synthesize(photographs, "dusk")
    alphas = [opened.picture(n, n, "low")[1]["alpha"] for n in ("p0", "p1", "p2", "p3")]
    monkeypatch.setattr(sys, "argv", ["lldata", "show", "dusk", "--json"])
    with pytest.raises(SystemExit):
        cli.app()
    drawn = json.loads(capsys.readouterr().out)["drawn"]
    assert set(drawn) == {"alpha", "gamma", "noise_sigma"}
    assert drawn["alpha"] == [min(alphas), max(alphas)]
    assert ranges(ingest(pairs, "lol")) == {}


def test_a_dataset_that_fell_into_one_split_says_how_to_divide_it(photographs: Path, pairs: Path):
    for path in sorted(photographs.iterdir())[1:]:
        path.unlink()
    said = splits.only_split(synthesize(photographs, "alone"))
    assert said.startswith("alone: all 1 pairs (1 place) are of split ")
    assert "with --lists DIR" in said
    assert splits.only_split(ingest(pairs, "lol")) == ""


def test_synthesised_pairs_record_what_was_drawn(photographs: Path):
    opened = synthesize(photographs, "dusk")
    assert (opened.synthetic, opened.distinct_sources) == (True, 4)
    low, drawn = opened.picture("p1", "p1", "low")
    normal, _ = opened.picture("p1", "p1", "normal")
    assert np.array_equal(normal, picture(21))
    assert (drawn["generator"], drawn["seed"]) == ("retinex", 0)
    exact = 255 * retinex.degrade(normal / 255, drawn["alpha"], drawn["gamma"])
    sigma = 255 * drawn["noise_sigma"]
    lit = (exact > 4 * sigma) & (exact < 255 - 4 * sigma)
    assert lit.sum() > 500
    assert (low - exact)[lit].std() == pytest.approx(sigma, rel=0.1, abs=0.3)
    facts = store.read_scene(store.scene_path(opened.path, "p1")).facts
    assert facts["low/p1"] == drawn


def test_the_same_seed_gives_the_same_digest_and_another_another(photographs: Path):
    first = synthesize(photographs, "one")
    assert synthesize(photographs, "two").digest == first.digest
    assert synthesize(photographs, "three", seed=1).digest != first.digest
    assert synthesize(photographs, "four", "raise_gamma").digest != first.digest
    for scene, size, sha256 in first.scene_files():
        path = store.scene_path(first.path, scene)
        assert upkeep.verify_scene(path, size, sha256, deep=True) == []


def test_a_dataset_is_continued_under_its_own_seed_only(photographs: Path):
    synthesize(photographs, "dusk")
    write(photographs / "album" / "p0.png", picture(7))
    assert synthesize(photographs, "dusk").scenes["scene"].tolist() == [
        "album-p0", "p0", "p1", "p2", "p3"
    ]  # fmt: skip
    with pytest.raises(StoreError, match=r"drawn from seed 0 .*, but this call draws from seed 2"):
        synthesize(photographs, "dusk", seed=2)


def test_splits_follow_the_photograph_unless_lists_say_otherwise(photographs: Path, tmp_path: Path):
    drawn = synthesize(photographs, "dusk").scenes.set_index("scene")["split"]
    digests = {p.stem: upkeep.file_digest(p) for p in photographs.iterdir()}
    assert drawn.to_dict() == {name: splits.by_digest(found) for name, found in digests.items()}
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "test.txt").write_text("p2\n")
    dataset = synthesise.prepare(
        photographs, "listed", "raise_retinex", 0, ENGINE, tmp_path / "lists"
    )
    assert {s.scene: s.split for s in dataset.plan.scenes}["p2"] == "test"


def test_what_cannot_be_darkened_is_named(tmp_path: Path, photographs: Path):
    with pytest.raises(ProtocolError, match="one that darkens photographs is needed"):
        synthesize(photographs, "x", "rgb_pairs")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FrameError, match="no photograph lies in it"):
        synthesize(tmp_path / "empty", "x")
    with pytest.raises(FrameError, match="pairs of pictures lie in low/ and high/"):
        planning.plan(photographs, None, ENGINE)


def test_crops_are_the_stored_pair_or_drawn_anew_each_epoch(photographs: Path):
    opened = synthesize(photographs, "dusk")
    stored = PictureCrops(opened, opened.pairs, 16, seed=3)
    known = {round(opened.picture(s, s, "low")[1]["alpha"], 5) for s in opened.scenes["scene"]}
    assert {round(stored[k].drawn[0].item(), 5) for k in range(4)} == known
    assert stored[0].low.shape == stored[0].reference.shape == (3, 16, 16)

    anew = PictureCrops(opened, opened.pairs, 16, seed=3, redraw=True)
    alphas = [anew[k].drawn[0].item() for k in range(12)]
    assert len(set(alphas)) == 12
    assert all(0.5 <= alpha <= 2 for alpha in alphas)
    again = PictureCrops(opened, opened.pairs, 16, seed=3, redraw=True)
    assert all(torch.equal(a, b) for a, b in zip(anew[7], again[7], strict=True))


def test_a_redrawn_crop_is_its_own_reference_darkened(photographs: Path):
    opened = synthesize(photographs, "dusk")
    low, reference, (alpha, gamma, sigma) = PictureCrops(
        opened, opened.pairs, 48, seed=1, redraw=True
    )[0]
    exact = retinex.degrade(reference.numpy(), float(alpha), float(gamma))
    lit = (low > 0.02).numpy()
    assert (low.numpy() - exact)[lit].std() == pytest.approx(float(sigma), rel=0.1, abs=0.002)


def test_captured_pairs_have_nothing_to_draw_anew(pairs: Path):
    opened = ingest(pairs, "lol")
    with pytest.raises(StoreError, match="its dark pictures are captures"):
        PictureCrops(opened, opened.pairs, 16, seed=0, redraw=True)
    assert PictureCrops(opened, opened.pairs, 16, seed=0)[0].drawn.isnan().all()


def test_a_picture_method_is_scored_and_the_ratio_is_null(pairs: Path, tmp_path: Path):
    ingest(pairs, "lol")
    outcome = run(Settings("gamma", "lol", out=tmp_path / "out"))
    document = json.loads(outcome.record_path.read_text(), parse_constant=pytest.fail)
    assert [(r["pair"], r["ratio"], r["iso"]) for r in document["rows"]] == [
        ("a/a", None, None), ("b/b", None, None), ("c/c", None, None)
    ]  # fmt: skip
    assert type(outcome.record).read(outcome.record_path) == outcome.record
    report = outcome.report_path.read_text()
    assert "exposure ratio" not in report
    assert ">None<" not in report


def test_an_oracle_is_given_the_normal_picture_a_blind_method_is_not(pairs: Path, tmp_path: Path):
    ingest(pairs, "lol")
    blind, oracle = (
        run(Settings(m, "lol", out=tmp_path / m)).record for m in ("gamma", "histogram_matching")
    )
    mean = [np.mean([r.scores["psnr"] for r in one.rows]) for one in (blind, oracle)]
    assert mean[1] > mean[0] + 5


@pytest.mark.parametrize(
    ("method", "said"),
    [("sid", "it reads RAW frames, but lol holds ready pictures"),
     ("lime@amplified", "amplified by the exposure ratio, but lol holds .* Use lime@short"),
     ("amplify", "amplified by the exposure ratio")],
)  # fmt: skip
def test_a_method_that_needs_a_raw_frame_is_refused(pairs: Path, method: str, said: str):
    ingest(pairs, "lol")
    with pytest.raises(MethodError, match=said):
        run(Settings(method, "lol"))


def test_a_raw_method_cannot_be_trained_on_pictures(pairs: Path):
    ingest(pairs, "lol")
    with pytest.raises(MethodError, match="it reads RAW frames"):
        train_method("sid", "lol")


def test_the_commands_agree_with_the_library(pairs: Path, photographs: Path):
    def lldata(*arguments: object) -> tuple[int, str, str]:
        command = [sys.executable, "-c", "from lldata.cli import app; app()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    code, out, _ = lldata("check", pairs, "--workers", 1, "--json")
    assert code == 0
    assert {f["check"] for f in json.loads(out)["findings"]} == {
        "integrity", "metadata", "alignment", "exposure"
    }  # fmt: skip
    code, out, _ = lldata("synthesize", photographs, "dusk", "--workers", 1, "--json")
    (made,) = json.loads(out)["datasets"]
    assert (code, made["name"], made["scenes"], made["pairs"]) == (0, "dusk", 4, 4)
    assert made["digest"] == synthesize(photographs, "again").digest
    code, out, said = lldata("synthesize", photographs, "dusk", "--seed", 4)
    assert (code, out) == (2, "")
    assert len(said.strip().splitlines()) == 1


def test_the_real_lol_pairs_are_good_but_for_two_or_three_small_shifts(shared_data: Path):
    opened = ingest(shared_data / "lol_256", "lol_256")
    assert len(opened.pairs) == 80
    assert list(opened.pairs["scene"][opened.pairs["status"] == "unknown"]) == ["93"]  # rounding
    assert "quarantine" not in set(opened.pairs["status"])
    warned = opened.findings
    shifted = {f.scene for f in warned if f.check == "alignment" and f.status == "warn"}
    assert {"515", "570"} <= shifted <= {"330", "515", "570"}  # 330 is zoomed: its shift is 0.5
    clipped = {f.scene for f in warned if f.check == "exposure" and f.status == "warn"}
    assert clipped == {"2"}


def test_pictures_of_two_real_places_are_told_apart(shared_data: Path, tmp_path: Path):
    names = sorted((shared_data / "lol_256" / "low").iterdir())[:4]
    for path, other in zip(names, [*names[1:], names[0]], strict=True):
        for kind, source in (("low", path), ("high", other.parents[1] / "high" / other.name)):
            target = tmp_path / kind / path.name
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(source)
    opened = ingest(tmp_path, "wrong")
    assert set(opened.pairs["status"]) == {"quarantine"}
