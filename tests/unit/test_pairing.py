from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lldata import pairing, protocol
from lldata.errors import FrameError

SONY = protocol.load_raw("sid_sony")
CANON_12600 = protocol.load_raw("canon6d_iso12600")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_shorts_find_their_long_by_scene(tmp_path: Path):
    touch(tmp_path, "short/10003_00_0.04s.ARW", "short/10003_01_0.1s.ARW", "long/10003_00_10s.ARW")
    scenes, findings = pairing.find_scenes(tmp_path, SONY)
    assert findings == []
    assert [(s.scene, s.split, s.group, len(s.shorts)) for s in scenes] == [
        ("10003", "test", "10003", 2)
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["short/00001_00_0.1s.ARW"], "has no long exposure"),
        (["long/00001_00_10s.ARW"], "has no short exposure"),
        (
            ["short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW", "long/00001_00_30s.ARW"],
            "two long exposures",
        ),
        (
            ["short/00001_00_0.1s.ARW", "short/00001_00_0.1s.DNG", "long/00001_00_10s.ARW"],
            "two files are called 00001_00_0.1s",
        ),
    ],
)
def test_an_incomplete_scene_costs_that_scene(tmp_path: Path, names: list[str], message: str):
    touch(tmp_path, "short/x", "long/x", *names)
    scenes, findings = pairing.find_scenes(tmp_path, SONY)
    assert scenes == []
    assert (findings[0].scene, findings[0].status) == ("00001", "quarantine")
    assert message in findings[0].message


def test_a_digit_without_a_split_costs_that_scene(tmp_path: Path):
    touch(tmp_path, "short/70001_00_0.1s.ARW", "long/70001_00_10s.ARW")
    scenes, findings = pairing.find_scenes(tmp_path, SONY)
    assert scenes == []
    assert "the split digit 7 of 70001_00_10s.ARW stands for no split" in findings[0].message


def test_a_name_that_says_nothing_is_a_warning(tmp_path: Path):
    touch(tmp_path, "short/IMG_1234.ARW", "long/x")
    _, findings = pairing.find_scenes(tmp_path, SONY)
    assert [(f.scene, f.status) for f in findings] == [("IMG_1234", "warn")]


def test_groups_come_from_two_columns_of_the_side_table(tmp_path: Path):
    touch(tmp_path, "short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW")
    (tmp_path / "tiles.csv").write_text("sid_scene,quality,id\n00017,bad,00001\n")
    scenes, _ = pairing.find_scenes(tmp_path, SONY)
    assert scenes[0].group == "00017"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"id,sid_scene\n1,00017\n", "scene 00001: the table names no group for it"),
        (b"id,sid_scene\n00001\n", "scene 00001: the table names no group for it"),
        ("id,sid_scene\n00001,café\n".encode("latin-1"), "it is no UTF-8 text"),
    ],
)
def test_a_side_table_that_does_not_fit_is_refused(tmp_path: Path, table: bytes, message: str):
    touch(tmp_path, "short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW")
    (tmp_path / "tiles.csv").write_bytes(table)
    with pytest.raises(FrameError, match=message):
        pairing.find_scenes(tmp_path, SONY)


def test_a_spreadsheets_byte_order_mark_is_no_part_of_a_column(tmp_path: Path):
    touch(tmp_path, "short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW")
    (tmp_path / "tiles.csv").write_text("id,sid_scene\n00001,7\n", "utf-8-sig")
    assert pairing.find_scenes(tmp_path, SONY)[0][0].group == "7"


def test_a_protocols_file_names_may_say_the_group(tmp_path: Path):
    touch(tmp_path, "short/park-00001_00_0.1s.ARW", "long/park-00001_00_10s.ARW")
    pattern = SONY.files.name.replace("(?P<scene>", "(?P<group>[a-z]+)-(?P<scene>", 1)
    named = replace(SONY, files=replace(SONY.files, name=pattern, group="scene"))
    assert pairing.find_scenes(tmp_path, named)[0][0].group == "park"


def test_a_side_table_without_groups_is_refused(tmp_path: Path):
    touch(tmp_path, "short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW")
    (tmp_path / "tiles.csv").write_text("id,place\n00001,7\n")
    with pytest.raises(FrameError, match=r"tiles.csv: it has no column sid_scene"):
        pairing.find_scenes(tmp_path, SONY)


def test_a_png_is_a_ready_reference(tmp_path: Path):
    touch(tmp_path, "short/00001_00_0.1s.DNG", "long/00001_00_10s.png")
    assert pairing.find_scenes(tmp_path, SONY)[0][0].ready


def test_a_folder_without_short_and_long_is_refused(tmp_path: Path):
    with pytest.raises(FrameError, match="no folder in it holds short/ and long/"):
        pairing.capture_folders(tmp_path)
    with pytest.raises(FrameError, match="there is no such folder"):
        pairing.capture_folders(tmp_path / "none")


def test_a_protocol_takes_the_folders_it_names(tmp_path: Path):
    touch(tmp_path, *(f"{f}/{k}/x" for f in ("Canon", "Canon_12600") for k in ("short", "long")))
    chosen = pairing.capture_folders(tmp_path, CANON_12600)
    assert [f.name for f in chosen] == ["Canon_12600"]
