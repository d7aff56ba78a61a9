from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from lldata import pairing, protocol
from lldata.errors import FrameError
from lldata.pairing import SceneFiles
from lldata.scene import Pixels
from lldata.sets import listing, lists, planning, splits
from tests.captures import SONY as SONY_FRAME
from tests.unit.test_pairing import SONY, touch

FUJI = protocol.load_raw("sid_fuji")
CANON = protocol.load_raw("canon6d_iso200")
ALL_TEST = replace(SONY, splits=replace(SONY.splits, rule="all_test"))
BY_DIGEST = replace(SONY, splits=replace(SONY.splits, rule="sha256"))
ROW = "./{1}/short/{0}_00_0.1s.{2} ./{1}/long/{0}_00_10s.{2} ISO200 F8\n"


def captures(folder: Path, *scenes: str) -> Path:
    for scene in scenes:
        touch(folder, f"short/{scene}_00_0.1s.ARW", f"long/{scene}_00_10s.ARW")
        (folder / "long" / f"{scene}_00_10s.ARW").write_text(scene)
    return folder


def rows(*scenes: str, camera: str = "Sony", suffix: str = "ARW") -> str:
    return "".join(ROW.format(scene, camera, suffix) for scene in scenes)


def of(folder: Path, chosen=SONY, given: Path | None = None, src: Path | None = None):
    """Return scene -> split, and the messages, of one capture folder."""
    scenes, _ = pairing.find_scenes(folder, SONY)
    found, findings = splits.assigned(scenes, chosen, src or folder, given)
    assert all(f.status == "warn" for f in findings)
    return {s.scene: s.split for s in found}, [(f.scene, f.message) for f in findings]


# ---- the lists themselves


@pytest.mark.parametrize(
    ("camera", "chosen", "scenes", "pairs"),
    [
        ("Sony", SONY, (161, 20, 50), (1865, 234, 598)),
        ("Fuji", FUJI, (135, 17, 41), (1655, 218, 524)),
    ],
)
def test_the_real_lists_divide_sid_as_published(
    shared_data: Path, camera: str, chosen, scenes: tuple[int, ...], pairs: tuple[int, ...]
):
    every = [r for r in lists.read_lists(shared_data / "sid_lists") if r.camera == camera]
    shorts: dict[str, list[Path]] = {}
    longs = {}
    for row in every:
        scene = (chosen.parse_name(row.name) or {})["scene"]
        shorts.setdefault(scene, []).append(Path(f"{camera}/short/{row.name}.X"))
        longs[scene] = Path(f"{camera}/long/{row.long}.X")
    files = [
        SceneFiles(s, "", s, Path(camera), longs[s], tuple(some)) for s, some in shorts.items()
    ]
    found, findings = splits.assigned(files, chosen, Path("none"), shared_data / "sid_lists")
    names = ("train", "val", "test")
    assert tuple(sum(s.split == n for s in found) for n in names) == scenes
    assert tuple(sum(len(s.shorts) for s in found if s.split == n) for n in names) == pairs
    assert findings == []
    assert all(len(s.listed) == len(s.shorts) for s in found)


def test_the_known_bad_scenes_are_in_sids_test_list(shared_data: Path):
    text = (shared_data / "sid_lists" / "Sony_test_list.txt").read_text()
    assert SONY.splits.known_bad == ("10034", "10045", "10172")
    assert all(f"{scene}_00" in text for scene in SONY.splits.known_bad)


def test_a_row_that_is_none_is_refused_with_its_line(tmp_path: Path):
    (tmp_path / "Sony_val_list.txt").write_text("# ours\n\n00001_00_0.1s.ARW\n")
    with pytest.raises(FrameError, match=r"Sony_val_list.txt line 3: it says '00001_00_0.1s.ARW'"):
        lists.read_lists(tmp_path)


def test_a_list_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "val.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(FrameError, match=r"val.txt: it is no UTF-8 text"):
        lists.read_lists(tmp_path)


# ---- what they decide


def test_lists_win_over_the_digit_wherever_they_lie(tmp_path: Path):
    src = captures(tmp_path / "SID" / "Sony", "00001", "10003")
    for place in (src, src.parent, tmp_path / "elsewhere"):
        touch(place, "x")
        (place / "Sony_val_list.txt").write_text(rows("00001"))
        (place / "Sony_train_list.txt").write_text(rows("10003"))
        given = place if place.name == "elsewhere" else None
        assert of(src, given=given) == ({"00001": "val", "10003": "train"}, [])
        for file in place.glob("*_list.txt"):
            file.unlink()


def test_lists_in_the_ingested_folder_count_for_the_camera_folder_in_it(tmp_path: Path):
    folder = captures(tmp_path / "Sony", "00001")
    (tmp_path / "test.txt").write_text("00001\n")
    assert of(folder, src=tmp_path) == ({"00001": "test"}, [])


@pytest.mark.parametrize("name", ["00001_00_0.1s", "00001_00_10s.ARW", "00001", "place-9"])
def test_a_plain_list_names_files_scenes_or_groups(tmp_path: Path, name: str):
    src = captures(tmp_path, "00001")
    (src / "tiles.csv").write_text("id,sid_scene\n00001,place-9\n")
    (src / "val.txt").write_text(f"{name}\n")
    assert of(src) == ({"00001": "val"}, [])


def test_rows_of_another_camera_are_not_about_these_frames(tmp_path: Path):
    src = captures(tmp_path / "Sony", "00001")
    (src / "Fuji_test_list.txt").write_text(rows("00001", camera="Fuji", suffix="RAF"))
    assert of(src) == ({"00001": "train"}, [])
    with pytest.raises(
        FrameError, match=r"no list in it .Fuji_test_list.txt. names a frame of sid"
    ):
        of(src, given=src)


def test_a_folder_without_lists_is_refused_where_one_is_named(tmp_path: Path):
    src = captures(tmp_path / "Sony", "00001")
    with pytest.raises(FrameError, match="it holds no list"):
        of(src, given=tmp_path)


def test_a_scene_in_two_lists_is_refused_with_both_lines(tmp_path: Path):
    src = captures(tmp_path, "00001", "00002")
    (src / "train.txt").write_text("00002\n00001\n")
    (src / "test.txt").write_text("00001\n")
    said = "scene 00001: test.txt line 1 puts it into test and train.txt line 2 into train"
    with pytest.raises(FrameError, match=said):
        of(src)


def test_a_scene_that_no_list_names_follows_the_protocol_and_is_named(tmp_path: Path):
    src = captures(tmp_path, "00001", "10003")
    (src / "train.txt").write_text("00001\n")
    said = "no list names it; by the protocol it goes to test"
    assert of(src) == ({"00001": "train", "10003": "test"}, [("10003", said)])


def test_where_all_is_test_but_what_lists_say_the_rest_needs_no_word(tmp_path: Path):
    src = captures(tmp_path, "00001", "00002")
    (src / "train.txt").write_text("00001\n")
    assert of(src, ALL_TEST) == ({"00001": "train", "00002": "test"}, [])
    (src / "test.txt").write_text("other\n")
    assert [scene for scene, _ in of(src, ALL_TEST)[1]] == ["", "00002"]


def test_listed_frames_that_are_missing_are_named(tmp_path: Path):
    src = captures(tmp_path / "Sony", "00001")
    more = rows("00001").replace("_00_0.1s", "_07_0.1s") + rows("00044")
    (src / "Sony_train_list.txt").write_text(rows("00001") + more)
    assert of(src)[1] == [
        ("00001", "the list names shorts that are not here: 00001_07_0.1s"),
        ("", "Sony_train_list.txt names frames that are not here: 00044_00_0.1s"),
    ]


def test_a_file_that_is_here_but_was_left_out_is_not_missing(tmp_path: Path):
    src = captures(tmp_path, "00001")
    touch(src, "short/00002_00_0.1s.ARW")  # without its long
    (src / "train.txt").write_text("00001\n00002_00_0.1s\n")
    assert of(src) == ({"00001": "train"}, [])


# ---- what they say of the frames


def test_iso_aperture_and_long_that_disagree_with_the_files_are_warnings(tmp_path: Path):
    src = captures(tmp_path / "Sony", "00001")
    row = rows("00001").replace("ISO200 F8", "ISO400 F5.6").replace("10s", "30s")
    (src / "Sony_train_list.txt").write_text(row)
    scenes, _ = pairing.find_scenes(src, SONY)
    (files,), _ = splits.assigned(scenes, SONY, src, None)
    (finding,) = listing.against_lists(files, Pixels({"00001_00_0.1s": SONY_FRAME}))
    assert (finding.scene, finding.pair, finding.status) == ("00001", "", "warn")
    where = "Sony_train_list.txt line 1"
    assert finding.message == (
        f"{where} pairs it with 00001_00_30s, not 00001_00_10s; "
        f"{where} says ISO 400, 00001_00_0.1s has 200; "
        f"{where} says f/5.6, 00001_00_0.1s has 8; the file counts"
    )


def test_a_row_is_about_the_scene_of_its_long_where_scenes_share_frames(tmp_path: Path):
    shots = [tmp_path / f"00001_00_{t}s.DNG" for t in ("0.1", "1", "10")]
    scenes = [SceneFiles(f"00001-{t}s", "", "00001", tmp_path, shots[n], tuple(shots[:n]))
              for n, t in ((1, "1"), (2, "10"))]  # fmt: skip
    row = lists.Listed("val", "here", "00001_00_0.1s", "Sony", "00001_00_1s", 200.0, 8.0)
    assert listing.lines_of(scenes, [row]) == {"00001-1s": [row]}


def test_iso_and_aperture_that_agree_say_nothing(tmp_path: Path):
    src = captures(tmp_path / "Sony", "00001")
    (src / "Sony_train_list.txt").write_text(rows("00001"))
    scenes, _ = pairing.find_scenes(src, SONY)
    (files,), _ = splits.assigned(scenes, SONY, src, None)
    frame = replace(SONY_FRAME, f_number=8.05)
    assert listing.against_lists(files, Pixels({"00001_00_0.1s": frame})) == []


# ---- groups


def grouped(folder: Path, groups: dict[str, str]) -> Path:
    captures(folder, *groups)
    table = "".join(f"{scene},{group}\n" for scene, group in groups.items())
    (folder / "tiles.csv").write_text(f"id,sid_scene\n{table}")
    return folder


def test_a_group_in_two_splits_is_a_finding(tmp_path: Path):
    src = grouped(tmp_path, {"00001": "9", "10001": "9"})
    said = "its group 9 is divided between test and train: the same place is in both"
    assert of(src)[1] == [("00001", said), ("10001", said)]


def test_a_list_that_unites_a_group_takes_that_finding_away(tmp_path: Path):
    src = grouped(tmp_path, {"00001": "9", "10001": "9"})
    (src / "val.txt").write_text("00001\n10001\n")
    assert of(src) == ({"00001": "val", "10001": "val"}, [])


def test_the_rest_of_a_listed_group_follows_it(tmp_path: Path):
    src = grouped(tmp_path, {"00001": "9", "10001": "9"})
    (src / "val.txt").write_text("00001\n")
    assert of(src) == ({"00001": "val", "10001": "val"}, [])


def test_a_group_has_one_split_by_the_digest_of_its_first_scene(tmp_path: Path):
    groups = {f"{n:05}": f"place-{n // 3}" for n in range(60)}
    found, findings = of(grouped(tmp_path, groups), BY_DIGEST)
    for first in range(0, 60, 3):
        expected = splits.by_digest(hashlib.sha256(f"{first:05}".encode()).hexdigest())
        assert {found[f"{first + k:05}"] for k in range(3)} == {expected}
    assert findings == []
    assert set(found.values()) == {"train", "val", "test"}


def test_the_digest_rule_gives_eighty_ten_ten(tmp_path: Path):
    drawn = [splits.by_digest(hashlib.sha256(str(n).encode()).hexdigest()) for n in range(10_000)]
    shares = [drawn.count(name) / 10_000 for name in ("train", "val", "test")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_every_scene_of_the_real_bracket_has_one_split(shared_data: Path):
    from lldata.engine import Local

    src = shared_data / "bracket_mt9m001"
    (plan,) = planning.plan(src, "exposure_bracket", Local(workers=1))
    assert len(plan.scenes) > 3
    assert len({s.split for s in plan.scenes}) == len({s.group for s in plan.scenes}) == 1


def test_a_folder_of_frames_is_known_by_its_first_frame(tmp_path: Path):
    touch(tmp_path, "night/low/1.png", "night/target/1.png", "night/target/2.png")
    (tmp_path / "night/target/1.png").write_text("first")
    low, target = tmp_path / "night/low", tmp_path / "night/target"
    every = tuple(sorted(tmp_path.rglob("*.png")))
    clip = SceneFiles("night", "", "night", tmp_path, target, (low,), every)
    assert splits.source_digest(clip) == hashlib.sha256(b"first").hexdigest()
