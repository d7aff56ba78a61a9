from __future__ import annotations

import copy
import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import h5py
import numpy as np
import pytest

from lldata import publish, store, upkeep
from lldata.audit import Finding
from lldata.errors import StoreError
from lldata.locks import locked
from lldata.outputs import pack
from lldata.scene import Pixels, SceneFile, content_digest
from tests.captures import frame, light


def scene(name: str = "00001", **changes: object) -> SceneFile:
    pair = f"{name}/{name}_00_0.1s"
    row = {
        "pair": pair, "scene": name, "group": name, "short": f"{name}_00_0.1s",
        "long": f"{name}_00_10s", "reference": f"{name}_00_10s", "split": "train", "ratio": 100.0,
        "iso": 200.0, "exposure_s": 0.1, "shift_y_px": 0.25, "shift_x_px": None, "status": "pass",
    }  # fmt: skip
    known = {
        "scene": name, "group": name, "split": "train", "camera": "Sony ILCE-7SM2",
        "protocol": "sid_sony", "protocol_text": "ä = 1", "synthetic": False, "origin": "",
        "pairs": (row,), "sources": {},
        "findings": (Finding(name, pair, "alignment", "pass", 0.25, 0.5, "well ± 0.01"),),
        "versions": {"lldata": "1", "rawpy": "2", "libraw": "3", "numpy": "4"},
    }  # fmt: skip
    return SceneFile(**{**known, **changes})


def pixels(seed: int = 1) -> Pixels:
    name = f"{seed:05d}"
    short, long = frame(light(seed), 0.1, seed, lens="Sonnar"), frame(light(seed), 10, seed)
    picture = np.random.default_rng(seed).integers(0, 2**16, (*short.mosaic.shape, 3), np.uint16)
    return Pixels(
        {f"{name}_00_0.1s": short}, {f"{name}_00_10s": long}, {f"{name}_00_10s": picture},
        facts={f"reference/{name}_00_10s": {"origin": "rendered", "effective_white": 15871.0}},
    )  # fmt: skip


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "night"
    for seed in (1, 2):
        upkeep.publish_scene(folder, scene(f"{seed:05d}"), pixels(seed))
    upkeep.build_index(folder, "2026-01-01T00:00:00+00:00")
    return folder


def test_frames_come_back_with_every_field(dataset: Path):
    read = store.open_store(dataset).frame("00001", "00001_00_0.1s")
    written = pixels(1).short["00001_00_0.1s"]
    np.testing.assert_array_equal(read.mosaic, written.mosaic)
    assert read.metadata() == written.metadata()


def test_references_come_back_whole_and_in_windows(dataset: Path):
    opened = store.open_store(dataset)
    written = pixels(2).reference["00002_00_10s"]
    np.testing.assert_array_equal(opened.reference("00002", "00002_00_10s"), written)
    window = (slice(10, 50), slice(100, 130))
    np.testing.assert_array_equal(
        opened.reference("00002", "00002_00_10s", window=window), written[window]
    )


def test_the_index_holds_pairs_findings_and_digests(dataset: Path):
    opened = store.open_store(dataset)
    assert opened.pairs["pair"].tolist() == ["00001/00001_00_0.1s", "00002/00002_00_0.1s"]
    assert opened.pairs["shift_y_px"].tolist() == [0.25, 0.25]
    assert opened.pairs["shift_x_px"].isna().all()
    assert opened.findings[0] == scene().findings[0]
    assert opened.protocol_text == "ä = 1"
    assert (opened.name, opened.synthetic, len(opened.digest)) == ("night", False, 64)


def test_quarantined_pairs_stay_and_are_not_usable(tmp_path: Path):
    bad = scene(pairs=({**scene().pairs[0], "status": "quarantine"},))
    upkeep.publish_scene(tmp_path / "d", bad, pixels())
    upkeep.build_index(tmp_path / "d", "now")
    opened = store.open_store(tmp_path / "d")
    assert (len(opened.pairs), len(opened.usable()), len(opened.usable("train"))) == (1, 0, 0)


def test_the_digest_knows_pixels_fields_and_pairing_and_nothing_else():
    base = content_digest(scene(), pixels())
    same = scene(versions={"lldata": "9"}, findings=(), sources={"x": {}}, protocol_text="other")
    assert content_digest(same, pixels()) == base
    shorts = pixels().short
    name, shot = next(iter(shorts.items()))
    mosaic = shot.mosaic.copy()
    mosaic[0, 0] += 1
    changed = [
        content_digest(scene(), replace(pixels(), short={name: replace(shot, mosaic=mosaic)})),
        content_digest(scene(), replace(pixels(), short={name: replace(shot, iso=400.0)})),
        content_digest(scene(group="other"), pixels()),
        content_digest(scene(pairs=({**scene().pairs[0], "ratio": 99.0},)), pixels()),
    ]
    assert base not in changed
    assert len(set(changed)) == 4


def test_two_writers_of_equal_content_agree_and_of_different_content_do_not(tmp_path: Path):
    upkeep.publish_scene(tmp_path, scene(), pixels(1))
    upkeep.publish_scene(tmp_path, scene(), pixels(1))
    with pytest.raises(StoreError, match="another writer stored a different scene"):
        upkeep.publish_scene(tmp_path, scene(), replace(pixels(1), short={
            "00001_00_0.1s": frame(light(9), 0.1, 9)
        }))  # fmt: skip
    assert [p.name for p in (tmp_path / "scenes").iterdir()] == ["00001.h5"]


def test_a_flipped_bit_anywhere_is_found_by_verify(dataset: Path):
    opened = store.open_store(dataset)
    name, size, sha256 = opened.scene_files()[0]
    path = store.scene_path(dataset, name)
    sound = path.read_bytes()
    assert upkeep.verify_scene(path, size, sha256, deep=True) == []
    rng = np.random.default_rng(0)
    for position in rng.integers(0, size, 40):
        broken = bytearray(sound)
        broken[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        assert upkeep.verify_scene(path, size, sha256, deep=False) != []
    path.write_bytes(sound[:-1])
    assert "bytes, the index says" in upkeep.verify_scene(path, size, sha256, deep=False)[0]


def test_an_index_that_lags_is_called_stale_and_can_be_rebuilt(dataset: Path):
    upkeep.publish_scene(dataset, scene("00003"), pixels(3))
    assert store.Store(dataset).stale()
    before = store.Store(dataset).created
    upkeep.build_index(dataset, "later")
    opened = store.Store(dataset)
    assert not opened.stale()
    assert (len(opened.pairs), opened.created) == (3, before)


def test_a_finding_about_a_scene_left_out_survives_a_rebuild(dataset: Path):
    lost = Finding("00009", "", "integrity", "quarantine", None, None, "cut")
    upkeep.build_index(dataset, "now", [lost])
    upkeep.build_index(dataset, "now")
    assert lost in store.Store(dataset).findings


def test_a_finding_about_a_stored_scene_lies_in_its_file(tmp_path: Path):
    whole = Finding("00001", "", "metadata", "warn", 3.0, 1.0, "renders otherwise")
    upkeep.publish_scene(tmp_path / "d", scene(findings=(whole,)), pixels())
    for _ in range(2):
        upkeep.build_index(tmp_path / "d", "now")
        assert store.Store(tmp_path / "d").findings == [whole]


def test_a_damaged_index_is_rebuilt_from_the_scenes(dataset: Path):
    digest = store.Store(dataset).digest
    (dataset / "dataset.h5").write_bytes(b"no index")
    with pytest.raises(StoreError, match="Rebuild the index: lldata index"):
        store.open_store(dataset)
    upkeep.build_index(dataset, "now")
    assert store.Store(dataset).digest == digest


def test_rebuilding_the_index_does_not_bless_a_damaged_scene(dataset: Path):
    path = store.scene_path(dataset, "00001")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    upkeep.build_index(dataset, "now")
    _, size, sha256 = store.Store(dataset).scene_files()[0]
    assert upkeep.verify_scene(path, size, sha256, deep=False) != []
    path.write_bytes(data[:-1])
    with pytest.raises(StoreError, match="a stored scene never changes"):
        upkeep.build_index(dataset, "now")


def other(takes: int) -> SceneFile:
    """Return scene 00001 as it is ingested again: its source was copied at another time."""
    sources = {"short/1.ARW": {"sha256": "1" * 64, "size": 10, "mtime_ns": 10**takes}}
    return replace(scene(), sources=sources)


@pytest.mark.parametrize("takes", [1, 9])
def test_a_scene_that_was_deleted_and_written_again_is_indexed(dataset: Path, takes: int):
    path = store.scene_path(dataset, "00001")
    path.unlink()
    published = upkeep.publish_scene(dataset, other(takes), pixels())
    os.utime(path, ns=(1, 1))  # older than the index: only the writer knows it for the right one
    upkeep.build_index(dataset, "now", written={"00001": published.file})
    _, size, sha256 = store.Store(dataset).scene_files()[0]
    assert (size, sha256) == published.file
    assert upkeep.verify_scene(path, size, sha256, deep=True) == []


def test_a_newer_whole_file_replaces_the_one_the_index_knew_with_a_warning(
    dataset: Path, caplog: pytest.LogCaptureFixture
):
    store.scene_path(dataset, "00001").unlink()
    published = upkeep.publish_scene(dataset, other(5), pixels())
    upkeep.build_index(dataset, "now")
    assert store.Store(dataset).scene_files()[0][1:] == published.file
    assert "is newer than the index and whole: the index takes it" in caplog.text


def test_the_remedy_for_a_damaged_scene_works(dataset: Path):
    path = store.scene_path(dataset, "00001")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="delete it and ingest the scene again"):
        upkeep.build_index(dataset, "now")
    path.unlink()
    published = upkeep.publish_scene(dataset, other(3), pixels())
    upkeep.build_index(dataset, "now", written={"00001": published.file})
    assert not store.Store(dataset).stale()


def test_parts_that_no_scene_names_are_told_and_removed_by_its_next_writer(tmp_path: Path):
    upkeep.publish_scene(tmp_path, scene("00002"), pixels(2))
    stray = store.part_path(store.scene_path(tmp_path, "00001"), 2)
    stray.write_bytes(b"left by a kill")
    upkeep.build_index(tmp_path, "now")
    assert [said.partition(",")[0] for said in upkeep.stray_parts(tmp_path)] == [
        "00001.part2.h5 is part of no scene"
    ]
    assert any(upkeep.stray_parts(tmp_path)[0] in said for _, said in problems_of(tmp_path))
    upkeep.publish_scene(tmp_path, scene(), pixels())
    assert upkeep.stray_parts(tmp_path) == []
    assert sorted(p.name for p in (tmp_path / "scenes").iterdir()) == ["00001.h5", "00002.h5"]


def problems_of(path: Path) -> list[tuple[str, list[str]]]:
    return list(pack.problems(store.Store(path), deep=False))


def test_a_digest_that_fails_beside_the_compression_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def failing(*_: object) -> str:
        raise MemoryError("no room for the digest")

    monkeypatch.setattr(upkeep, "content_digest", failing)
    with pytest.raises(MemoryError, match="no room for the digest"):
        upkeep.publish_scene(tmp_path, scene(), pixels())
    assert list(tmp_path.rglob("*")) == []


def test_a_lock_that_was_deleted_while_it_was_waited_for_is_taken_anew(tmp_path: Path):
    lock, order = tmp_path / "lock", []
    with ThreadPoolExecutor(1) as beside:
        with locked(lock, keep=False):
            waiting = beside.submit(lambda: hold(lock, order))
            time.sleep(0.2)
            order.append("first")
        waiting.result(10)
    assert order == ["first", "second"]
    assert not lock.exists()


def hold(lock: Path, order: list[str]) -> None:
    with locked(lock, keep=False):
        assert lock.exists()
        order.append("second")


def test_a_missing_dataset_says_which_there_are(dataset: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLDATA_HOME", str(dataset.parent))
    assert store.open_store("night").name == "night"
    with pytest.raises(StoreError, match="the datasets there are: night"):
        store.open_store("day")


def test_a_newer_schema_asks_for_an_upgrade(dataset: Path):
    buffer = io.BytesIO((dataset / "dataset.h5").read_bytes())
    with h5py.File(buffer, "r+") as file:
        file.attrs["schema"] = store.SCHEMA + 1
    publish.write_replacing(dataset / "dataset.h5", buffer.getbuffer())
    with pytest.raises(StoreError, match="Upgrade lldata"):
        store.open_store(dataset)


def hostile(kind: str, folder: Path) -> None:
    path = store.scene_path(folder, "00001")
    buffer = io.BytesIO(path.read_bytes())
    with h5py.File(buffer, "r+") as file:
        if kind == "external link":
            file["x"] = h5py.ExternalLink("other.h5", "/x")
        elif kind == "soft link":
            file["x"] = h5py.SoftLink("/record")
        elif kind == "external storage":
            file.create_dataset("x", (4,), "u1", external=[("secret.txt", 0, 4)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((4,), "u1")
            layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
            file.create_virtual_dataset("x", layout)
        elif kind == "object":
            file.create_dataset("x", data=["text"], dtype=h5py.string_dtype())
        elif kind == "object attribute":
            file.attrs["x"] = "text of any length"
        elif kind == "type":
            file["x"] = np.dtype("f8")
        elif kind == "cycle":
            file["x"] = file["short"]
        elif kind == "filter":
            file.create_dataset("x", data=np.zeros(4096, "u1"), compression="gzip")
        else:
            file.create_dataset("x", (2**40,), "u1", chunks=(2**20,))
    publish.write_replacing(path, buffer.getbuffer())


@pytest.mark.parametrize(
    "kind",
    [
        "external link",
        "soft link",
        "external storage",
        "virtual",
        "object",
        "object attribute",
        "type",
        "cycle",
        "filter",
        "bomb",
    ],
)
def test_a_file_that_reaches_outside_itself_is_refused(dataset: Path, kind: str):
    hostile(kind, dataset)
    with pytest.raises(StoreError, match="a file that lldata wrote has nothing of the kind"):
        store.read_scene(store.scene_path(dataset, "00001"))


def read_in_child(opened: store.Store) -> int:
    return int(opened.frame("00001", "00001_00_0.1s").mosaic.sum())


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_an_open_store_goes_to_another_process(dataset: Path, method: str):
    opened = store.open_store(dataset)
    expected = read_in_child(opened)
    with get_context(method).Pool(1) as pool:
        assert pool.apply(read_in_child, (opened,)) == expected


def test_a_copied_store_carries_no_open_file(dataset: Path):
    opened = store.open_store(dataset)
    read_in_child(opened)
    assert read_in_child(copy.deepcopy(opened)) == read_in_child(opened)


def test_few_files_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "MOST_OPEN_FILES", 2)
    for seed in range(1, 6):
        upkeep.publish_scene(tmp_path / "d", scene(f"{seed:05d}"), pixels(seed))
    upkeep.build_index(tmp_path / "d", "now")
    opened = store.open_store(tmp_path / "d")
    for name in opened.scenes["scene"]:
        opened.frame(name, f"{name}_00_0.1s")
    assert len(opened._open_files._files) == 2


def test_a_scene_too_large_for_one_file_has_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shorts = {f"00001_{n:02d}_0.1s": frame(light(n), 0.1, n) for n in range(5)}
    large = replace(pixels(1), short=shorts)
    one = large.long["00001_00_10s"].mosaic.nbytes
    rows = tuple({**scene().pairs[0], "pair": f"00001/{name}", "short": name} for name in shorts)
    whole = upkeep.publish_scene(tmp_path / "whole", scene(pairs=rows), large).scene
    monkeypatch.setattr(store, "LARGEST_PIXELS", 5 * one)
    parted = upkeep.publish_scene(tmp_path / "d", scene(pairs=rows), large).scene
    assert [len(part["short"]) for part in parted.parts] == [4]
    assert (parted.content, whole.parts) == (whole.content, ())
    upkeep.build_index(tmp_path / "d", "now")
    opened = store.open_store(tmp_path / "d")
    assert not opened.stale()
    for name, written in shorts.items():
        np.testing.assert_array_equal(opened.frame("00001", name).mosaic, written.mosaic)
    name, size, sha256 = opened.scene_files()[0]
    path = store.scene_path(tmp_path / "d", name)
    assert upkeep.verify_scene(path, size, sha256, deep=True) == []
    part = store.part_path(path, 2)
    part.write_bytes(part.read_bytes()[:-1] + b"!")
    assert upkeep.verify_scene(path, size, sha256, deep=False) == [
        "part 2 of the scene is missing or damaged"
    ]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        upkeep.publish_scene(tmp_path, scene(), pixels())
    assert list((tmp_path / "scenes").iterdir()) == []


def test_a_scene_named_after_its_pixels_gives_the_same_file():
    assert store.scene_bytes(scene, pixels(1)) == store.scene_bytes(scene(), pixels(1))


def test_the_record_in_a_scene_file_is_strict_json(dataset: Path):
    with h5py.File(store.scene_path(dataset, "00001")) as file:
        text = file["record"][()].tobytes().decode()
    assert json.loads(text, parse_constant=pytest.fail)["scene"] == "00001"
