from __future__ import annotations

from pathlib import Path

import pytest

from lldata import detection, pairing, protocol
from lldata.errors import FrameError, ProtocolError
from tests.unit.test_pairing import touch

CANON = {n: protocol.load_raw(n) for n in ("canon6d_iso200", "canon6d_iso12600")}


def chosen(tmp_path: Path, folder: str, isos: dict[str, float], camera: str = "Canon EOS 6D"):
    names = [f"{folder}/{k}/{s}_00_{t}s.CR2" for s in isos for k, t in
             (("short", "0.1"), ("long", "10"))]  # fmt: skip
    touch(tmp_path, *names)
    scenes = {n: pairing.find_scenes(tmp_path / folder, p)[0] for n, p in CANON.items()}
    headers = {p: detection.Header(camera, isos[p.stem[:5]]) for s in scenes["canon6d_iso200"]
               for p in s.files}  # fmt: skip
    return scenes, headers


def test_one_folder_with_two_iso_sets_becomes_two_protocols(tmp_path: Path):
    scenes, headers = chosen(tmp_path, "mixed", {"00001": 200, "00002": 12800, "00003": 200})
    split, _ = detection.choose(tmp_path, scenes, headers, [], CANON)
    assert {n: [s.scene for s in found] for n, found in split.items()} == {
        "canon6d_iso200": ["00001", "00003"],
        "canon6d_iso12600": ["00002"],
    }


def test_a_scene_of_no_protocols_iso_goes_with_its_folder(tmp_path: Path):
    scenes, headers = chosen(tmp_path, "Canon", {"00001": 200, "00002": 800})
    split, lost = detection.choose(tmp_path, scenes, headers, [], CANON)
    assert [s.scene for s in split["canon6d_iso200"]] == ["00001", "00002"]
    assert lost == []


def test_a_folder_no_protocol_matches_is_a_finding_beside_one_that_does(tmp_path: Path):
    good, headers = chosen(tmp_path, "Canon_12600", {"00001": 12800})
    other, more = chosen(tmp_path, "Canon", {"00001": 400})
    scenes = {name: [*good[name], *other[name]] for name in CANON}
    split, lost = detection.choose(tmp_path, scenes, headers | more, [], CANON)
    assert {n: len(found) for n, found in split.items()} == {"canon6d_iso12600": 1}
    assert [(f.scene, f.status) for f in lost] == [("00001", "quarantine")]
    assert "Canon EOS 6D, ISO 400) match no protocol" in lost[0].message


def test_frames_that_cannot_be_read_say_why(tmp_path: Path):
    scenes, _ = chosen(tmp_path, "Canon", {"00001": 200})
    with pytest.raises(ProtocolError, match=r"none of its frames can be read .x: cut, but"):
        detection.choose(tmp_path, scenes, {}, [FrameError("x", "cut", "whole", "Copy it")], CANON)


def test_another_camera_is_refused_with_what_was_seen(tmp_path: Path):
    scenes, headers = chosen(tmp_path, "Canon", {"00001": 200}, camera="Nikon D850")
    with pytest.raises(ProtocolError, match="its frames are from Nikon D850, ISO 200"):
        detection.choose(tmp_path, scenes, headers, [], CANON)


def test_two_protocols_that_match_equally_are_listed(tmp_path: Path):
    twins = {"one": CANON["canon6d_iso200"], "two": CANON["canon6d_iso200"]}
    scenes, headers = chosen(tmp_path, "mixed", {"00001": 200})
    same = dict.fromkeys(twins, scenes["canon6d_iso200"])
    with pytest.raises(ProtocolError, match="match one and two equally"):
        detection.choose(tmp_path, same, headers, [], twins)
