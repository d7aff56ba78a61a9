"""Duplicates: one photograph in two places is found, two places that look alike are not."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from lldata import ingest as work
from lldata import store, upkeep
from lldata.audit import Finding, duplicates
from lldata.engine import Local
from lldata.measures import fingerprint, likeness
from lldata.measures.likeness import Print
from lldata.render import linearise
from lldata.sets import planning
from tests.captures import light, write_scene
from tests.stores import night

LIMIT = 0.9
ENGINE = Local(workers=2)
RNG = np.random.default_rng(5)


def seen(scene: str, split: str = "train", dataset: str = "d", **more: object) -> Print:
    told = {"pixels": scene, "sha256": scene, **more}
    group, origin = str(told.pop("group", scene)), str(told.pop("origin", ""))
    (found,) = likeness.prints(dataset, scene, group, split, origin, {f"{scene}.DNG": told})
    return found


def said(*mine: Print, others: tuple[Print, ...] = ()) -> list[Finding]:
    return duplicates.audit(mine, others, LIMIT)


def look(green: np.ndarray) -> str:
    found = fingerprint.thumbnail(green.astype(np.float32))
    assert found is not None
    return found


def alike(a: np.ndarray, b: np.ndarray) -> float:
    one, two = fingerprint.unit_thumbnails([look(a), look(b)])
    return float(one @ two)


def test_scenes_of_their_own_are_no_finding():
    assert said(seen("00001"), seen("10001", "test")) == []


def test_the_same_pixels_in_two_splits_are_a_warning_for_both_scenes():
    found = said(seen("00001", pixels="p"), seen("10001", "test", pixels="p"))
    assert [(f.scene, f.status, f.measured) for f in found] == [
        ("00001", "warn", 1.0), ("10001", "warn", 1.0),
    ]  # fmt: skip
    assert found[0].message == (
        "00001.DNG holds the same pixels as 10001.DNG of scene 10001 (train here, test there). "
        "What is trained on is tested on: give both one group and split, or leave one out"
    )


def test_the_surest_reason_is_the_one_given():
    found = said(seen("00001", sha256="s", pixels="p"), seen("00002", sha256="s", pixels="p"))
    assert "is the same file as" in found[0].message
    assert "They count as two places" in found[0].message


@pytest.mark.parametrize("joined", [{"group": "7"}, {"origin": "photo.jpg"}])
def test_scenes_of_one_group_or_one_source_are_no_finding(joined: dict):
    mine = [seen(s, pixels="p", thumbnail=look(light(1)), **joined) for s in ("00001", "00002")]
    assert said(*mine) == []


def test_another_dataset_matters_where_its_split_is_another():
    mine = seen("00001", pixels="p")
    same, other = (seen("5", split, "e", pixels="p") for split in ("train", "test"))
    assert said(mine, others=(same,)) == []
    (found,) = said(mine, others=(other,))
    assert "5.DNG of scene 5 of dataset e (train here, test there)" in found.message


def test_one_camera_shoots_one_long_exposure_at_a_time():
    shot = {"serial": "77", "time": "2026-01-02T20:00:00", "exposure_s": 10.0}
    found = said(seen("00001", **shot), seen("00002", **shot))
    assert "by camera number and clock, the same shot" in found[0].message
    assert said(seen("00001", **{**shot, "exposure_s": 0.1}),
                seen("00002", **{**shot, "exposure_s": 0.1})) == []  # fmt: skip
    assert said(seen("00001", **{**shot, "serial": "unknown"}),
                seen("00002", **{**shot, "serial": "unknown"})) == []  # fmt: skip


def test_many_copies_are_counted_and_three_are_named():
    found = said(*(seen(f"{n:05}", pixels="p") for n in range(6)))
    assert len(found) == 6
    assert found[0].message.count("holds the same pixels") == 3
    assert "and 2 more" in found[0].message


def test_exposure_noise_size_and_crop_leave_the_look():
    green = light(3, (512, 768))
    dark = RNG.poisson(green * 300) / 3000
    half = cv2.resize(green, (384, 256), interpolation=cv2.INTER_AREA)
    assert alike(green, dark) > 0.99
    assert alike(green, half) > 0.999
    assert alike(green, np.power(green, 1.3)) > 0.95


def test_a_bright_middle_common_to_two_places_is_no_likeness():
    y, x = np.mgrid[-1:1:192j, -1:1:256j]
    lamp = 3 * np.exp(-3 * (x**2 + y**2)) + 0.2
    assert alike(light(1) * lamp, light(2) * lamp) < 0.6


def test_a_picture_without_contrast_looks_like_nothing():
    assert fingerprint.thumbnail(np.full((64, 64), 0.3, np.float32)) is None
    assert fingerprint.thumbnail(np.zeros((64, 64), np.float32)) is None


def test_the_look_of_the_long_finds_a_scene_shot_twice():
    a, b, c = (look(light(n)) for n in (1, 1, 2))
    found = said(seen("00001", thumbnail=a), seen("10001", "test", thumbnail=b),
                 seen("10002", "test", thumbnail=c))  # fmt: skip
    assert [f.scene for f in found] == ["00001", "10001"]
    assert "shows the same picture (likeness 1.00) as 10001.DNG" in found[0].message
    assert (found[0].measured, found[0].limit) == (pytest.approx(1, abs=1e-6), LIMIT)


def test_without_a_limit_looks_are_not_compared():
    mine = [seen(s, thumbnail=look(light(1))) for s in ("00001", "00002")]
    assert duplicates.audit(mine, (), None) == []


def test_the_pixels_of_one_row_more_are_others():
    mosaic = RNG.integers(0, 9, (64, 64)).astype(np.uint16)
    other = mosaic.copy()
    other[8] += 1
    assert fingerprint.pixels_digest(mosaic) == fingerprint.pixels_digest(mosaic.copy())
    assert fingerprint.pixels_digest(mosaic) != fingerprint.pixels_digest(other)


def test_thousands_of_equal_frames_give_few_matches_each():
    text = look(light(1))
    mine = [seen(str(n), thumbnail=text) for n in range(600)]
    found = likeness.matches(mine, (), LIMIT)
    assert len(found) == 600 * likeness.MOST_MATCHES


def greens(folder: Path) -> list[np.ndarray]:
    pictures = [cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in sorted(folder.iterdir())]
    return [linearise(p[..., 1].astype(np.float32) / np.iinfo(p.dtype).max)
            for p in pictures if p is not None]  # fmt: skip


def test_no_two_of_eighty_real_places_look_alike(shared_data: Path):
    looks = fingerprint.unit_thumbnails([look(g) for g in greens(shared_data / "lol_256" / "high")])
    products = looks @ looks.T
    assert np.triu(products, 1).max() < 0.75


def test_real_tiles_of_one_place_are_joined_and_others_do_not_look_alike(shared_data: Path):
    folder = shared_data / "sid_sony_tiles"
    with (folder / "tiles.csv").open() as table:
        groups = [row["sid_scene"] for row in csv.DictReader(table)]
    looks = [look(g) for g in greens(folder / "long")]
    tiles = [seen(str(n), group=g, thumbnail=t)
             for n, (g, t) in enumerate(zip(groups, looks, strict=True))]  # fmt: skip
    assert said(*tiles) == []
    assert max(m.likeness for m in likeness.matches(tiles, (), 0.0)) < 0.8


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    """Return captures of which one place is in train and in test, shot anew."""
    for scene, picture in (("00001", 1), ("10001", 1), ("00002", 2)):
        write_scene(tmp_path / "captures", scene, light(picture))
    return tmp_path / "captures"


def ingested(src: Path, name: str) -> list[Finding]:
    (dataset,) = work.prepare(src, "sid_sony", name, ENGINE)
    list(work.ingest(dataset, ENGINE, deep=False))
    return leaks(name)


def leaks(name: str) -> list[Finding]:
    return [f for f in store.open_store(name).findings if f.check == "duplicates"]


def test_ingest_and_check_find_a_place_that_two_splits_share(twice: Path):
    plans = planning.plan(twice, "sid_sony", ENGINE)
    checked = [f for o in work.check(plans, ENGINE, deep=False) for f in o.findings]
    found = ingested(twice, "night")
    assert found == [f for f in checked if f.check == "duplicates"]
    assert [(f.scene, f.pair, f.status) for f in found] == [
        ("00001", "", "warn"), ("10001", "", "warn"),
    ]  # fmt: skip
    assert len(store.open_store("night").usable()) == 3


def test_the_index_finds_them_anew_and_forgets_what_is_gone(twice: Path):
    before = ingested(twice, "night")
    upkeep.build_index(store.home() / "night", "2026-01-01T00:00:00+00:00")
    assert leaks("night") == before
    store.scene_path(store.home() / "night", "10001").unlink()
    upkeep.build_index(store.home() / "night", "2026-01-01T00:00:00+00:00")
    assert leaks("night") == []


def test_a_place_tested_on_elsewhere_is_named_with_its_dataset(tmp_path: Path):
    write_scene(tmp_path / "a", "10005", light(1))
    write_scene(tmp_path / "b", "00001", light(1))
    assert ingested(tmp_path / "a", "first") == []
    (found,) = ingested(tmp_path / "b", "second")
    assert "scene 10005 of dataset first (train here, test there)" in found.message
    assert ingested(tmp_path / "a", "again") != []  # test here, train in second


def test_an_index_without_fingerprints_knows_no_prints(tmp_path: Path):
    assert night(tmp_path / "n").prints() == []
    assert upkeep.limit_in("[limits]\nsimilarity_warn = 0.8") == 0.8
    assert upkeep.limit_in("") is None
