"""LLNet: the sizes and recipe of the paper, and a small one that learns on a small dataset."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines import method
from baselines.networks import llnet
from baselines.training.train import train
from lldata import store
from lldata.errors import MethodError
from lldata.sample import Sample
from lldata.synthesis import retinex
from lldata.synthesis.retinex import Drawn
from tests.pictures import darkened, picture

TINY = {
    "outer": 16, "middle": 12, "inner": 8, "crop": 34, "batch": 2, "pretrain_steps": 2,
    "validate_every": 4, "checkpoint_every": 3, "log_every": 2,
}  # fmt: skip
TINY_RUN = {"steps": 10, "seed": 7, "device": "cpu", "options": TINY}


@pytest.fixture
def dusk(tmp_path: Path) -> store.Store:
    """Return four photographs darkened by the formula, with noise."""
    return darkened(tmp_path)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("preset", "parameters"), [("paper", 17_918_467), ("paper_gray", 11_404_689)]
)
def test_the_networks_of_the_paper_have_their_parameters(preset: str, parameters: int):
    recipe = llnet.PRESETS[preset]
    with torch.device("meta"):
        network = llnet.network(recipe.gray, recipe.outer, recipe.middle, recipe.inner)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 0.01), (89, 0.01), (90, 0.1), (289, 0.1), (290, 0.01), (389, 0.01)]
)
def test_the_papers_rate_falls_to_a_tenth_after_two_hundred_epochs_of_tuning(
    epoch: int, rate: float
):
    recipe = llnet.PRESETS["paper"]
    assert recipe.rate(epoch * 8450, recipe.steps, 169) == pytest.approx(rate)


def test_the_quick_rate_ends_at_nothing():
    recipe = llnet.PRESETS["quick"]
    rates = [recipe.rate(step, 2000, 4) for step in (0, 600, 1300, 1999)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 0], abs=1e-5)


def test_pictures_are_cut_into_patches_side_by_side():
    pictures = torch.arange(2 * 3 * 40 * 36, dtype=torch.float32).view(2, 3, 40, 36)
    colour, gray = (llnet.patches(pictures, gray) for gray in (False, True))
    assert (colour.shape, gray.shape) == ((8, 867), (24, 289))
    assert torch.equal(colour[1].view(3, 17, 17), pictures[0, :, :17, 17:34])
    assert torch.equal(gray[9].view(17, 17), pictures[0, 2, :17, 17:34])


@pytest.mark.parametrize("gray", [False, True])
def test_it_learns_to_be_nearer_to_a_picture_it_has_not_seen(dusk: store.Store, gray: bool):
    options = {
        "gray": gray, "redraw": True, "outer": 48, "middle": 40, "inner": 32, "crop": 51,
        "batch": 4, "pretrain_steps": 20, "learning_rate": 3e-3, "pretrain_rate": 3e-3,
    }  # fmt: skip
    folder = train("llnet", dusk, steps=220, device="cpu", options=options)
    network = method.build("llnet", device="cpu")
    network.load(folder)  # type: ignore[attr-defined]
    normal = picture(99).transpose(2, 0, 1).astype(np.float32) / 255
    drawn = Drawn("retinex", 1.0, 1.0, 0.03)
    low = retinex.darken(normal, drawn, np.random.default_rng(0))
    result = network(Sample("1/1", math.nan, srgb=low))
    gain = 10 * np.log10(np.square(low - normal).mean() / np.square(result - normal).mean())
    assert gain > 3  # dB


def test_an_interrupted_run_resumes_to_the_bits_of_one_that_was_not(
    dusk: store.Store, tmp_path: Path
):
    def dying(step: int, steps: int, loss: float) -> None:
        if step >= 8:  # kept after 6, with all layers pretrained, and interrupted in the tuning
            raise KeyboardInterrupt

    whole = train("llnet", dusk, **TINY_RUN, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train("llnet", dusk, **TINY_RUN, out=tmp_path / "broken", progress=dying)
    resumed = train("llnet", dusk, **TINY_RUN, out=tmp_path / "broken", resume=True)
    assert digest(resumed) == digest(whole)


def test_the_weights_decide_the_size_of_the_network(dusk: store.Store):
    folder = train("llnet", dusk, **{**TINY_RUN, "options": {**TINY, "gray": True}})
    network = method.build("llnet", device="cpu")
    network.load(folder)  # type: ignore[attr-defined]
    assert network.parameters == sum(  # type: ignore[attr-defined]
        i * o + o for i, o in [(289, 16), (16, 12), (12, 8), (8, 12), (12, 16), (16, 289)]
    )
    with pytest.raises(MethodError, match="these weights are of a network with gray True"):
        method.build("llnet", device="cpu", gray=False).load(folder)  # type: ignore[attr-defined]


def test_a_constant_network_paints_every_size_in_its_colour():
    network = method.build("llnet", outer=2, middle=2, inner=2, device="cpu", precision="fp32")
    with torch.no_grad():
        network.network.decoder[-1].weight.zero_()  # type: ignore[attr-defined]
        network.network.decoder[-1].bias.fill_(math.log(3))  # type: ignore[attr-defined]
    given = np.random.default_rng(0).random((3, 23, 40), np.float32)
    np.testing.assert_allclose(network(Sample("1/1", math.nan, srgb=given)), 0.75, rtol=1e-5)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("stride", 18, "from 1 to 17"), ("outer", 0, "from 1"), ("gray", "no", "true or false")],
)
def test_an_option_it_cannot_have_is_refused(option: str, value: object, said: str):
    with pytest.raises(MethodError, match=said):
        method.build("llnet", **{option: value})


def test_a_recipe_whose_crops_hold_no_patch_is_refused():
    with pytest.raises(MethodError, match="of at least 17"):
        llnet.PRESETS["quick"].changed({"crop": 16})


def test_a_run_that_would_end_in_the_pretraining_is_refused(dusk: store.Store):
    with pytest.raises(MethodError, match="--steps 6: the first 6 train each layer by itself"):
        train("llnet", dusk, **{**TINY_RUN, "steps": 6})  # type: ignore[arg-type]
