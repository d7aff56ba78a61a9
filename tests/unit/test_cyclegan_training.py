"""Both CycleGANs trained on small clips: two phases, pools, and weights that know their patches."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from baselines import method
from baselines.inference.architectures.residual_generator import Generator
from baselines.inference.architectures.vgg19 import PINNED
from baselines.training import resume, weights
from baselines.training.plan import make_plan
from baselines.training.train import train
from eval import cli
from lldata import upkeep
from lldata.errors import LowLightError, MethodError
from lldata.reading.clip_files import find
from lldata.sample import Sample
from lldata.sets import clips
from lldata.sets.job import SceneJob
from lldata.store import Store, open_store
from tests.clip_folders import UHR, film, write_scene

NAMES = ["cyclegan", "contextual_cyclegan"]
SMALL = {
    "width": 2, "blocks": 1, "discriminator_width": 2, "crop": 24, "batch": 2, "pool": 3,
    "checkpoint_every": 2, "validate_every": 4, "log_every": 2,
}  # fmt: skip
REGIONS = {
    "region": 36, "perceptual": "random", "perceptual_width": 1, "identity_of_cycle": False,
}  # fmt: skip


def options(name: str, **changes: Any) -> dict[str, Any]:
    return SMALL | (REGIONS if name == "contextual_cyclegan" else {}) | changes


def trainable(src: Path, folder: Path, scene: str) -> Store:
    """Store a scene of split train."""
    write_scene(src, scene, low=film(1, 3, 9000), target=film(2, 2))
    (found,) = find(src, UHR)
    (files,) = found.scenes
    clips.run_scene(SceneJob(replace(files, split="train"), UHR, folder, ""))
    upkeep.build_index(folder, "2026-01-01T00:00:00+00:00")
    return open_store(folder)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return trainable(tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("home") / "d", "Horse")


def run(name: str, dataset: Store, out: Path, **changes: Any) -> Path:
    keys = ("steps", "resume", "progress", "seed")
    others = {k: changes.pop(k) for k in keys if k in changes}
    given = {"steps": 6, "device": "cpu"} | others
    return train(name, dataset, options=options(name, **changes), out=out, **given)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / weights.MODEL).read_bytes()).hexdigest()


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def dying_at(step: int) -> Callable[[int, int, float], None]:
    def progress(now: int, steps: int, loss: float) -> None:
        if now >= step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_run_resumes_to_the_bits_of_one_that_was_not(
    dataset: Store, tmp_path: Path, name: str
):
    whole = run(name, dataset, tmp_path / "whole")
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        run(name, dataset, broken, progress=dying_at(4))
    assert (broken / resume.RESUME).is_file()
    run(name, dataset, broken, resume=True)
    assert digest(broken) == digest(whole)
    assert rows(broken) == rows(whole)


def test_a_pool_that_was_not_taken_back_would_show(
    dataset: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = run("cyclegan", dataset, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run("cyclegan", dataset, tmp_path / "broken", progress=dying_at(4))
    target = "baselines.training.image_pool.ImagePool.load_state_dict"
    monkeypatch.setattr(target, lambda self, state: None)
    run("cyclegan", dataset, tmp_path / "broken", resume=True)
    assert digest(tmp_path / "broken") != digest(whole)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_to_the_target_alone_is_kept_and_knows_its_patches(
    dataset: Store, tmp_path: Path, name: str
):
    folder = run(name, dataset, tmp_path / "w", averaging=0.5)
    config = json.loads((folder / weights.CONFIG).read_text())
    kept = load_file(folder / weights.MODEL)
    built: Any = method.build(name, device="cpu")
    assert built.load(folder)["trained_on"] == "d"
    assert built.parameters == config["parameters"] == sum(t.numel() for t in kept.values())
    assert (built.crop, built.region) == (24, 36 if name == "contextual_cyclegan" else 0)
    frames = [np.full((3, 30, 41), 0.1, np.float32)] * 2
    made = list(built(Sample("Other/low", math.nan, clip=iter(frames))))
    assert [frame.shape for frame in made] == [(3, 30, 41)] * 2
    asked: Any = method.build(name, device="cpu", width=4)
    with pytest.raises(MethodError, match=r"--set width: it is 4, but these weights .* width 2"):
        asked.load(folder)


def test_the_log_has_the_losses_of_both_phases(dataset: Store, tmp_path: Path):
    log = rows(run("contextual_cyclegan", dataset, tmp_path / "w"))
    phases = ("generators_loss", "generators_adversarial", "generators_cycle",
              "generators_identity", "discriminators_loss")  # fmt: skip
    assert all(0 < float(row[name]) < 100 for row in log for name in phases)
    last = {name: float(log[-1][name]) for name in phases}
    parts = ("adversarial", 1), ("cycle", 10), ("identity", 0.5)
    total = sum(weight * last[f"generators_{name}"] for name, weight in parts)
    assert last["generators_loss"] == pytest.approx(total, rel=1e-5)


def test_the_rate_stands_for_half_of_the_published_epochs_and_then_falls_to_nothing():
    for name in NAMES:
        recipe = method.module(name).PRESETS["paper"]
        steps = recipe.epochs * recipe.clip_crops
        rates = [recipe.rate(step, steps, 1000) for step in (0, 99_999, 100_000, 199_999)]
        assert rates == pytest.approx([2e-4, 2e-4, 2e-4 * 100 / 101, 2e-4 / 101])
        assert (recipe.beta1, recipe.batch, recipe.first_frame_only) == (0.5, 1, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"context": False, "perceptual": "none"},
        {"discriminators": "joint", "perceptual": "none", "shrink": "fixed", "adversary": "lsgan"},
        {"geometry": "literal", "shrink": "channels", "share": 1.0, "adversary": "ralsgan_code"},
    ],
)
def test_what_text_and_released_code_leave_open_can_be_chosen(
    dataset: Store, tmp_path: Path, changes: dict[str, Any]
):
    folder = run("contextual_cyclegan", dataset, tmp_path / "w", steps=2, **changes)
    built: Any = method.build("contextual_cyclegan", device="cpu")
    recipe = built.load(folder)["recipe"]
    assert {key: recipe[key] for key in changes} == changes
    assert built.network.planes == (3 if changes.get("context") is False else 6)
    assert built.network.grid == (8 if changes.get("geometry") == "literal" else 4)
    other: Any = method.build("contextual_cyclegan", device="cpu", shrink="none", context=False)
    with pytest.raises(MethodError, match=r"--set (shrink|context): it is (none|False), but"):
        other.load(folder)


def test_frames_of_a_size_no_protocol_names_need_a_region_before_anything_is_written(
    tmp_path: Path,
):
    dataset = trainable(tmp_path / "src", tmp_path / "d", "Night")
    with pytest.raises(LowLightError, match=r"names none for frames of 56x40"):
        run("contextual_cyclegan", dataset, tmp_path / "w", region=0)
    assert not (tmp_path / "w").exists()
    run("cyclegan", dataset, tmp_path / "v", steps=1)  # which sees none


def test_regions_that_the_protocol_decides_are_used_for_the_pictures_shown(
    dataset: Store, tmp_path: Path
):
    folder = run("contextual_cyclegan", dataset, tmp_path / "w", steps=1, region=0)  # Horse: 2500
    assert [path.name for path in (folder / "samples").iterdir()] == ["step-0000001.png"]


def test_weights_of_vgg19_that_are_not_there_are_asked_for_by_name(dataset: Store, tmp_path: Path):
    with pytest.raises(MethodError, match=rf"{PINNED}: the weights of VGG19 are not there"):
        run("contextual_cyclegan", dataset, tmp_path / "w", perceptual="vgg19")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("kind", ["random", "none"])
def test_what_compared_the_regions_is_recorded(dataset: Store, tmp_path: Path, kind: str):
    folder = run("contextual_cyclegan", dataset, tmp_path / "w", steps=1, seed=4, perceptual=kind)
    config = json.loads((folder / weights.CONFIG).read_text())
    assert config["recipe"]["perceptual"] == kind
    assert config.get("perceptual_seed") == ("4" if kind == "random" else None)


def test_what_compares_regions_is_an_option_of_the_command(
    dataset: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    given = ["--model", NAMES[1], "--dataset", str(dataset.path), "--perceptual", "vgg16"]
    monkeypatch.setattr("sys.argv", ["lleval", "train", *given])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    assert ended.value.code == 2
    assert "--set perceptual: it is 'vgg16', but it can be" in capsys.readouterr().err


def test_weights_of_one_cyclegan_are_refused_by_the_other(dataset: Store, tmp_path: Path):
    folder = run("contextual_cyclegan", dataset, tmp_path / "w", steps=1)
    lone = tmp_path / "lone.safetensors"
    lone.write_bytes((folder / weights.MODEL).read_bytes())
    built: Any = method.build("cyclegan", device="cpu")
    with pytest.raises(MethodError, match="these are weights of contextual_cyclegan"):
        built.load(folder)
    with pytest.raises(MethodError, match="the tensors are not those of CycleGAN"):
        built.load(lone)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": 30, "crop": 32}, "they are 32 and 30 px, but a region holds its patch"),
        ({"region": 51}, "they are 24 and 51 px, and one is odd, .*--set crop=N or --set region"),
        ({"region": 0, "crop": 25}, "they are 25 and 2500 px, and one is odd"),  # Horse: 2500
    ],
)
def test_patch_and_region_that_do_not_fit_are_refused_before_anything_is_written(
    dataset: Store, tmp_path: Path, changes: dict[str, int], message: str
):
    with pytest.raises(MethodError, match=f"--set crop, region: {message}"):
        run("contextual_cyclegan", dataset, tmp_path / "w", **changes)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(("region", "crop"), [(100, 40), (101, 39), (0, 40)])
def test_a_crop_that_is_made_to_fit_is_even_or_odd_as_the_region(
    dataset: Store, tmp_path: Path, region: int, crop: int
):
    given = options("contextual_cyclegan", crop=64, region=region)  # frames of 56x40
    plan = make_plan("contextual_cyclegan", dataset, "quick", 1, 0, given, tmp_path / "w")
    assert plan.recipe.crop == crop
    assert plan.crops[0].low_region.shape == (3, crop, crop)


def test_a_trained_region_that_the_asked_patch_does_not_fit_is_refused_on_loading(
    dataset: Store, tmp_path: Path
):
    folder = run("contextual_cyclegan", dataset, tmp_path / "w", steps=1)
    built: Any = method.build("contextual_cyclegan", device="cpu", crop=40)
    with pytest.raises(MethodError, match="they are 40 and 36 px, but a region holds its patch"):
        built.load(folder)


def test_without_regions_nothing_is_recorded_to_compare_them(dataset: Store, tmp_path: Path):
    name = "contextual_cyclegan"
    given = {"context": False}
    plan = make_plan(name, dataset, "paper", None, 0, given, tmp_path / "w")
    assert plan.facts()["recipe"]["perceptual"] == "none"
    with pytest.raises(MethodError, match="--set perceptual: it is 'vgg19', but with context=fal"):
        make_plan(name, dataset, "paper", None, 0, given | {"perceptual": "vgg19"}, tmp_path / "w")


@pytest.mark.parametrize(("geometry", "least"), [("code", 5), ("literal", 9)])
def test_a_generator_takes_pictures_from_a_least_side_on(geometry: str, least: int):
    network = Generator(3, 2, 1, geometry).eval()
    assert network(torch.zeros(1, 3, least, least + 1)).shape == (1, 3, least, least + 1)
    with pytest.raises((RuntimeError, ValueError), match=r"[Pp]adding|spatial"):
        network(torch.zeros(1, 3, least - 1, least - 1))
