"""Retinex residual networks: the sizes and recipe of the paper, and alpha as a strength."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from baselines import method
from baselines.inference.architectures.retinex_net import RetinexNet, size_of
from baselines.networks import retinex_residual
from baselines.networks.retinex_residual import PRESETS, Restoration, difference_map
from baselines.training import weights
from baselines.training.learner import Data, drawn
from baselines.training.train import train
from eval.running.plan import make_plan
from eval.running.settings import Settings
from eval.training import train_method
from lldata import ingest, upkeep
from lldata.dataset import PictureCrop
from lldata.engine import Local
from lldata.errors import MethodError
from lldata.sample import Sample
from lldata.sets import pictures
from lldata.sets.job import SceneJob
from lldata.store import Store, open_store
from lldata.synthesis import retinex
from lldata.synthesis.retinex import Drawn
from tests.pictures import darkened, picture, write_pairs

TINY = {
    "width": 2, "crop": 16, "batch": 2, "validate_every": 4, "checkpoint_every": 3,
    "log_every": 2,
}  # fmt: skip
BY_FORMULA = Data("srgb", 3, 1, "retinex")


@pytest.fixture
def dusk(tmp_path: Path) -> Store:
    """Return four photographs darkened by the formula, with noise."""
    return darkened(tmp_path)


@pytest.fixture
def captured(tmp_path: Path) -> Store:
    """Return two pairs of dark and normally lit captures."""
    src = write_pairs(tmp_path / "lol", "a b")
    (src / "train.txt").write_text("a\nb\n")
    (made,) = ingest.prepare(src, "rgb_pairs", "captured", Local(workers=1))
    for scene in made.plan.scenes:
        pictures.run_scene(SceneJob(scene, made.plan.protocol, made.path, ""))
    upkeep.build_index(made.path, "2026-01-01T00:00:00+00:00")
    return open_store(made.path)


def made(**options: Any) -> Any:
    return method.build("retinex_residual", device="cpu", precision="fp32", **options)


def with_constant_map(run: Any, value: float) -> Any:
    """Give a method an Estimate-Net that says `value` everywhere, and an idle Enhance-Net."""
    with torch.no_grad():
        for net, bias in ((run.network.estimate, value), (run.network.enhance, 0.0)):
            net.tail.weight.zero_()
            net.tail.bias.fill_(bias)
    return run


def dark_sample(drawn: Drawn, seed: int = 99) -> tuple[Sample, np.ndarray]:
    normal = picture(seed).transpose(2, 0, 1).astype(np.float32) / 255
    low = np.asarray(retinex.darken(normal, drawn, np.random.default_rng(0)), np.float32)
    return Sample("1/1", math.nan, srgb=low, drawn=drawn), normal


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_networks_of_the_paper_have_their_parameters():
    with torch.device("meta"):
        network, narrow = RetinexNet(64, 3, 2), RetinexNet(32, 3, 2)
    assert parameters(network.estimate) == 558_083
    assert parameters(network.enhance) == 385_539
    assert parameters(narrow) == 238_342


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 1e-3), (49_999, 1e-3), (50_000, 1e-4), (199_999, 1e-6)]
)
def test_the_rate_of_the_paper_falls_to_a_tenth_every_fifty_thousand_steps(step: int, rate: float):
    assert PRESETS["paper"].rate(step, 200_000, 1000) == pytest.approx(rate)


def test_a_pixel_is_seen_as_far_as_the_reach_says_and_no_farther():
    network: RetinexNet = drawn(lambda: RetinexNet(4, 3, 2), seed=0).double().eval()
    assert network.reach == 26
    random = torch.Generator().manual_seed(0)
    dark = torch.rand(1, 3, 61, 61, generator=random).double().requires_grad_()
    network(dark, torch.ones(1))[0][0, :, 30, 30].sum().backward()
    assert dark.grad is not None
    rows, columns = dark.grad[0].abs().sum(0).nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 56, 4, 56)


def test_a_picture_larger_than_a_tile_is_restored_as_a_whole_one(monkeypatch: pytest.MonkeyPatch):
    given = Sample("1/1", math.nan, srgb=np.random.default_rng(0).random((3, 70, 61), np.float32))
    run = made(width=2)
    whole = run(given)
    monkeypatch.setattr(retinex_residual, "_AT_ONCE", 1)
    monkeypatch.setattr(retinex_residual, "_TILE", 20)
    np.testing.assert_allclose(run(given), whole, atol=1e-6)


@pytest.mark.parametrize(("alpha", "value"), [(0, 0.3), (0.5, 0.4), (None, 0.5), (2, 0.7), (9, 1)])
def test_alpha_weighs_the_difference_map(alpha: float | None, value: float):
    run = with_constant_map(made(width=2, alpha=alpha), 0.2)
    given = Sample("1/1", math.nan, srgb=np.full((3, 9, 7), 0.3, np.float32))
    np.testing.assert_allclose(run(given), value, rtol=1e-6)


def test_told_the_degradation_it_takes_the_alpha_drawn_for_the_picture():
    run = with_constant_map(made(width=2, degradation=True), 0.2)
    assert run.info.oracle
    dark = np.full((3, 9, 7), 0.3, np.float32)
    given = Sample("1/1", math.nan, srgb=dark, drawn=Drawn("retinex", 1.5, 1.0, 0.0))
    np.testing.assert_allclose(run(given), 0.6, rtol=1e-6)
    law = Sample("1/1", math.nan, srgb=dark, drawn=Drawn("gamma", 1.0, 3.0, 0.0))
    with pytest.raises(MethodError, match=r"retinex_residual on 1/1: the power law .* darkened it"):
        run(law)


class Listening(nn.Module):
    """A network that adds alpha times one half, and whose map is one quarter."""

    def forward(self, dark: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
        return dark + alpha.view(-1, 1, 1, 1) / 2, torch.full_like(dark, 0.25)


def batch() -> PictureCrop:
    """Return a white and a half-grey picture, of alpha 2 and 1.5, gamma 1, both darkened to 0."""
    reference = torch.tensor([1.0, 0.5]).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    drawn = torch.tensor([[2.0, 1.0, 0.0], [1.5, 1.0, 0.0]])
    return PictureCrop(torch.zeros(2, 3, 4, 4), reference, drawn)


def test_training_tells_the_network_the_alpha_of_each_crop_where_it_is_one_of_the_formula():
    told = Restoration(Listening(), 0, told=True)(batch())
    assert float(told["loss"]) == pytest.approx((0 + 0.25**2) / 2)
    untold = Restoration(Listening(), 0, told=False)(batch())  # alpha 1: both become 0.5
    assert float(untold["loss"]) == pytest.approx((0.5**2 + 0) / 2)


def test_the_error_of_the_difference_map_is_added_with_its_weight():
    losses = Restoration(Listening(), 3, told=True)(batch())  # maps 0 and 0.25, 0.25 estimated
    assert float(losses["loss_map"]) == pytest.approx(0.25**2 / 2)
    assert float(losses["loss"]) == pytest.approx(0.25**2 / 2 + 3 * 0.25**2 / 2)


def test_the_difference_map_is_the_one_of_the_generator():
    normal = np.random.default_rng(0).random((2, 3, 5, 4))
    maps = difference_map(torch.from_numpy(normal), torch.tensor([0.5, 2.0]))
    for index, gamma in enumerate((0.5, 2.0)):
        np.testing.assert_allclose(maps[index], retinex.difference_map(normal[index], gamma))


def test_weights_decay_in_kernels_alone():
    learner = retinex_residual.learner(PRESETS["quick"], BY_FORMULA, 0)
    kernels, others = learner.phases["network"].optimiser.param_groups
    assert (kernels["weight_decay"], others["weight_decay"]) == (1e-4, 0)
    assert {p.ndim for p in kernels["params"]} == {4}
    assert sum(p.numel() for g in (kernels, others) for p in g["params"]) == 60_806


def test_it_learns_to_beat_doing_nothing_a_gamma_curve_and_the_blind_inverse(dusk: Store):
    options = {"width": 8, "crop": 24, "batch": 6, "learning_rate": 1e-2}
    run = made()
    run.load(train("retinex_residual", dusk, steps=60, device="cpu", options=options))
    errors: dict[str, list[float]] = {}
    for alpha in (0.8, 1.2, 1.6):
        given, normal = dark_sample(Drawn("retinex", alpha, 1.0, 0.03))
        methods = {name: method.build(name) for name in ("identity", "gamma", "retinex_inverse")}
        for name, each in {"network": run, **methods}.items():
            errors.setdefault(name, []).append(float(np.square(each(given) - normal).mean()))
    means = {name: np.mean(values) for name, values in errors.items()}
    assert means["network"] < 0.8 * min(means[name] for name in methods)


def test_an_interrupted_run_resumes_to_the_bits_of_one_that_was_not(dusk: Store, tmp_path: Path):
    def dying(step: int, steps: int, loss: float) -> None:
        if step >= 8:
            raise KeyboardInterrupt

    def trained(out: str, **more: Any) -> str:
        options = {**TINY, "averaging": 0.9}
        folder = train("retinex_residual", dusk, steps=10, seed=7, device="cpu", options=options,
                       out=tmp_path / out, **more)  # fmt: skip
        return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()

    with pytest.raises(KeyboardInterrupt):
        trained("broken", progress=dying)
    assert trained("broken", resume=True) == trained("whole")


def test_averaged_weights_come_with_averaged_statistics_of_what_is_normalised(
    dusk: Store, tmp_path: Path
):
    kept = {}
    for averaging in (0.0, 0.9):
        options = {**TINY, "averaging": averaging}
        folder = train("retinex_residual", dusk, steps=6, device="cpu", options=options,
                       out=tmp_path / str(averaging))  # fmt: skip
        kept[averaging] = weights.read(folder, "retinex_residual")[0]
    name = "estimate.blocks.0.0.running_var"
    assert not torch.equal(kept[0.9][name], kept[0.0][name])
    assert int(kept[0.9]["estimate.blocks.0.0.num_batches_tracked"]) == 6


def test_the_weights_decide_the_size_of_the_networks(dusk: Store):
    options = {**TINY, "width": 3, "estimate_blocks": 1, "enhance_blocks": 4, "map_weight": 0.5}
    folder = train("retinex_residual", dusk, steps=2, device="cpu", options=options)
    run = made()
    run.load(folder)
    size = {"width": 3, "estimate_blocks": 1, "enhance_blocks": 4}
    assert size_of(run.network.state_dict()) == size
    assert "loss_map" in (folder / "log.csv").read_text().splitlines()[0]
    with pytest.raises(MethodError, match="these weights are of a network with enhance_blocks 4"):
        made(enhance_blocks=2).load(folder)


def test_captured_pairs_are_trained_on_as_they_are_and_that_is_said(
    captured: Store, caplog: pytest.LogCaptureFixture
):
    def trained(**options: Any) -> Path:
        return train_method("retinex_residual", captured.path, steps=2, device="cpu",
                            options={**TINY, **options})  # fmt: skip

    with pytest.raises(MethodError, match=r"captures.*--set redraw=false"):
        trained()
    folder = trained(redraw=False)
    assert "no alpha is known of these pictures: it counts as 1 for each" in caplog.text
    assert (folder / "samples" / "step-0000002.png").exists()


def test_without_weights_captured_pairs_name_a_command_that_trains_on_them(captured: Store):
    with pytest.raises(MethodError, match=r"no weights of it .* --set redraw=false,"):
        make_plan(Settings("retinex_residual", captured.path, split="train"), print)


def test_a_difference_map_nobody_knows_cannot_be_learned():
    recipe = PRESETS["quick"].changed({"map_weight": 0.5})
    for generator in (None, "gamma"):
        with pytest.raises(MethodError, match="known of pictures darkened by the Retinex formula"):
            retinex_residual.learner(recipe, Data("srgb", 3, 1, generator), 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": 11}, "from 0 to 10"),
        ({"alpha": 1, "degradation": True}, "Leave one of them out"),
        ({"degradation": "yes"}, "true or false"),
        ({"width": 0}, "of at least 1"),
        ({"estimate_blocks": 101}, "from 1 to 100"),
    ],
)
def test_an_option_it_cannot_have_is_refused(options: dict[str, Any], said: str):
    with pytest.raises(MethodError, match=said):
        made(**options)
