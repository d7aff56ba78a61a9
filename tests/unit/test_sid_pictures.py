"""SID on ready pictures and on clips: what its weights read is what it is checked for."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import method
from baselines.networks import sid
from baselines.training import weights
from eval import images
from eval.enhancing.enhance import enhance
from eval.enhancing.task import Enhancement
from eval.run import run
from eval.running.plan import make_plan
from eval.running.settings import Settings
from eval.training import train_method
from lldata import ingest as work
from lldata import upkeep
from lldata.dataset import ClipPatches
from lldata.engine import Local
from lldata.errors import MethodError
from lldata.sample import Sample
from lldata.sets import clips as of_clips
from lldata.sets import pictures
from lldata.sets.job import SceneJob
from lldata.store import Store, home, open_store
from tests.clip_folders import film, write_scene
from tests.pictures import write, write_pairs
from tests.stores import night

TINY = {"width": 2, "crop": 16, "batch": 1}


def stored(src: Path, protocol: str, name: str, run_scene: Callable[[SceneJob], Any]) -> Store:
    """Store what a folder holds in this process: a worker takes longer to start than this does."""
    (dataset,) = work.prepare(src, protocol, name, Local(workers=1))
    for scene in dataset.plan.scenes:
        assert run_scene(SceneJob(scene, dataset.plan.protocol, dataset.path, "")).state == "stored"
    upkeep.build_index(dataset.path, "2026-01-01T00:00:00+00:00")
    return open_store(name)


@pytest.fixture
def lol(tmp_path: Path) -> Store:
    src = write_pairs(tmp_path / "lol", "a b c d")
    for split, names in (("train", "a\nb\n"), ("val", "c\n"), ("test", "d\n")):
        (src / f"{split}.txt").write_text(names)
    return stored(src, "rgb_pairs", "lol", pictures.run_scene)


def trained(dataset: str, steps: int = 3, **options: Any) -> Path:
    return train_method("sid", dataset, steps=steps, device="cpu", options={**TINY, **options})


def picture(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random((3, *shape), np.float32)


def test_a_picture_keeps_its_size_and_has_no_depth_to_space_step():
    built = sid.build(device="cpu", width=32, input="srgb")
    assert (built.info.domain, built.info.needs_ratio) == ("srgb", False)
    assert built.parameters == 7_760_268 - 9 * 32 - 33 * 9  # one plane less in, nine less out
    assert built.network.scale == 1
    small = sid.build(device="cpu", width=2, input="srgb", precision="fp32")
    assert small(Sample("1/1", 1.0, srgb=picture(13, 22))).shape == (3, 13, 22)


def test_frames_larger_than_a_tile_give_the_picture_of_the_whole(monkeypatch: pytest.MonkeyPatch):
    built = sid.build(device="cpu", width=2, levels=2, input="srgb", precision="fp32")
    given = Sample("1/1", 1.0, srgb=picture(75, 91))
    expected = built(given)
    monkeypatch.setattr("baselines.inference.frames.sid_frames._AT_ONCE", 64)
    monkeypatch.setattr("baselines.inference.frames.sid_frames._TILE", 20)
    np.testing.assert_allclose(built(given), expected, rtol=0, atol=1e-6)


def test_weights_of_pictures_are_run_on_pictures_under_a_label_that_says_so(lol: Store):
    folder = trained("lol", input="srgb")
    config = json.loads((folder / weights.CONFIG).read_text())
    assert (config["domain"], config["planes"], config["recipe"]["input"]) == ("srgb", 3, "srgb")
    record = run(Settings("sid", "lol")).record
    assert (record.label, record.domain, record.input) == ("lol-input=srgb", "srgb", "short")
    assert [row.pair for row in record.rows] == ["d/d"]
    again = run(Settings("sid", "lol", options={"input": "srgb"})).record
    assert again.label == record.label
    assert again.rows[0].scores == record.rows[0].scores


def test_without_weights_a_dataset_of_pictures_names_the_way_to_train_on_it(lol: Store):
    with pytest.raises(MethodError, match="it reads RAW frames, but lol") as plain:
        make_plan(Settings("sid", "lol"), print)
    assert "lleval train --model sid --dataset lol --set input=srgb" in str(plain.value)
    with pytest.raises(MethodError, match="no weights of it trained on lol") as asked:
        make_plan(Settings("sid", "lol", options={"input": "srgb", "width": 8}), print)
    expected = "Train them: lleval train --model sid --dataset lol --set input=srgb --set width=8,"
    assert expected in str(asked.value)


def test_weights_of_raw_frames_are_refused_on_pictures_and_for_them(lol: Store):
    night(home() / "night", shape=(64, 64))
    folder = trained("night")
    with pytest.raises(MethodError, match="it reads RAW frames, but lol holds ready pictures"):
        make_plan(Settings("sid", "lol", weights=folder), print)
    with pytest.raises(MethodError, match="--set input: it is srgb, but these weights read raw"):
        sid.build(device="cpu", input="srgb").load(folder)


def test_weights_of_pictures_develop_rendered_frames_as_any_picture_method(lol: Store):
    night(home() / "night", shape=(64, 64))
    record = run(Settings("sid", "night", weights=trained("lol", input="srgb"))).record
    assert (record.domain, record.input) == ("srgb", "short")
    assert record.label.endswith("-input=srgb")


def test_weights_of_pictures_enhance_pictures_and_those_of_frames_do_not(
    lol: Store, tmp_path: Path
):
    photograph = write(tmp_path / "a.png", picture(24, 40).transpose(1, 2, 0) * 255)
    folder = trained("lol", input="srgb")
    (written,) = enhance(Enhancement("sid", photograph, tmp_path / "b.png", weights=folder))
    assert images.read(written).pixels.shape == (24, 40, 3)
    night(home() / "night", shape=(64, 64))
    of_frames = Enhancement("sid", photograph, tmp_path / "c.png", weights=trained("night"))
    with pytest.raises(MethodError, match="it is a ready image, but sid reads the mosaic"):
        enhance(of_frames)


def test_raw_frames_cannot_train_a_network_of_pictures():
    night(home() / "night", shape=(64, 64))
    with pytest.raises(MethodError, match="it holds RAW frames, but sid is trained on ready"):
        trained("night", input="srgb")


@pytest.fixture
def clips(tmp_path: Path) -> Store:
    still = film(3, 5, size=(64, 80))
    src = tmp_path / "film"
    write_scene(src, "Static", low=[frame // 8 for frame in still], target=still[:4])
    (src / "train.txt").write_text("Static\n")
    return stored(src, "uhr_clips", "film", of_clips.run_scene)


def test_patches_of_one_place_show_the_same_thing_where_the_camera_stood_still(clips: Store):
    alone, around = (
        ClipPatches(clips, clips.usable(), 16, 0, epoch=9, region=region, same_place=True)
        for region in (None, 32)
    )
    for patches, number in itertools.product((alone, around), range(4)):
        pair = patches[number]
        assert (pair.low * 8 - pair.target).abs().max() < 1e-3
        assert pair.low.std() > 0.01
        assert pair.low_region.equal(pair.low) == (patches is alone)


def test_clips_train_a_network_that_yields_a_frame_for_each(clips: Store):
    folder = trained("film", input="clip")
    built: Any = sid.build(device="cpu", precision="fp32")
    built.load(folder)
    assert (built.info.domain, built.frames_around) == ("clip", 0)
    frames = [picture(10, 14), picture(10, 14) / 2]
    made = list(built(Sample("film/low", 1.0, clip=iter(frames))))
    one: Any = sid.build(device="cpu", precision="fp32", input="srgb")
    one.load(folder)
    for found, frame in zip(made, frames, strict=True):
        np.testing.assert_array_equal(found, one(Sample("1/1", 1.0, srgb=frame)))


@pytest.mark.parametrize(
    ("name", "levels"), [("sid_minus2", 3), ("sid_minus1", 4), ("sid_plus1", 6)]
)
def test_a_depth_variant_is_the_network_of_sid_with_its_levels(name: str, levels: int):
    built: Any = method.build(name, width=4, device="cpu", precision="fp32")
    like = sid.build(width=4, levels=levels, device="cpu", precision="fp32")
    like.take(built.network.state_dict())
    given = Sample("1/1", 9.0, packed=np.random.default_rng(0).random((4, 57, 86), np.float32))
    np.testing.assert_array_equal(built(given), like(given))
    presets = method.module(name).PRESETS
    assert {n: r.plain() | {"levels": 5} for n, r in presets.items()} == {
        n: r.plain() for n, r in sid.PRESETS.items()
    }


def test_a_depth_variant_refuses_another_depth(tmp_path: Path):
    weights.write(tmp_path / "other.safetensors", sid.UNet(4, 4, 3).state_dict())
    with pytest.raises(MethodError, match="the tensors are not those of SID U-Net, one level less"):
        method.build("sid_minus1", device="cpu").load(tmp_path / "other.safetensors")  # type: ignore[attr-defined]
    night(home() / "night", shape=(64, 64))
    with pytest.raises(MethodError, match="--set levels: the recipe has no such value"):
        train_method("sid_minus1", "night", device="cpu", options={"levels": 2})
