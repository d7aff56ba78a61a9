"""Brackets: which scenes the names of one folder give."""

from __future__ import annotations

from pathlib import Path

import pytest

from lldata import protocol
from lldata.errors import FrameError
from lldata.pairing import SceneFiles
from lldata.sets import brackets

BRACKET = protocol.load_raw("exposure_bracket")


def folder(path: Path, *stems: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        (path / f"{stem}.DNG").touch()
    return path


def scenes(src: Path) -> dict[str, SceneFiles]:
    return {s.scene: s for each in brackets.find(src, BRACKET) for s in each.scenes}


def test_each_longer_exposure_is_a_scene_with_all_that_are_shorter(tmp_path: Path):
    found = scenes(folder(tmp_path, "00001_00_0.25s", "00001_00_0.125s", "00001_00_0.5s"))
    assert {name: [p.stem for p in s.shorts] for name, s in found.items()} == {
        "00001-0.25s": ["00001_00_0.125s"],
        "00001-0.5s": ["00001_00_0.25s", "00001_00_0.125s"],
    }
    assert {s.group for s in found.values()} == {"00001"}
    assert {s.split for s in found.values()} == {""}


def test_exposures_closer_than_the_smallest_ratio_make_no_pair(tmp_path: Path):
    found = scenes(folder(tmp_path, "00001_00_0.1s", "00001_00_0.13s", "00001_00_0.15s"))
    assert {name: len(s.shorts) for name, s in found.items()} == {"00001-0.15s": 1}


def test_all_takes_are_shorts_and_the_first_is_the_long(tmp_path: Path):
    stems = [f"a_{take:02}_{t}s" for take in range(2) for t in ("0.1", "0.2")]
    (only,) = scenes(folder(tmp_path, *stems)).values()
    assert (only.long.stem, len(only.shorts)) == ("a_00_0.2s", 2)


def test_a_folder_of_folders_gives_the_brackets_of_each(tmp_path: Path):
    for name in ("bridge", "quay"):
        folder(tmp_path / name, f"{name}_00_0.1s", f"{name}_00_0.2s")
    assert set(scenes(tmp_path)) == {"bridge-0.2s", "quay-0.2s"}


def test_the_shorts_of_a_paired_capture_are_no_bracket(tmp_path: Path):
    shorts = folder(tmp_path / "short", "00001_00_0.1s", "00001_00_0.04s")
    folder(tmp_path / "long", "00001_00_10s")
    with pytest.raises(FrameError, match="it holds no exposures of one scene, but RAW files such"):
        brackets.find(shorts, BRACKET)


def test_a_scene_of_one_exposure_and_a_name_that_says_none_are_findings(tmp_path: Path):
    src = folder(tmp_path, "00001_00_0.1s", "00001_00_0.2s", "00002_00_0.1s", "IMG_7", "3_00_0s")
    (found,) = brackets.find(src, BRACKET)
    assert [s.scene for s in found.scenes] == ["00001-0.2s"]
    assert {f.scene: f.status for f in found.findings} == {
        "IMG_7": "warn", "3_00_0s": "warn", "00002": "quarantine",
    }  # fmt: skip
    assert "its exposures (0.1 s) give no pair of a ratio of 1.5" in found.findings[-1].message


@pytest.mark.parametrize("what", ["nothing", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, what: str):
    (tmp_path / "file").touch()
    with pytest.raises(FrameError, match="no such folder" if what == "nothing" else "is no folder"):
        brackets.find(tmp_path / what, BRACKET)
