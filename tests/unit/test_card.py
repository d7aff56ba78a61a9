"""Frames as a camera leaves them: the order of capture makes the scenes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lldata import protocol
from lldata.pairing import Find
from lldata.sets.card import raw_files, scenes_by_time
from lldata.sets.detection import Header

CANON = {n: protocol.load_raw(n) for n in ("canon6d_iso200", "canon6d_iso12600")}
DCIM = Path("DCIM")


def taken(*frames: tuple[str, float, str], iso: float = 12800) -> dict[Path, Header]:
    """Return headers of frames: number in the name, exposure in s, time of the clock."""
    return {
        DCIM / f"IMG_{name}.CR2": Header("Canon EOS 6D", iso, exposure_s, f"2026-01-15T{time}")
        for name, exposure_s, time in frames
    }


def only(found: dict[str, list[Find]], name: str = "canon6d_iso12600") -> Find:
    assert list(found) == [name]
    (find,) = found[name]
    return find


def scenes(find: Find) -> dict[str, list[str]]:
    return {s.scene: [p.stem for p in s.shorts] for s in find.scenes}


def test_a_long_exposure_and_the_shorts_after_it_are_a_scene_whatever_the_names_order():
    headers = taken(
        ("0007", 0.1, "20:00:13"), ("9999", 10, "20:00:00"), ("0002", 1 / 30, "20:00:16"),
        ("0001", 10, "20:05:00"), ("0003", 0.04, "20:05:20"),
    )  # fmt: skip
    find = only(scenes_by_time(DCIM, headers, {}, CANON))
    assert scenes(find) == {"IMG_9999": ["IMG_0007", "IMG_0002"], "IMG_0001": ["IMG_0003"]}
    assert find.findings == []


def test_frames_of_one_second_are_in_the_order_of_their_numbers():
    headers = taken(("10", 0.1, "20:00:00"), ("9", 10, "20:00:00"), ("8", 10, "20:00:00"))
    find = only(scenes_by_time(DCIM, headers, {}, CANON))
    assert scenes(find) == {"IMG_9": ["IMG_10"]}
    assert [f.message for f in find.findings] == ["no short exposure follows IMG_8.CR2"]


def test_each_iso_has_its_own_scenes():
    headers = taken(("1", 10, "20:00:00"), ("2", 0.1, "20:01:00"))
    headers |= taken(("3", 10, "20:00:30"), ("4", 0.1, "20:01:30"), iso=200)
    found = scenes_by_time(DCIM, headers, {}, CANON)
    assert {name: scenes(find) for name, (find,) in found.items()} == {
        "canon6d_iso12600": {"IMG_1": ["IMG_2"]}, "canon6d_iso200": {"IMG_3": ["IMG_4"]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("frames", "status", "message"),
    [
        ((("1", 0.1, "19:00:00"),), "quarantine", "no long exposure was taken before IMG_1.CR2"),
        (
            (("1", 1.0, "20:00:01"),), "warn",
            r"IMG_1.CR2 was exposed 1 s, neither a long .* \(10, 30 s\) nor .* \(0.1, 0.04, 0",
        ),
    ],
)  # fmt: skip
def test_a_frame_that_fits_no_scene_is_named(frames: tuple, status: str, message: str):
    headers = taken(*frames, ("8", 10, "20:00:00"), ("9", 0.1, "20:00:10"))
    find = only(scenes_by_time(DCIM, headers, {}, CANON))
    assert scenes(find) == {"IMG_8": ["IMG_9"]}
    (finding,) = find.findings
    assert (finding.scene, finding.check, finding.status) == ("IMG_1", "metadata", status)
    assert re.match(message, finding.message)


def test_frames_of_another_camera_and_unread_ones_are_findings_beside_the_scenes():
    headers = taken(("1", 10, "20:00:00"), ("2", 0.1, "20:00:10"), ("3", 10, "20:01:00"))
    headers[DCIM / "IMG_3.CR2"] = Header("Acme Night", 100, 10, None)
    unread = {DCIM / "IMG_4.CR2": OSError("it is cut.")}
    find = only(scenes_by_time(DCIM, headers, unread, CANON))
    assert scenes(find) == {"IMG_1": ["IMG_2"]}
    assert [(f.scene, f.check, f.status) for f in find.findings] == [
        ("IMG_4", "integrity", "quarantine"), ("IMG_3", "metadata", "warn"),
    ]  # fmt: skip
    assert "Acme Night, ISO 100" in find.findings[1].message


def test_raw_files_are_found_at_any_depth_and_hidden_ones_are_not(tmp_path: Path):
    for name in ("100CANON/IMG_1.CR2", "101CANON/IMG_2.cr2", ".Trash/IMG_3.CR2", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = raw_files(tmp_path, list(CANON.values()))
    assert [p.name for p in found] == ["IMG_1.CR2", "IMG_2.cr2"]
