from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines import method
from baselines.inference.architectures.residual import Layout, ResidualNet
from baselines.inference.frames import residual_frames
from baselines.inference.frames.sid_frames import prepare
from baselines.inference.tiles.strips import by_strips
from baselines.networks import residual16
from baselines.training import weights
from baselines.training.learner import Data
from baselines.training.train import train
from lldata import cfa
from lldata.errors import MethodError
from lldata.sample import Sample, sample_of_frame
from lldata.store import home
from tests.captures import SONY, frame, light
from tests.stores import night

BAYER = ("residual16", "residual32", "residual32_nose")
XTRANS = ("residual32_xtrans_transposed", "residual32_xtrans_nearest")
PUBLISHED = {
    "residual16": 1_379_715, "residual32": 2_570_691, "residual32_nose": 2_552_131,
    "residual32_xtrans_transposed": 2_462_787, "residual32_xtrans_nearest": 2_462_787,
}  # fmt: skip
SMALL = {"width": 4, "device": "cpu", "precision": "fp32"}


def network(name: str, **size: float) -> ResidualNet:
    """Return an untrained network, its gates driven away from their middle."""
    torch.manual_seed(0)
    net = ResidualNet(method.module(name).LAYOUT, **{"width": 4, **size}).eval()
    for part, value in net.named_parameters():
        if "gate" in part:
            torch.nn.init.normal_(value)
    return net


def packed(planes: int, height: int = 37, width: int = 51) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(0).random((planes, height, width), np.float32) / 100
    )


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_the_networks_have_the_published_numbers_of_parameters(name: str, parameters: int):
    with torch.device("meta"):
        net = ResidualNet(method.module(name).LAYOUT)
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert method.info(name).parameters == parameters


def test_without_squeeze_and_excitation_there_is_nothing_of_it():
    assert not [part for part in network("residual32_nose").state_dict() if "gate" in part]
    gates = [part for part in network("residual32").state_dict() if "gate" in part]
    assert len(gates) == 32 * 4


@pytest.mark.parametrize(("name", "planes", "scale"), [(n, 4, 2) for n in BAYER]
                         + [(n, 9, 3) for n in XTRANS])  # fmt: skip
@pytest.mark.parametrize("shape", [(1, 1), (17, 23)])
def test_the_picture_is_two_or_three_times_the_packed_size(
    name: str, planes: int, scale: int, shape: tuple[int, int]
):
    picture = network(name)(torch.zeros(2, planes, *shape))
    assert picture.shape == (2, 3, scale * shape[0], scale * shape[1])


def test_branches_scaled_by_zero_leave_head_and_end():
    net = network("residual16", res_scale=0)
    given = packed(4)[None]
    head = net.head(given)
    expected = net.last(net.upsample(net.end(head) + head))
    torch.testing.assert_close(net(given), expected)


def test_a_block_adds_its_branch_weighted_by_the_gate_of_its_means():
    block = network("residual16").blocks[0]
    x = torch.rand(1, 4, 9, 9)
    inner = torch.nn.functional.leaky_relu(block.first(x), 0.2)
    branch = block.second(inner)
    hidden = torch.relu(block.gate.squeeze(branch.mean(dim=(2, 3))))
    factors = torch.sigmoid(block.gate.excite(hidden))
    torch.testing.assert_close(block(x), x + branch * factors[..., None, None])


def test_gates_have_four_hidden_features_as_published_and_never_fewer():
    found = [ResidualNet(Layout(4, 1), width).blocks[0].gate.squeeze.out_features
             for width in (8, 64, 128)]  # fmt: skip
    assert found == [4, 4, 8]


@pytest.mark.parametrize("name", XTRANS)
def test_the_end_looks_no_further_than_strips_are_told(name: str):
    net = network(name)
    given = torch.zeros(1, 9, 21, 21)
    given[0, 0, 10, 10] = torch.nan  # reaches every output that looks at it
    marked = torch.where(given[:, :1].isnan(), torch.nan, 0).expand(-1, 4, -1, -1)
    seen = net._finish(marked, net.head(given)).isnan().any(dim=1)[0].nonzero()
    assert 2 <= (seen.double() / 3 - 10).abs().max() < net.pieces().tail_reach + 1


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("rows", [1, 16])
def test_strips_give_what_the_whole_frame_gives(name: str, rows: int):
    net = network(name)
    given = prepare(packed(net.planes)[None], torch.tensor([100.0]))
    with torch.no_grad():
        whole = net(given)[0]
        found = by_strips(net.pieces(), given[0], rows=rows)
    assert whole.std() > 1e-3
    assert (found - whole).abs().max() <= 1e-5 * whole.abs().max()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_method_gives_large_frames_what_it_gives_them_at_once(
    precision: Any, monkeypatch: pytest.MonkeyPatch
):
    built = residual16.build(device="cpu", precision=precision, width=8)
    given = Sample("1/1", 100.0, packed=packed(4).numpy())
    at_once = built(given)
    monkeypatch.setattr(residual_frames, "_AT_ONCE", 100)
    monkeypatch.setattr(residual_frames, "_STRIP", 4 * 51 * 7)
    np.testing.assert_allclose(built(given), at_once, atol={"fp32": 1e-6, "bf16": 2e-3}[precision])


def test_bf16_changes_the_picture_by_less_than_the_last_digits():
    given = Sample("1/1", 100.0, packed=packed(4).numpy())
    full, half = (residual16.build(**{**SMALL, "precision": p}) for p in ("fp32", "bf16"))
    assert 0 < np.abs(full(given) - half(given)).max() < 0.01


@pytest.mark.parametrize(("name", "pattern"), [("residual16", "GBRG"), *((n, cfa.XTRANS[6:]
                         + cfa.XTRANS[:6]) for n in XTRANS)])  # fmt: skip
def test_a_frame_of_odd_size_and_any_phase_gives_a_picture_of_its_own_size(name: str, pattern: str):
    shot = replace(frame(light(1, (61, 83)), 0.1), cfa=pattern)
    picture = method.build(name, **SMALL)(sample_of_frame(shot, "1/1", 100.0))
    assert (picture.shape, picture.dtype) == ((3, 61, 83), np.float32)


@pytest.mark.parametrize(("name", "pattern", "message"), [
    ("residual32_xtrans_nearest", "RGGB",
     r"4 planes \(Bayer\), but residual32_xtrans_nearest reads 9 .X-Trans.\. Choose another"),
    ("residual32", cfa.XTRANS, r"pack into 9 planes \(X-Trans\), but residual32 reads 4 \(Bayer\)"),
])  # fmt: skip
def test_a_frame_of_another_cfa_is_refused_with_both_numbers(name: str, pattern: str, message: str):
    given = sample_of_frame(replace(frame(light(1, (36, 36)), 0.1), cfa=pattern), "1/1", 100.0)
    with pytest.raises(MethodError, match=message):
        method.build(name, **SMALL)(given)
    data = Data("raw", 4 if pattern == "RGGB" else 9, 1)
    module = method.module(name)
    with pytest.raises(MethodError, match=message):
        module.learner(module.PRESETS["quick"], data, 0)


def test_a_picture_without_a_raw_frame_is_refused():
    with pytest.raises(MethodError, match="residual16 needs a RAW frame"):
        residual16.build(**SMALL)(Sample("1/1", 1.0, srgb=np.zeros((3, 8, 8), np.float32)))


def test_weights_say_width_and_scale_of_their_network(tmp_path: Path):
    weights.write(tmp_path / "w.safetensors", network("residual16", res_scale=0.1).state_dict())
    built = residual16.build(device="cpu")
    built.load(tmp_path / "w.safetensors")
    assert (built.network.width, built.network.res_scale.item()) == (4, pytest.approx(0.1))
    residual16.build(device="cpu", width=4, res_scale=0.1).load(tmp_path / "w.safetensors")
    with pytest.raises(MethodError, match=r"--set res_scale: it is 1.*with res_scale 0\.1"):
        residual16.build(device="cpu", res_scale=1).load(tmp_path / "w.safetensors")
    with pytest.raises(MethodError, match=r"--set width: it is 8, but .* with width 4"):
        residual16.build(device="cpu", width=8).load(tmp_path / "w.safetensors")


@pytest.mark.parametrize("other", [n for n in PUBLISHED if n != "residual32"])
def test_weights_of_another_layout_are_refused(tmp_path: Path, other: str):
    weights.write(tmp_path / "w.safetensors", network(other).state_dict())
    method.build(other, device="cpu").load(tmp_path / "w.safetensors")
    with pytest.raises(MethodError, match="the tensors are not those of Residual network, 32"):
        method.build("residual32", device="cpu").load(tmp_path / "w.safetensors")


@pytest.mark.parametrize(("options", "message"), [
    ({"width": 0}, "--set width: it is 0, but it is a number from 1 to 512"),
    ({"width": 1000}, "--set width: it is 1000, but it is a number from 1 to 512"),
    ({"res_scale": -1}, "--set res_scale: it is -1, but it is a number from 0 to 10"),
])  # fmt: skip
def test_a_size_that_cannot_be_says_what_can(options: dict[str, Any], message: str):
    with pytest.raises(MethodError, match=message):
        residual16.build(**{"device": "cpu", **options})
    with pytest.raises(MethodError, match=message):
        replace(residual16.PRESETS["quick"], **options)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_paper_divides_the_rate_by_ten_each_two_thousand_epochs(name: str):
    recipe = method.module(name).PRESETS["paper"]
    assert (recipe.epochs, recipe.batch, recipe.crop, recipe.width) == (6000, 1, 256, 64)
    rates = [recipe.rate(161 * epoch, 161 * 6000, 161) for epoch in (0, 1999, 2000, 4000, 5999)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6, 1e-6])


def test_the_released_code_trains_for_4001_epochs_with_one_drop():
    recipe = residual16.PRESETS["code"]
    assert (recipe.epochs, recipe.crop) == (4001, 256)
    rates = [recipe.rate(epoch, 4001, 1) for epoch in (0, 2000, 2001, 4000)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5])


@pytest.mark.parametrize("name", ["residual32", "residual32_xtrans_nearest"])
def test_two_steps_of_training_leave_weights_that_run(name: str):
    pattern = "RGGB" if name == "residual32" else cfa.XTRANS
    store = night(home() / "night", "train test", shape=(72, 72), pattern=pattern)
    options = {"width": 2, "crop": 8, "batch": 1}
    folder = train(name, store, steps=2, device="cpu", options=options)
    built = method.build(name, device="cpu")
    assert built.load(folder)["recipe"]["width"] == 2  # type: ignore[attr-defined]
    given = sample_of_frame(replace(SONY, mosaic=np.full((36, 36), 600, np.uint16), cfa=pattern),
                            "1/1", 100.0)  # fmt: skip
    assert built(given).shape == (3, 36, 36)
