"""From a folder of DNG files to a dataset, through the library and through the command."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lldata import ingest as work
from lldata import store
from lldata.engine import Local
from lldata.errors import FrameError, StoreError
from lldata.sets import examine, planning
from tests.captures import findings_of, light, write_scene

ENGINE = Local(workers=2)


def lldata(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from lldata.cli import app; app()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    for scene in ("00001", "00002", "10001"):
        write_scene(folder, scene, light(int(scene)), shorts=(0.1, 0.04))
    return folder


def ingest(src: Path, name: str, protocol: str | None = "sid_sony") -> list[work.Outcome]:
    (dataset,) = work.prepare(src, protocol, name, ENGINE)
    return list(work.ingest(dataset, ENGINE, deep=False))


def test_a_folder_becomes_a_dataset_with_everything_in_it(captures: Path):
    outcomes = ingest(captures, "night")
    assert {o.state for o in outcomes} == {"stored"}
    opened = store.open_store("night")
    assert len(opened.pairs) == 6
    assert set(opened.pairs["status"]) <= {"pass", "warn"}
    assert opened.pairs.set_index("pair")["ratio"]["10001/10001_00_0.04s"] == pytest.approx(250)
    assert opened.usable("test")["scene"].unique().tolist() == ["10001"]
    assert opened.reference("00001", "00001_00_10s").shape == (192, 256, 3)


def test_one_finding_for_each_pair_and_audit(captures: Path):
    findings = [f for o in ingest(captures, "night") for f in o.findings if f.pair]
    checks = [audit.__module__.rpartition(".")[2] for audit in examine.AUDITS]
    keys = [(f.pair, f.check) for f in findings]
    assert sorted(keys) == sorted((p, c) for p in {k[0] for k in keys} for c in checks)
    assert {"alignment", "exposure", "integrity", "metadata", "focus"} <= set(checks)


def test_ingesting_again_keeps_and_adds_and_never_changes(captures: Path):
    ingest(captures, "night")
    before = store.open_store("night").digest
    assert {o.state for o in ingest(captures, "night")} == {"kept"}
    assert store.open_store("night").digest == before
    write_scene(captures, "00003", light(3))
    states = {o.scene: o.state for o in ingest(captures, "night")}
    assert states == {"00001": "kept", "00002": "kept", "10001": "kept", "00003": "stored"}
    write_scene(captures, "00002", light(77), shorts=(0.1, 0.04))
    with pytest.raises(StoreError, match=r"scene 00002: .* changed since"):
        ingest(captures, "night")


def test_a_scene_deleted_from_the_store_is_ingested_again(captures: Path):
    ingest(captures, "night")
    home = store.home() / "night"
    before = store.open_store("night").digest
    store.scene_path(home, "00001").unlink()
    for frame in captures.rglob("00001*"):
        os.utime(frame, ns=(10**9, 10**9))  # the record of the new file has other bytes
    ingest(captures, "night")
    assert store.open_store("night").digest == before
    lldata("index", "night")
    lldata("verify", "night")


def test_touched_files_of_the_same_bytes_have_not_changed(captures: Path):
    ingest(captures, "night")
    for path in captures.rglob("*.DNG"):
        os.utime(path, (1, 1))
    assert {o.state for o in ingest(captures, "night")} == {"kept"}


def test_the_digest_is_that_of_the_frames_wherever_they_lie(captures: Path, tmp_path: Path):
    ingest(captures, "one")
    moved = shutil.copytree(captures, tmp_path / "elsewhere" / "deep")
    ingest(moved, "two")
    one, two = store.open_store("one"), store.open_store("two")
    assert (one.digest, one.reference_digest) == (two.digest, two.reference_digest)


def test_an_unreadable_frame_costs_its_scene_only(captures: Path):
    short = captures / "short" / "00002_00_0.1s.DNG"
    short.write_bytes(short.read_bytes()[:-5000])
    outcomes = ingest(captures, "night")
    assert {o.scene: o.state for o in outcomes}["00002"] == "left out"
    opened = store.open_store("night")
    assert sorted(opened.scenes["scene"]) == ["00001", "10001"]
    lost = [f for f in opened.findings if f.scene == "00002"]
    assert [(f.check, f.status, f.pair) for f in lost] == [("integrity", "quarantine", "")]


def test_two_iso_sets_may_number_their_scenes_alike(tmp_path: Path):
    canon = {"camera": "Canon EOS 6D", "black_level": (2048.0,) * 4, "white_level": 15490}
    for folder, iso in (("Canon", 200.0), ("Canon_12600", 12800.0)):
        write_scene(tmp_path / folder, "00001", light(1), long_changes=True, iso=iso, **canon)
    datasets = work.prepare(tmp_path, None, "six", ENGINE)
    assert [(d.name, len(d.plan.scenes)) for d in datasets] == [
        ("six_iso12600", 1),
        ("six_iso200", 1),
    ]


def test_groups_that_change_after_ingest_are_refused(captures: Path):
    ingest(captures, "night")
    rows = "".join(f"{s},9\n" for s in ("00001", "00002", "10001"))
    (captures / "tiles.csv").write_text(f"id,sid_scene\n{rows}")
    with pytest.raises(StoreError, match=r"its group .00001, now 9. changed since"):
        ingest(captures, "night")


def test_a_damaged_file_of_any_kind_costs_its_scene_only(captures: Path):
    short = captures / "short" / "00002_00_0.1s.DNG"
    data = short.read_bytes()
    pattern = data.index(bytes([0, 1, 1, 2]))
    short.write_bytes(data[:pattern] + bytes([0, 1, 2, 1]) + data[pattern + 4 :])  # RGBG: no Bayer
    states = {o.scene: o.state for o in ingest(captures, "night")}
    assert states == {"00001": "stored", "00002": "left out", "10001": "stored"}


def test_when_no_scene_is_left_nothing_is_made(captures: Path):
    for path in (captures / "long").iterdir():
        path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(FrameError, match=r"missing .no scene of night could be stored., but"):
        ingest(captures, "night")
    assert not (store.home() / "night").exists()


def test_the_frames_decide_the_protocol(captures: Path):
    ingest(captures, "auto", protocol=None)
    assert store.open_store("auto").protocol == "sid_sony"


def test_check_finds_what_was_planted_and_stores_nothing(captures: Path):
    write_scene(captures, "00004", light(4), long_picture=light(5))
    write_scene(captures, "00005", light(6), iso=800.0)
    write_scene(captures, "00006", light(7) / 4, long_picture=light(7))
    outcomes = list(work.check(planning.plan(captures, "sid_sony", ENGINE), ENGINE, deep=True))
    bad = {
        check: {k for k, v in findings_of(outcomes, check).items() if v == "quarantine"}
        for check in ("alignment", "metadata", "exposure", "integrity")
    }
    assert bad == {
        "alignment": {"00004/00004_00_0.1s"},
        "metadata": {"00005/00005_00_0.1s"},
        # the ISO that EXIF states is part of the nominal ratio, so the light contradicts it too
        "exposure": {"00005/00005_00_0.1s", "00006/00006_00_0.1s"},
        "integrity": set(),
    }
    assert store.datasets() == []


def test_check_reads_a_card_as_the_camera_left_it_and_ingest_asks_for_names(
    captures: Path, tmp_path: Path
):
    write_scene(captures, "00004", light(4), long_picture=light(5))
    card = tmp_path / "DCIM" / "100SONY"
    card.mkdir(parents=True)
    frames = [
        path for scene in ("00001", "00004")
        for kind in ("long", "short") for path in sorted(captures.rglob(f"{kind}/{scene}_*.DNG"))
    ]  # fmt: skip
    for number, path in enumerate(frames):
        shutil.copy(path, card / f"DSC{number:05}.DNG")
    done = lldata("check", tmp_path / "DCIM", "--json", check=False)
    found = json.loads(done.stdout)["findings"]
    assert done.returncode == 1
    assert {f["scene"] for f in found} == {"DSC00000", "DSC00003"}
    assert [f["pair"] for f in found if (f["check"], f["status"]) == ("alignment", "quarantine")] \
        == ["DSC00003/DSC00004"]  # fmt: skip
    assert "each is a long exposure and the shorts taken after it" in done.stderr
    refused = lldata("ingest", tmp_path / "DCIM", check=False)
    assert (refused.returncode, "make no scene" in refused.stderr) == (2, True)


def test_check_does_not_go_by_time_where_names_tell_scenes(captures: Path, tmp_path: Path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in captures.rglob("*.DNG"):
        shutil.copy(path, flat)
    done = lldata("check", flat, "--protocol", "sid_sony", check=False)
    assert done.returncode == 2
    assert "taken after it" not in done.stderr


def test_the_command_prints_one_json_document(captures: Path):
    done = lldata("ingest", captures, "--name", "night", "--json")
    (dataset,) = json.loads(done.stdout)["datasets"]
    assert (dataset["name"], dataset["scenes"], dataset["pairs"]) == ("night", 3, 6)
    assert dataset["digest"] == store.open_store("night").digest
    shown = json.loads(lldata("show", "night", "--json").stdout)
    assert shown["splits"] == {"test": 2, "train": 4}
    assert shown["ratios"] == {"100": 3, "250": 3}
    assert json.loads(lldata("verify", "night", "--deep", "--json").stdout)["problems"] == []


def test_mistakes_end_with_one_line_and_two(captures: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for arguments in (
        ("ingest", tmp_path / "none"),
        ("ingest", tmp_path / "empty"),
        ("ingest", captures, "--protocol", "nikon"),
        ("ingest", captures, "--name", "Not A Name"),
        ("show", "nothing", "--json"),
        ("simulate", "sid_sony", captures),
    ):
        done = lldata(*arguments, check=False)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.startswith("lldata: ")
        assert done.stderr.count("\n") == 1
        assert ", but " in done.stderr


def test_check_ends_with_one_when_a_scene_should_be_shot_again(captures: Path):
    write_scene(captures, "00004", light(4), long_picture=light(5))
    done = lldata("check", captures, "--json", check=False)
    assert done.returncode == 1
    findings = json.loads(done.stdout)["findings"]
    assert {f["scene"] for f in findings if f["status"] == "quarantine"} == {"00004"}


def test_a_damaged_store_is_noticed_by_verify(captures: Path):
    ingest(captures, "night")
    path = store.scene_path(store.home() / "night", "00001")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = lldata("verify", "night", "--json", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"][0]["scene"] == "00001"


def test_an_ingest_killed_at_random_and_resumed_gives_the_same_digest(captures: Path):
    for scene in range(4, 10):
        write_scene(captures, f"{scene:05d}", light(scene))
    ingest(captures, "whole")
    draw = random.Random(7)
    command = [sys.executable, "-c", "from lldata.cli import app; app()", "ingest",
               str(captures), "--protocol", "sid_sony", "--name", "killed"]  # fmt: skip
    folder = store.home() / "killed" / "scenes"

    def stored() -> int:
        return sum(p.name[0] != "." for p in folder.iterdir()) if folder.is_dir() else 0

    seen = []
    while len(seen) < 6:
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        before = stored()
        while stored() == before and child.poll() is None:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05))  # between the first new scene and the next ones
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        seen.append(stored())
        if seen[-1] == 9:
            break
    assert any(0 < count < 9 for count in seen)
    lldata(*command[3:])
    assert store.open_store("killed").digest == store.open_store("whole").digest
    assert lldata("verify", "killed", "--deep").returncode == 0
    assert stored() == 9


def test_two_ingests_at_once_make_one_dataset(captures: Path):
    ingest(captures, "alone")
    command = [sys.executable, "-c", "from lldata.cli import app; app()", "ingest",
               str(captures), "--protocol", "sid_sony", "--name", "twice"]  # fmt: skip
    children = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    assert store.open_store("twice").digest == store.open_store("alone").digest
    assert not store.open_store("twice").stale()


def test_an_interrupted_ingest_says_how_to_go_on(captures: Path):
    command = [sys.executable, "-c", "from lldata.cli import app; app()", "ingest",
               str(captures), "--name", "stopped"]  # fmt: skip
    for scene in range(4, 24):
        write_scene(captures, f"{scene:05d}", light(scene))
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stderr is not None
    assert child.stderr.readline().startswith("stopped: ")  # a tenth of the scenes is stored
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 130
    assert said.strip().splitlines()[-1].startswith("lldata: interrupted.")
    assert 0 < len(store.open_store("stopped").scenes) < 23
