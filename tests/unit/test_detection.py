from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lldata import ingest, pairing, protocol
from lldata.engine import Local
from lldata.errors import FrameError, ProtocolError
from lldata.sets import detection, planning
from lldata.store import open_store
from lldata.view import open_view
from tests.captures import light, write_scene
from tests.unit.test_pairing import touch

CANON = {n: protocol.load_raw(n) for n in ("canon6d_iso200", "canon6d_iso12600")}


def chosen(tmp_path: Path, folder: str, isos: dict[str, float], camera: str = "Canon EOS 6D"):
    names = [f"{folder}/{k}/{s}_00_{t}s.CR2" for s in isos for k, t in
             (("short", "0.1"), ("long", "10"))]  # fmt: skip
    touch(tmp_path, *names)
    scenes = {n: pairing.find_scenes(tmp_path / folder, p)[0] for n, p in CANON.items()}
    headers = {
        p: detection.Header(camera, isos[p.stem[:5]], 0.1, None)
        for s in scenes["canon6d_iso200"]
        for p in s.files
    }
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
    cut = FrameError("x", "it is cut", "it must be whole", "Copy it")
    with pytest.raises(FrameError) as told:
        detection.choose(tmp_path, scenes, {}, [cut], CANON)
    assert str(told.value) == "x: it is cut, but it must be whole. Copy it."
    with pytest.raises(
        FrameError, match=r"^x: it is cut \(and 1 more of its frames cannot be used"
    ):
        detection.choose(tmp_path, scenes, {}, [cut, cut], CANON)


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


# ---- any number of ISO sets

ISO_SETS = {"canon6d_iso200": 200, "canon6d_iso400": 400, "canon6d_iso1600": 1600,
            "canon6d_iso12600": 12800}  # fmt: skip


@pytest.fixture
def four_iso_sets(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """Ship two more protocols of the Canon 6D than there are, beside that of the Sony."""
    folder = tmp_path_factory.mktemp("protocols")
    text = protocol.load("canon6d_iso200").text
    for name, iso in ISO_SETS.items():
        changed = text.replace("iso_exif    = [200]", f"iso_exif    = [{iso}]")
        changed = changed.replace('"Canon"]', f'"Canon_{iso}"]')
        (folder / f"{name}.toml").write_text(changed)
    (folder / "sid_sony.toml").write_text(protocol.load("sid_sony").text)
    monkeypatch.setattr(protocol, "files", lambda package: folder)
    protocol.load.cache_clear()
    yield
    protocol.load.cache_clear()


CANON_6D = {"camera": "Canon EOS 6D", "black_level": (2048.0,) * 4, "white_level": 15490,
            "long_changes": True}  # fmt: skip


@pytest.mark.usefixtures("four_iso_sets")
def test_four_iso_sets_in_one_folder_are_four_datasets_and_one_view(tmp_path: Path):
    for number, iso in enumerate(ISO_SETS.values(), 1):
        write_scene(tmp_path / "card", f"{number:05}", light(number), iso=float(iso), **CANON_6D)
    datasets = ingest.prepare(tmp_path / "card", None, "six", Local(workers=2))
    assert [d.name for d in datasets] == ["six_iso12600", "six_iso1600", "six_iso200", "six_iso400"]
    for dataset in datasets:
        list(ingest.ingest(dataset, Local(workers=2), deep=False))
    every = open_view([d.name for d in datasets])
    rows = every.pairs[["dataset", "scene", "iso"]].itertuples(index=False, name=None)
    assert sorted(rows) == [
        ("six_iso12600", "00004", 12800.0),
        ("six_iso1600", "00003", 1600.0),
        ("six_iso200", "00001", 200.0),
        ("six_iso400", "00002", 400.0),
    ]
    assert open_store("six_iso400").protocol == "canon6d_iso400"


@pytest.mark.usefixtures("four_iso_sets")
def test_four_iso_sets_in_their_own_folders_may_number_their_scenes_alike(tmp_path: Path):
    for iso in ISO_SETS.values():
        write_scene(tmp_path / f"Canon_{iso}", "00001", light(1), iso=float(iso), **CANON_6D)
    found = planning.plan(tmp_path, None, Local(workers=2))
    places = {p.protocol.name: [s.folder.name for s in p.scenes] for p in found}
    assert places == {name: [f"Canon_{iso}"] for name, iso in ISO_SETS.items()}


def test_a_protocol_of_any_iso_is_one_dataset_with_iso_a_column(tmp_path: Path):
    for number, iso in enumerate((50, 200, 800, 25600), 1):
        changes = {"iso": float(iso), "long_changes": True}
        write_scene(tmp_path / "Sony", f"{number:05}", light(number), **changes)
    (dataset,) = ingest.prepare(tmp_path, None, None, Local(workers=2))
    list(ingest.ingest(dataset, Local(workers=2), deep=False))
    assert open_store("sid_sony").pairs["iso"].tolist() == [50, 200, 800, 25600]


@pytest.mark.parametrize(
    ("protocols", "name", "labels"),
    [
        (["canon6d_iso200"], None, ["canon6d_iso200"]),
        (["canon6d_iso200"], "x", ["x"]),
        (["canon6d_iso200", "sid_sony"], None, ["canon6d_iso200", "sid_sony"]),
        (["canon6d_iso200", "sid_sony"], "x", ["x_iso200", "x_sony"]),
        (["a_iso200", "b_iso200", "b_iso800"], "x", ["x_a_iso200", "x_b_iso200", "x_b_iso800"]),
    ],
)
def test_datasets_of_one_folder_never_share_a_name(
    protocols: list[str], name: str | None, labels: list[str]
):
    sony = protocol.load("sid_sony")
    plans = [planning.Plan(replace(sony, name=n), (), (), {}) for n in protocols]
    assert ingest._labels(plans, name) == labels
