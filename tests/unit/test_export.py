"""Datasets as files that other programs read and that ingest takes again."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lldata import cfa, store, upkeep
from lldata import ingest as work
from lldata.dng import dng_bytes, write_dng
from lldata.engine import Local
from lldata.errors import LowLightError, StoreError
from lldata.outputs import export
from lldata.outputs.export import Job, export_scene
from lldata.raw import decode
from lldata.reading import origin
from lldata.render import render
from lldata.scene import Pixels, SceneFile
from lldata.store import Store
from tests.captures import frame, light, write_scene
from tests.stores import night

ONE = Local(workers=1)


def exported(dataset: Store, out: Path, form: str = "dng") -> Path:
    """Export in this process."""
    export._begin(dataset, out, form, None)
    names = export.scenes_of(dataset, None)
    export._write_tables(dataset, names, out, form, export._group_column(dataset))
    for scene in names:
        export_scene(Job(dataset, scene, out, form, export._FOLDERS))
    return out


def picture(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]


def ingested(src: Path, name: str, protocol: str) -> Store:
    (dataset,) = work.prepare(src, protocol, name, ONE)
    list(work.ingest(dataset, ONE, deep=False))
    return store.open_store(name)


def test_captures_come_back_from_dng_with_the_same_digest(tmp_path: Path):
    for scene in ("00001", "10002"):
        write_scene(tmp_path / "card", scene, light(int(scene)), (0.1, 0.033))
    first = ingested(tmp_path / "card", "first", "sid_sony")
    assert list(export.export(first, tmp_path / "out", engine=ONE)) == ["00001", "10002"]
    again = ingested(tmp_path / "out", "again", "sid_sony")
    assert again.digest == first.digest
    assert again.reference_digest == first.reference_digest
    assert again.findings == first.findings
    os.utime(tmp_path / "out" / "short" / "00001_00_0.1s.DNG")
    assert ingested(tmp_path / "out", "again", "sid_sony").digest == first.digest


def test_the_real_tiles_come_back_with_their_digest(shared_data: Path, tmp_path: Path):
    tiles = ingested(shared_data / "sid_sony_tiles", "tiles", "sid_sony")
    out = exported(tiles, tmp_path / "out")
    again = ingested(out, "again", "sid_sony")
    assert tiles.digest.startswith("06d26c4cb24070d6d462e0032df2a608f564df")
    assert (again.digest, again.reference_digest) == (tiles.digest, tiles.reference_digest)
    assert again.scenes["group"].tolist() == tiles.scenes["group"].tolist()


@pytest.fixture
def dataset(tmp_path: Path) -> Store:
    return night(tmp_path / "night", "train test", exposures=(0.1, 0.04))


def test_a_ready_reference_goes_to_long_and_the_pairs_to_a_table(dataset: Store, tmp_path: Path):
    out = exported(dataset, tmp_path / "out")
    np.testing.assert_array_equal(
        picture(out / "long" / "00001_00_10s.png"), dataset.reference("00001", "00001_00_10s")
    )
    with (out / "pairs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [r["pair"] for r in rows] == dataset.pairs["pair"].tolist()
    assert (out / "train.txt").read_text() == "00001_00_0.1s\n00001_00_0.04s\n"


def test_arrays_are_the_mosaic_its_fields_and_the_packed_planes(dataset: Store, tmp_path: Path):
    out = exported(dataset, tmp_path / "out", "npy")
    shot = dataset.frame("00001", "00001_00_0.1s")
    np.testing.assert_array_equal(np.load(out / "short" / "00001_00_0.1s.npy"), shot.mosaic)
    np.testing.assert_array_equal(
        np.load(out / "packed" / "00001_00_0.1s.npy"), cfa.normalise(shot)
    )
    fields = json.loads((out / "short" / "00001_00_0.1s.json").read_text())
    assert (fields["iso"], fields["cfa"]) == (200.0, "RGGB")


def test_pictures_of_captures_are_pairs_of_renders(dataset: Store, tmp_path: Path):
    out = exported(dataset, tmp_path / "out", "png16")
    np.testing.assert_array_equal(
        picture(out / "low" / "00001_00_0.04s.png"),
        render(dataset.frame("00001", "00001_00_0.04s")),
    )
    np.testing.assert_array_equal(
        picture(out / "high" / "00001_00_0.04s.png"), dataset.reference("00001", "00001_00_10s")
    )


def ready(folder: Path, kind: str, **more: object) -> SceneFile:
    row = {
        "pair": "a/a", "scene": "a", "group": "a", "short": "a", "long": "", "reference": "a",
        "split": "test", "ratio": None, "iso": None, "exposure_s": None, "shift_y_px": None,
        "shift_x_px": None, "status": "pass",
    }  # fmt: skip
    return SceneFile(
        scene="a", group="a", split="test", camera="", protocol="x", synthetic=False,
        origin="p.png", protocol_text='[files]\nnormal = "bright"\ntarget = "day"',
        pairs=(row,), findings=(), sources={},
        versions={"lldata": "1", "rawpy": "2", "libraw": "3", "numpy": "4"}, kind=kind,
        **more,
    )  # fmt: skip


def test_ready_pictures_keep_their_bits_and_their_folders_names(tmp_path: Path):
    low = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    normal = low.astype(np.uint16) * 257 + 1
    folder = tmp_path / "d"
    upkeep.publish_scene(
        folder, ready(folder, "pictures"), Pixels(low={"a": low}, normal={"a": normal})
    )
    upkeep.build_index(folder, "now")
    out = tmp_path / "out"
    assert list(export.export(Store(folder), out, engine=ONE)) == ["a"]
    for path, expected in ((out / "low" / "a.png", low), (out / "bright" / "a.png", normal)):
        np.testing.assert_array_equal(picture(path), expected)
        assert picture(path).dtype == expected.dtype
    assert json.loads((out / "simulated.json").read_text())["sources"] == {"a": "p.png"}


def test_clips_are_folders_of_numbered_frames(tmp_path: Path):
    frames = np.random.default_rng(1).integers(0, 2**16, (3, 4, 5, 3), np.uint16)
    clip = {n: {"frames": 3, "height": 4, "width": 5} for n in ("low", "target")}
    folder = tmp_path / "d"
    upkeep.publish_clip(
        folder, ready(folder, "clips", clip=clip), ((n, f) for n in clip for f in frames)
    )
    upkeep.build_index(folder, "now")
    out = exported(Store(folder), tmp_path / "out")
    names = [p.name for p in sorted((out / "a" / "low").iterdir())]
    assert names == ["000000.png", "000001.png", "000002.png"]
    np.testing.assert_array_equal(picture(out / "a" / "target" / "000002.png"), frames[2])


def test_an_export_goes_on_and_writes_nothing_twice(dataset: Store, tmp_path: Path):
    out = exported(dataset, tmp_path / "out")
    kept, lost = out / "short" / "00001_00_0.1s.DNG", out / "short" / "00002_00_0.1s.DNG"
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.unlink()
    exported(dataset, out)
    assert (kept.stat().st_mtime_ns, lost.read_bytes()) == (before, content)


def test_a_foreign_folder_is_left_alone(dataset: Store, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(LowLightError, match="it is not empty, but a new or empty folder is needed"):
        list(export.export(dataset, out))
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    exported(dataset, tmp_path / "other")
    with pytest.raises(LowLightError, match=r"another export was begun there \(export.json\)"):
        list(export.export(dataset, tmp_path / "other", "npy"))


def test_an_unknown_format_or_split_is_named(dataset: Store, tmp_path: Path):
    with pytest.raises(LowLightError, match="the formats are dng, png16, npy"):
        list(export.export(dataset, tmp_path / "out", "jpeg"))
    with pytest.raises(StoreError, match="night has none of that name, but its splits are test, t"):
        list(export.export(dataset, tmp_path / "out", split="val"))


# ---- what a DNG states of its origin

SHOT = replace(
    frame(light(1, (64, 96)), 1 / 30, iso=12800.0, lens="Sonnar"), sha256="ab" * 32,
    white_balance=(2.0311999320983887, 1.0, 2.0780999660491943, 1.0),
)  # fmt: skip


def test_an_exported_dng_gives_back_every_field_to_the_last_bit(tmp_path: Path):
    path = tmp_path / "x.dng"
    path.write_bytes(dng_bytes(SHOT, private=origin.statement(SHOT)))
    assert decode(path).metadata() == SHOT.metadata()
    write_dng(path, SHOT)
    assert decode(path).sha256 == upkeep.file_digest(path)


@pytest.mark.parametrize("change", ["pixel", "iso", "statement"])
def test_a_statement_is_not_believed_of_a_changed_file(tmp_path: Path, change: str):
    stated, shot = origin.statement(SHOT), SHOT
    if change == "pixel":
        mosaic = SHOT.mosaic.copy()
        mosaic[3, 3] += 1
        shot = replace(SHOT, mosaic=mosaic)
    elif change == "iso":
        shot = replace(SHOT, iso=6400.0)
    else:
        stated = stated[:200]
    path = tmp_path / "x.dng"
    path.write_bytes(dng_bytes(shot, private=stated))
    read = decode(path)
    assert (read.sha256, read.iso) == (upkeep.file_digest(path), shot.iso)
