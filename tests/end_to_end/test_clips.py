"""From folders of clips to datasets and back, frame by frame."""

from __future__ import annotations

import hashlib
import json
import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.running.plan import make_plan
from eval.running.settings import Settings
from eval.training import train_method
from lldata import ingest, store, upkeep
from lldata.audit import worst
from lldata.clip_sample import clip_frames, clip_reference, read_clip_sample
from lldata.engine import Local
from lldata.errors import LowLightError, MethodError, StoreError
from lldata.outputs.export import Job, export, export_scene
from lldata.patches import read_patches
from lldata.sample import pair_row, read_sample
from lldata.sets import planning
from lldata.synthesis.clips import simulate
from tests.clip_folders import (
    UHR,
    film,
    ingested,
    run,
    simulated,
    stored,
    write_clip,
    write_scene,
)

ENGINE = Local(workers=1)


def read_png(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]


def digests(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def test_a_folder_of_clips_becomes_a_dataset_that_resumes(tmp_path: Path):
    src = tmp_path / "src"
    frames = {"low": film(1, 4, 9000), "target": film(2, 3)}
    write_scene(src, **frames)
    dataset = ingested(src)
    assert (dataset.name, dataset.kind, dataset.synthetic) == ("uhr_clips", "clips", False)
    row = pair_row(dataset, "Night/low")
    assert (row.short, row.long, row.reference, row.status) == ("low", "", "", "pass")
    assert math.isnan(row.ratio)
    for name, written in frames.items():
        assert dataset.clip_shape("Night", name) == (len(written), 40, 56)
        for number, frame in enumerate(written):
            np.testing.assert_array_equal(dataset.clip_frame("Night", name, number), frame)
    ((scene, size, sha256),) = dataset.scene_files()
    path = store.scene_path(dataset.path, scene)
    assert upkeep.verify_scene(path, size, sha256, deep=True) == []
    record = store.read_scene(path)
    assert record.clip["low"]["bits"] == 16
    assert len(record.sources) == 7
    again = ingest.prepare(src, None, None, ENGINE)[0]
    assert again.known == {"Night"}
    (src / "Night" / "low" / "f1.png").write_bytes(b"other")
    with pytest.raises(StoreError, match=r"low/f1.png changed since"):
        ingest.prepare(src, None, None, ENGINE)


def test_pieces_hold_every_frame_and_change_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    low, target = film(1, 5, 9000), film(2, 4)
    write_scene(tmp_path / "src", low=low, target=target)
    whole = stored(tmp_path / "src", tmp_path / "whole")
    monkeypatch.setattr(store, "LARGEST_PIXELS", 2 * low[0].nbytes)
    apart = stored(tmp_path / "src", tmp_path / "apart")
    assert len(list((tmp_path / "apart" / "scenes").glob("Night.part*.h5"))) == 4
    assert apart.digest == whole.digest
    for name, written in (("low", low), ("target", target)):
        for number, frame in enumerate(written):
            np.testing.assert_array_equal(apart.clip_frame("Night", name, number), frame)
    ((scene, size, sha256),) = apart.scene_files()
    path = store.scene_path(apart.path, scene)
    assert upkeep.verify_scene(path, size, sha256, deep=True) == []
    (tmp_path / "apart" / "scenes" / "Night.part3.h5").unlink()
    assert upkeep.verify_scene(path, size, sha256, deep=False) == [
        "part 3 of the scene is missing or damaged"
    ]


def test_a_store_cut_short_between_pieces_is_completed_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_scene(tmp_path / "src")
    whole = stored(tmp_path / "src", tmp_path / "whole")
    monkeypatch.setattr(store, "LARGEST_PIXELS", film(1, 1)[0].nbytes)
    write = upkeep._publish_part

    def until_the_disk_is_full(*arguments: object) -> object:
        if arguments[-1] == 4:
            raise OSError(28, "No space left on device")
        return write(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(upkeep, "_publish_part", until_the_disk_is_full)
        with pytest.raises(OSError, match="No space"):
            run(tmp_path / "src", tmp_path / "d")
    assert not store.scene_path(tmp_path / "d", "Night").exists()
    again = stored(tmp_path / "src", tmp_path / "d")
    assert again.digest == whole.digest
    ((scene, size, sha256),) = again.scene_files()
    path = store.scene_path(again.path, scene)
    assert upkeep.verify_scene(path, size, sha256, deep=True) == []


def test_a_sample_yields_the_low_clip_and_no_reference(tmp_path: Path):
    low = film(1, 4, 9000)
    write_scene(tmp_path / "src", low=low)
    dataset = stored(tmp_path / "src", tmp_path / "d")
    sample = read_clip_sample(dataset, "Night/low", first=1, count=2)
    assert sample.clip is not None
    for got, frame in zip(sample.clip, low[1:3], strict=True):
        np.testing.assert_allclose(got, frame.transpose(2, 0, 1) / 65535, atol=1e-7)
        assert got.dtype == np.float32
    assert sample.reference is None
    assert clip_reference(dataset, pair_row(dataset, "Night/low")) is None
    with pytest.raises(StoreError, match="frames 3 to 4 are asked for, but it has 4 frames"):
        read_clip_sample(dataset, "Night/low", first=3, count=2)


# ---- simulated clips


def test_a_simulated_clip_keeps_its_truth_from_methods(tmp_path: Path):
    out = simulated(tmp_path / "out")
    dataset = ingested(out)
    assert dataset.synthetic
    row = pair_row(dataset, "clip0001/low")
    assert row.reference == "truth"
    assert row.group == "coffee.png"
    truth = clip_reference(dataset, row)
    assert truth is not None
    for number, frame in enumerate(truth):
        written = read_png(out / "clip0001" / "truth" / f"{number:05d}.png")
        np.testing.assert_allclose(frame, written.transpose(2, 0, 1) / 65535, atol=1e-7)
    with pytest.raises(StoreError, match="it is a reference alone"):
        clip_frames(dataset, "clip0001", "truth")
    with pytest.raises(LowLightError, match="it is a reference alone"):
        read_patches(dataset, "clip0001", "truth", 0, 0, 0, local_px=32, region_px=64)


def test_simulated_clips_have_the_splits_of_their_lists(tmp_path: Path):
    out = simulated(tmp_path / "out", scenes=5)
    (planned,) = planning.plan(out, None, ENGINE)
    splits = {s.scene: s.split for s in planned.scenes}
    assert list(splits.values()) == ["train", "test", "train", "train", "val"]
    assert (out / "test.txt").read_text() == "clip0002\n"


def test_the_low_clip_is_the_truth_darkened_by_what_the_file_says(tmp_path: Path):
    from lldata.curve import linearise

    out = simulated(tmp_path / "out")
    facts = json.loads((out / "simulated.json").read_text())
    for scene, planted in facts["clips"].items():
        for number, flicker in enumerate(planted["flicker"]):
            low, truth = (
                linearise(read_png(out / scene / kind / f"{number:05d}.png") / 65535)
                for kind in ("low", "truth")
            )
            inside = truth < 0.99  # brighter light is clipped in the truth alone
            got = low[inside].mean() / truth[inside].mean() * planted["darkness"]
            assert got == pytest.approx(flicker, rel=0.06)
    assert np.mean(planted["flicker"]) == pytest.approx(1)


def test_every_simulated_pair_passes_every_audit(tmp_path: Path):
    outcomes = run(simulated(tmp_path / "out", scenes=3))
    assert {worst([f.status for f in o.findings]) for o in outcomes} == {"pass"}


def test_one_seed_gives_one_set_of_bytes_and_another_does_not(tmp_path: Path):
    first, second, other = (
        digests(simulated(tmp_path / str(k), seed=seed)) for k, seed in enumerate((3, 3, 4))
    )
    assert first == second
    assert first.keys() == other.keys()
    assert first["clip0001/low/00000.png"] != other["clip0001/low/00000.png"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": (64, 128)}, "--size 64x128: such frames are not filmed"),
        ({"scenes": 0}, "--scenes 0: no such number"),
        ({"faults": {"swapped": 1}}, "--fault: faults are asked for, but clips get none"),
        ({"frames": (0, 2)}, "a clip is empty"),
    ],
)
def test_what_cannot_be_filmed_is_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, object], message: str
):
    with pytest.raises(LowLightError, match=message.replace("(", r"\(")):
        simulate(UHR, tmp_path / "out", **{"scenes": 1} | wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_truth_that_fits_no_low_clip_costs_its_scene(tmp_path: Path):
    out = simulated(tmp_path / "out")
    (out / "clip0001" / "truth" / "00002.png").unlink()
    first, second = run(out)
    assert (first.state, second.state) == ("left out", "checked")
    assert "truth: it has 2 frames" in first.findings[0].message


# ---- real film


def test_a_real_video_is_the_target_of_its_darkened_frames(tmp_path: Path, shared_data: Path):
    pytest.importorskip("av")
    from lldata.reading.clip_frames import Clip, frames

    scene = tmp_path / "src" / "Walk"
    scene.mkdir(parents=True)
    (scene / "target.mp4").write_bytes((shared_data / "clip" / "MehdiElc_output.mp4").read_bytes())
    target = frames(Clip("target", (scene / "target.mp4",), video=True))
    write_clip(scene / "low", [next(target).pixels // 8 for _ in range(3)])
    outcome = run(tmp_path / "src", tmp_path / "d")[0]
    assert outcome.state == "stored"
    said = {f.check: f for f in outcome.findings}
    assert said["exposure"].status == "pass"
    assert said["exposure"].measured == pytest.approx(1 / 8, rel=0.2)
    assert "target: 1280x720, 8-bit mpeg4, matrix bt709 (assumed)" in said["metadata"].message
    assert "3 frames of low, 148 frames of target" in said["integrity"].message


def test_without_audits_a_pair_is_unknown(tmp_path: Path):
    write_scene(tmp_path / "src")
    (outcome,) = run(tmp_path / "src", tmp_path / "d", audits=False)
    assert outcome.findings == ()
    record = store.read_scene(store.scene_path(tmp_path / "d", "Night"))
    assert record.pairs[0]["status"] == "unknown"


def test_a_frame_that_changes_while_it_is_stored_costs_the_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from lldata.sets import clips

    scene = write_scene(tmp_path / "src")
    write = clips._scene_file

    def changing(*arguments: object) -> object:
        (scene / "low" / "f2.png").write_bytes((scene / "low" / "f1.png").read_bytes())
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(clips, "_scene_file", changing)
    (outcome,) = run(tmp_path / "src", tmp_path / "d")
    assert outcome.state == "left out"
    assert "low/f2.png: it changed while it was read" in outcome.findings[0].message
    assert not list((tmp_path / "d").rglob("*.h5"))


def test_the_command_films_what_ingest_takes(tmp_path: Path):
    import subprocess
    import sys

    command = [sys.executable, "-c", "from lldata.cli import app; app()", "simulate", "uhr_clips"]
    options = ["--size", "96x128", "--scenes", "1", "--json"]
    done = subprocess.run(
        [*command, str(tmp_path / "out"), *options], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {
        "path": str(tmp_path / "out"), "protocols": ["uhr_clips"], "files": 34, "synthetic": True,
    }  # fmt: skip
    (planned,) = planning.plan(tmp_path / "out", None, ENGINE)
    assert (planned.protocol.name, len(planned.scenes[0].files)) == ("uhr_clips", 34)


def run_amplify(folder: Path) -> None:
    make_plan(Settings("amplify", folder), tell=lambda _: None)


def train_sid(folder: Path) -> None:
    train_method("sid", folder)


@pytest.mark.parametrize("asked", [run_amplify, train_sid])
def test_a_method_of_pairs_is_refused_because_clips_are_unpaired(
    tmp_path: Path, asked: Callable[[Path], None]
):
    write_scene(tmp_path / "src")
    dataset = stored(tmp_path / "src", tmp_path / "night")
    with pytest.raises(MethodError, match="night holds clips") as refused:
        asked(dataset.path)
    assert str(refused.value).startswith("--model ")
    with pytest.raises(StoreError, match=r"unpaired clips.*Read it with lldata.clip_sample"):
        read_sample(dataset, "Night/low")


def exported(dataset: store.Store, out: Path) -> Path:
    assert list(export(dataset, out, engine=ENGINE)) == [str(s) for s in dataset.scenes["scene"]]
    return out


@pytest.mark.parametrize("filmed", [True, False], ids=["simulated", "8-bit TIFF"])
def test_exported_clips_come_back_with_their_digest(tmp_path: Path, *, filmed: bool):
    if filmed:
        simulated(tmp_path / "src")
    else:
        for name, seed, white in (("low", 1, 40), ("target", 2, 255)):
            frames = [f.astype(np.uint8) for f in film(seed, 3, white)]
            write_clip(tmp_path / "src" / "Night" / name, frames, "tif")
    first = ingested(tmp_path / "src")
    out = exported(first, tmp_path / "out")
    kinds = {p.suffix for p in out.rglob("*") if p.parent.name in ("low", "target", "truth")}
    assert kinds == {".png"}
    assert json.loads((out / "export.json").read_text())["format"] == "png16"
    (again,) = ingest.prepare(out, None, "again", ENGINE)
    list(ingest.ingest(again, ENGINE, deep=False))
    second = store.open_store("again")
    assert (second.digest, second.reference_digest) == (first.digest, first.reference_digest)
    assert second.scenes["group"].tolist() == first.scenes["group"].tolist()
    assert second.synthetic == filmed


def test_an_export_of_clips_holds_a_frame_at_a_time(tmp_path: Path):
    frames = film(1, 24, size=(300, 400))  # 0.7 MB each
    write_scene(tmp_path / "src", low=frames, target=frames)
    dataset = stored(tmp_path / "src", tmp_path / "night")
    out = tmp_path / "out"
    tracemalloc.start()
    export_scene(Job(dataset, "Night", out, "png16", {}))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(list(out.rglob("*.png"))) == 48
    assert most < 6 * frames[0].nbytes
