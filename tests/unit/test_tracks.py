from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eval import tracks
from lldata.errors import ScoreError
from lldata.store import Store
from tests.stores import night

TEXT = """
title = "Night, test"
dataset = "night"
split = "test"
metrics = ["psnr", "ssim"]
digest = "{digest}"
reference_digest = "{references}"
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return night(tmp_path / "night", "train test test test", exposures=(0.1, 0.04),
                 quarantined=("00004",))  # fmt: skip


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "leaderboard" / "tracks"
    folder.mkdir(parents=True)
    monkeypatch.setattr(tracks, "files", lambda _: tmp_path / "leaderboard")
    return folder


def ship(folder: Path, name: str, store: Store, extra: str = "") -> None:
    text = TEXT.format(digest=store.digest, references=store.reference_digest)
    (folder / f"{name}.toml").write_text(text + extra)


def test_without_a_track_the_ad_hoc_one_takes_every_usable_pair_of_the_split(store: Store):
    track = tracks.choose(store, "test")
    assert (track.name, track.metrics, track.pinned) == ("night.test", ("psnr", "ssim"), False)
    assert list(track.select(store)["pair"]) == [
        "00002/00002_00_0.04s", "00002/00002_00_0.1s",
        "00003/00003_00_0.04s", "00003/00003_00_0.1s",
    ]  # fmt: skip


def test_the_one_track_pinned_to_these_data_is_taken(store: Store, shipped: Path):
    ship(shipped, "night_v1", store)
    assert tracks.choose(store, "test").name == "night_v1"
    assert tracks.choose(store, "train").name == "night.train"


def test_a_track_pinned_to_other_data_is_not_taken_and_refuses_them(store: Store, shipped: Path):
    ship(shipped, "night_v1", store)
    other = tracks.load("night_v1")
    changed = replace(other, digest="ab" * 32)
    (shipped / "night_v1.toml").write_text(TEXT.format(digest="ab" * 32, references="cd" * 32))
    assert tracks.choose(store, "test").name == "night.test"
    with pytest.raises(ScoreError, match=f"has digest {store.digest[:12]}.*pins abababababab"):
        changed.select(store)


def test_several_tracks_of_these_data_are_listed(store: Store, shipped: Path):
    ship(shipped, "night_a", store)
    ship(shipped, "night_b", store)
    with pytest.raises(ScoreError, match=r"2 tracks are made of it.*--track: night_a, night_b"):
        tracks.choose(store, "test")
    assert tracks.choose(store, "test", "night_b").name == "night_b"


def test_a_filter_takes_a_ratio_that_differs_by_rounding(store: Store, shipped: Path):
    ship(shipped, "night_v1", store, "[pairs]\nratios = [249.9]\nwithout_scenes = ['00003']\n")
    chosen = tracks.load("night_v1").select(store)
    assert list(chosen["pair"]) == ["00002/00002_00_0.04s"]


def test_a_split_without_pairs_is_answered_with_those_there_are(store: Store):
    with pytest.raises(ScoreError, match=r"no usable pair of split 'val'.*are: test, train"):
        tracks.choose(store, "val").select(store)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "it is no TOML"),
        ("title = 'x'", "track bad: the key 'dataset' is missing"),
        (TEXT.replace("{digest}", ""), "digest is empty"),
        (TEXT + "more = 1", "the key 'more' is unknown"),
        (TEXT.replace('"test"', "1"), "split: it is 1, but str is needed"),
        (
            TEXT.replace('["psnr", "ssim"]', '"psnr"'),
            r"metrics: it is 'psnr', but tuple\[str, \.\.\.\] is needed",
        ),
        (TEXT + "[pairs]\nratios = ['100']", "pairs: ratios: it is '100', but float is needed"),
    ],
)
def test_a_malformed_track_is_refused_with_its_key(text: str, message: str):
    with pytest.raises(ScoreError, match=message):
        tracks.parse("bad", text)


def test_an_unknown_track_is_named():
    with pytest.raises(ScoreError, match="--track nope: there is no such track"):
        tracks.load("nope")


def test_every_shipped_track_reads():
    assert [tracks.load(name).name for name in tracks.names()] == tracks.names()
