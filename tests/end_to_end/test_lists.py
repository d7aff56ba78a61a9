"""List files from the command line: they decide the splits, and what they get wrong is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lldata import store
from tests.captures import light, write_scene
from tests.end_to_end.test_ingest import lldata

ROW = "./Sony/short/{0}_00_0.1s.ARW ./Sony/long/{0}_00_10s.ARW ISO{1} F8\n"


@pytest.fixture
def src(tmp_path: Path) -> Path:
    for scene in ("00001", "00002"):
        write_scene(tmp_path / "SID" / "Sony", scene, light(int(scene)))
    return tmp_path / "SID"


def test_a_set_with_its_own_lists_beside_it_has_their_splits(src: Path):
    (src / "Sony_val_list.txt").write_text(ROW.format("00001", 200))
    (src / "Sony_test_list.txt").write_text(ROW.format("00002", 800))
    lldata("ingest", src / "Sony", "--name", "night")
    stored = store.open_store("night")
    assert dict(zip(stored.scenes["scene"], stored.scenes["split"], strict=True)) == {
        "00001": "val",
        "00002": "test",
    }
    said = [f for f in stored.findings if "_list.txt" in f.message]
    assert [(f.scene, f.pair, f.check, f.status) for f in said] == [
        ("00002", "", "metadata", "warn")
    ]
    assert "Sony_test_list.txt line 1 says ISO 800, 00002_00_0.1s has 200" in said[0].message


def test_check_and_ingest_take_lists_from_another_folder(src: Path, tmp_path: Path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "val.txt").write_text("00001\n00009\n")
    asked = ("--lists", tmp_path / "lists")
    done = lldata("check", src, "--protocol", "sid_sony", *asked, "--json", check=False)
    said = {f["scene"]: f["message"] for f in json.loads(done.stdout)["findings"] if not f["pair"]}
    assert done.returncode == 1
    assert said["00002"] == "no list names it; by the protocol it goes to train"
    assert said[""] == "val.txt names frames that are not here: 00009"
    lldata("ingest", src, "--name", "night", *asked)
    assert json.loads(lldata("show", "night", "--json").stdout)["splits"] == {"train": 1, "val": 1}


def test_lists_about_nothing_here_end_with_one_line(src: Path, tmp_path: Path):
    done = lldata("ingest", src, "--lists", tmp_path / "SID" / "Sony", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lldata: --lists ")
    assert done.stderr.count("\n") == 1
