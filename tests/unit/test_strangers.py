"""Datasets from elsewhere: what they hold neither runs, nor leaves its folder, nor fills memory."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from lldata import publish, seal, store, upkeep
from lldata.errors import StoreError
from lldata.outputs import pack
from tests.stores import night

Change = Callable[[h5py.File], None]


def altered(path: Path, change: Change, *, sealed: bool = True) -> None:
    buffer = io.BytesIO(path.read_bytes()[: -seal.BYTES])
    with h5py.File(buffer, "r+") as file:
        change(file)
    data = buffer.getbuffer()
    publish.write_replacing(path, seal.sealed(data) if sealed else data)


def column(table: str, name: str, *values: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[table][name]
        file[table][name] = np.array([v.encode() for v in values])

    return change


def text(group: h5py.Group, name: str, value: object) -> None:
    del group[name]
    group[name] = np.frombuffer(json.dumps(value).encode(), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return night(tmp_path / "night", "train test").path


STARTS = """
import sys
from pathlib import Path
from lldata import engine, store
from lldata.child import Child
if __name__ == "__main__":
    print(store.open_store(Path(sys.argv[1])).name)
    print(engine.run_isolated(abs, -1))
"""


def test_no_module_of_the_current_folder_is_run(folder: Path, tmp_path: Path):
    pack.pack(store.Store(folder), tmp_path / "bb.h5")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "starts.py").write_text(STARTS)
    for name in ("h5py", "multiprocessing", "lldata", "numpy", "cv2", "pickle"):
        (tmp_path / f"{name}.py").write_text("open('hacked', 'a').close()")
    done = subprocess.run(
        [sys.executable, tmp_path / "bin" / "starts.py", "bb.h5"], cwd=tmp_path, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout.split(), (tmp_path / "hacked").exists()) == (["night", "1"], False), done


@pytest.mark.parametrize("bad", ["../x", "/etc/x", "..", ".", "a\\b", "C:x", "a/b"])
@pytest.mark.parametrize(("table", "name"), [
    ("scenes", "scene"), ("scenes", "split"), ("pairs", "scene"), ("pairs", "split"),
    ("pairs", "short"), ("pairs", "long"), ("pairs", "reference"),
])  # fmt: skip
def test_names_that_lead_out_of_a_folder_are_refused(folder: Path, table: str, name: str, bad: str):
    altered(folder / "dataset.h5", column(table, name, "00001", bad))
    with pytest.raises(StoreError) as refused:
        store.open_store(folder)
    assert refused.value.found == f"a {name} is called {bad!r}"


def test_a_dataset_named_as_a_path_is_refused(folder: Path):
    def change(file: h5py.File) -> None:
        file.attrs["dataset"] = np.bytes_(b"../../x")

    altered(folder / "dataset.h5", change)
    with pytest.raises(StoreError, match=r"the dataset is called '\.\./\.\./x'"):
        store.open_store(folder)


@pytest.mark.parametrize(("changes", "said"), [
    ({"clip": {"../x": {}}}, r"a clip is called '\.\./x'"),
    ({"parts": [{"number": "/../../x"}]}, r"a part has the number '/\.\./\.\./x'"),
])  # fmt: skip
def test_a_record_that_leads_out_of_a_folder_is_refused(folder: Path, changes: dict, said: str):
    path = store.scene_path(folder, "00001")
    buffer = io.BytesIO(path.read_bytes())
    with h5py.File(buffer, "r+") as file:
        text(file, "record", json.loads(file["record"][()].tobytes()) | changes)
    publish.write_replacing(path, buffer.getbuffer())
    with pytest.raises(StoreError, match=said):
        store.read_scene(path)
    with pytest.raises(StoreError, match=said):
        store.open_store(folder).clip_shape("00001", "low")


def unwritten(file: h5py.File) -> None:
    del file["findings"]
    file.create_dataset("findings", (2**27,), "u1", chunks=(2**20,))


def oversized(file: h5py.File) -> None:
    del file["findings"]
    file.create_dataset("findings", (2**28 + 1,), "u1", chunks=(2**20,))


@pytest.mark.parametrize(("change", "said"), [
    (unwritten, "'findings' claims more than the file holds"),
    (oversized, "claims? more than"),
    (column("pairs", "short", "a", "b", "c"), "the columns of 'pairs' differ in length"),
    (column("scenes", "sha256", "a"), "the columns of 'scenes' differ in length"),
])  # fmt: skip
def test_the_tables_of_a_pack_stand_in_it_and_are_of_one_length(
    folder: Path, tmp_path: Path, change: Change, said: str
):
    path = pack.pack(store.Store(folder), tmp_path / "bb.h5").path
    altered(path, change)
    with pytest.raises(StoreError, match=said):
        store.check_pack(path)
    if change is not oversized:
        altered(folder / "dataset.h5", change, sealed=False)
        with pytest.raises(StoreError, match=said):
            store.open_store(folder)


def test_an_index_without_its_seal_is_checked_apart_before_it_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    asked: list[Path] = []
    monkeypatch.setattr(store, "_check_apart", lambda _, path: asked.append(path))
    store.open_store(folder)
    assert (asked, caplog.messages) == ([], [])
    altered(folder / "dataset.h5", lambda _: None, sealed=False)
    assert store.open_store(folder).name == "night"
    assert asked == [folder / "dataset.h5"]
    assert f"lldata index {folder} rebuilds it" in caplog.text


@pytest.mark.parametrize("facts", [
    {"thumbnail": "AAAA"}, {"thumbnail": "no base64!"}, {"thumbnail": 7}, {"pixels": ["x"]},
    {"serial": "1", "time": 5, "exposure_s": 1.0}, ["no table"],
    {"thumbnail": "AAAA" * 85 + "AA=="},
])  # fmt: skip
def test_a_neighbour_with_malformed_fingerprints_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    facts: object,
):  # fmt: skip
    monkeypatch.setenv("LLDATA_HOME", str(tmp_path))
    folder = night(tmp_path / "night", "train").path
    scenes = facts
    if isinstance(facts, dict):
        scenes = {"00001": {"00001.ARW": {"pixels": "x"} | facts}}
    altered(folder / "dataset.h5", lambda file: text(file["scenes"], "fingerprints", scenes))
    with caplog.at_level(logging.WARNING):
        assert upkeep.neighbours() == []
    assert "night is not searched for duplicates" in caplog.text


@pytest.mark.parametrize("protocol", ["limits = 3", "no toml", "[limits]\nsimilarity_warn = 'x'"])
def test_a_malformed_limit_compares_no_looks(protocol: str, caplog: pytest.LogCaptureFixture):
    assert upkeep.limit_in(protocol) is None
    assert "similarity_warn cannot be read" in caplog.text


def test_a_pickled_store_is_its_path_and_its_index_is_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    opened = store.open_store(folder)
    assert (len(opened.pairs), len(opened.findings)) == (2, 0)
    data = pickle.dumps(opened)
    assert len(data) < 200 + len(os.fspath(folder))
    again = pickle.loads(data)  # noqa: S301  # our own
    assert again.pairs.equals(opened.pairs)
    monkeypatch.setattr(store, "_open_index", None)
    assert pickle.loads(data).pairs is again.pairs  # noqa: S301
