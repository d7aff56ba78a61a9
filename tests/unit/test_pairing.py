from __future__ import annotations

from pathlib import Path

import pytest

from lldata import pairing, protocol
from lldata.errors import FrameError, ProtocolError

SONY = protocol.load("sid_sony")
CANON = {n: protocol.load(n) for n in ("canon6d_iso200", "canon6d_iso12600")}


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
    ],
)
def test_an_incomplete_scene_costs_that_scene(tmp_path: Path, names: list[str], message: str):
    touch(tmp_path, "short/x", "long/x", *names)
    scenes, findings = pairing.find_scenes(tmp_path, SONY)
    assert scenes == []
    assert (findings[0].scene, findings[0].status) == ("00001", "quarantine")
    assert message in findings[0].message


def test_a_name_that_says_nothing_is_a_warning(tmp_path: Path):
    touch(tmp_path, "short/IMG_1234.ARW", "long/x")
    _, findings = pairing.find_scenes(tmp_path, SONY)
    assert [(f.scene, f.status) for f in findings] == [("IMG_1234", "warn")]


def test_groups_come_from_two_columns_of_the_side_table(tmp_path: Path):
    touch(tmp_path, "short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW")
    (tmp_path / "tiles.csv").write_text("sid_scene,quality,id\n00017,bad,00001\n")
    scenes, _ = pairing.find_scenes(tmp_path, SONY)
    assert scenes[0].group == "00017"


def test_a_side_table_without_groups_is_refused(tmp_path: Path):
    touch(tmp_path, "short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW")
    (tmp_path / "tiles.csv").write_text("id,place\n00001,7\n")
    with pytest.raises(FrameError, match=r"tiles.csv: it has no column sid_scene"):
        pairing.find_scenes(tmp_path, SONY)


def test_a_group_in_two_splits_is_a_finding(tmp_path: Path):
    names = [f"{k}/{s}_00_{t}s.ARW" for s in ("00001", "10001") for k, t in
             (("short", "0.1"), ("long", "10"))]  # fmt: skip
    touch(tmp_path, *names)
    (tmp_path / "tiles.csv").write_text("id,sid_scene\n00001,9\n10001,9\n")
    _, findings = pairing.find_scenes(tmp_path, SONY)
    assert {f.scene for f in findings} == {"00001", "10001"}
    assert "its group 9 is divided between test and train" in findings[0].message


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
    chosen = pairing.capture_folders(tmp_path, CANON["canon6d_iso12600"])
    assert [f.name for f in chosen] == ["Canon_12600"]


def chosen(tmp_path: Path, folder: str, isos: dict[str, float], camera: str = "Canon EOS 6D"):
    names = [f"{folder}/{k}/{s}_00_{t}s.CR2" for s in isos for k, t in
             (("short", "0.1"), ("long", "10"))]  # fmt: skip
    touch(tmp_path, *names)
    scenes = {n: pairing.find_scenes(tmp_path / folder, p)[0] for n, p in CANON.items()}
    headers = {p: pairing.Header(camera, isos[p.stem[:5]]) for s in scenes["canon6d_iso200"]
               for p in s.files}  # fmt: skip
    return scenes, headers


def test_one_folder_with_two_iso_sets_becomes_two_protocols(tmp_path: Path):
    scenes, headers = chosen(tmp_path, "mixed", {"00001": 200, "00002": 12800, "00003": 200})
    split = pairing.choose(tmp_path, scenes, headers, CANON)
    assert {n: [s.scene for s in found] for n, found in split.items()} == {
        "canon6d_iso200": ["00001", "00003"],
        "canon6d_iso12600": ["00002"],
    }


def test_a_scene_of_no_protocols_iso_goes_with_its_folder(tmp_path: Path):
    scenes, headers = chosen(tmp_path, "Canon", {"00001": 200, "00002": 800})
    split = pairing.choose(tmp_path, scenes, headers, CANON)
    assert [s.scene for s in split["canon6d_iso200"]] == ["00001", "00002"]


def test_another_camera_is_refused_with_what_was_seen(tmp_path: Path):
    scenes, headers = chosen(tmp_path, "Canon", {"00001": 200}, camera="Nikon D850")
    with pytest.raises(ProtocolError, match="its frames are from Nikon D850, ISO 200"):
        pairing.choose(tmp_path, scenes, headers, CANON)


def test_two_protocols_that_match_equally_are_listed(tmp_path: Path):
    twins = {"one": CANON["canon6d_iso200"], "two": CANON["canon6d_iso200"]}
    scenes, headers = chosen(tmp_path, "mixed", {"00001": 200})
    same = dict.fromkeys(twins, scenes["canon6d_iso200"])
    with pytest.raises(ProtocolError, match="match one and two equally"):
        pairing.choose(tmp_path, same, headers, twins)
