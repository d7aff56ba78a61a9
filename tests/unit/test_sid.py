from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines import method
from baselines.inference import device
from baselines.networks import sid
from baselines.training import weights
from baselines.training.learner import Data
from lldata import cfa
from lldata.errors import MethodError
from lldata.sample import Sample, sample_of_frame
from tests.captures import frame, light

SMALL = {"width": 4, "levels": 3, "device": "cpu", "precision": "fp32"}


def network(recipe: sid.SidRecipe, seed: int = 0) -> sid.UNet:
    return sid.learner(recipe, Data("raw", 4, 1), seed).network


def count(**options: int) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in sid.UNet(**options).parameters())


def test_the_network_has_the_published_number_of_parameters():
    assert count() == method.info("sid").parameters == 7_760_268
    assert count(planes=9) == 7_762_203


@pytest.mark.parametrize(("levels", "parameters"), [(3, 467_084), (4, 1_926_028), (6, 31_094_156)])
def test_the_depth_variants_have_the_published_numbers_of_parameters(levels: int, parameters: int):
    assert count(levels=levels) == parameters


@pytest.mark.parametrize(("planes", "scale"), [(4, 2), (9, 3)])
@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 23)])
def test_the_picture_is_two_or_three_times_the_packed_size(
    planes: int, scale: int, shape: tuple[int, int]
):
    net = sid.UNet(planes, width=2)
    picture = net(torch.zeros(2, planes, *shape))
    assert picture.shape == (2, 3, scale * shape[0], scale * shape[1])


def test_weights_are_drawn_as_the_released_code_draws_them():
    net = network(sid.PRESETS["paper"], 1)
    transposed = net.upsample[0].weight
    assert transposed.std().item() == pytest.approx(0.0176, abs=1e-3)  # N(0, 0.02) cut at 2 sigma
    assert transposed.abs().max().item() <= 0.04
    glorot = net.encoder[0].first
    assert glorot.weight.abs().max().item() <= (6 / (9 * (4 + 32))) ** 0.5
    assert not glorot.bias.any()


def test_the_draw_depends_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    recipe = replace(sid.PRESETS["quick"], width=2)
    first, again, other = (network(recipe, seed).head.weight for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_skip_comes_after_the_upsampled_planes():
    net = sid.UNet(4, width=2, levels=2)
    with torch.no_grad():
        net.decoder[0].first.weight[:, :2] = 0  # cuts off what comes from below
        given = torch.rand(1, 4, 8, 8)
        before = net(given)
        net.upsample[0].weight.zero_()
        assert torch.equal(net(given), before)


def test_input_is_amplified_at_most_three_hundred_times_and_clipped():
    packed = torch.tensor([-0.01, 0.001, 0.01]).repeat(2, 1).view(2, 3, 1, 1)
    prepared = sid.prepare(packed, torch.tensor([100.0, 1000.0]))
    torch.testing.assert_close(prepared[:, :, 0, 0], torch.tensor([[0, 0.1, 1.0], [0, 0.3, 1.0]]))


@pytest.mark.parametrize("pattern", ["RGGB", "GBRG", cfa.XTRANS])
def test_a_frame_of_odd_size_and_any_phase_gives_a_picture_of_its_own_size(pattern: str):
    shot = replace(frame(light(1, (61, 83)), 0.1), cfa=pattern)
    built = method.build("sid", planes=9 if len(pattern) == 36 else 4, **SMALL)
    picture = built(sample_of_frame(shot, "1/1", 100.0))
    assert (picture.shape, picture.dtype) == ((3, 61, 83), np.float32)
    assert 0 <= picture.min() <= picture.max() <= 1


def test_a_frame_of_another_cfa_than_the_weights_is_refused_with_both_numbers():
    shot = replace(frame(light(1, (36, 36)), 0.1), cfa=cfa.XTRANS)
    with pytest.raises(MethodError, match="packs into 9 planes, but these weights are for 4"):
        method.build("sid", **SMALL)(sample_of_frame(shot, "1/1", 100.0))


def test_a_picture_without_a_raw_frame_is_refused():
    with pytest.raises(MethodError, match="sid needs a RAW frame"):
        method.build("sid", **SMALL)(Sample("1/1", 1.0, srgb=np.zeros((3, 8, 8), np.float32)))


def test_bf16_changes_the_picture_by_less_than_the_last_digits():
    packed = np.random.default_rng(0).random((4, 40, 40), np.float32) / 100
    given = Sample("1/1", 100.0, packed=packed)
    full, half = (sid.build(**{**SMALL, "precision": p}) for p in ("fp32", "bf16"))
    difference = np.abs(full(given) - half(given))
    assert 0 < difference.max() < 0.01


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = sid.UNet(4, width=4, levels=3)
    sha256 = weights.write(tmp_path / weights.MODEL, net.state_dict())
    weights.write_config(tmp_path, {"method": "sid", "trained_on": "night", "sha256": sha256})
    return tmp_path


def given() -> Sample:
    return Sample("1/1", 50.0, packed=np.random.default_rng(0).random((4, 9, 9), np.float32))


@pytest.mark.parametrize("option", ["planes", "levels", "width"])
def test_a_size_that_is_not_the_weights_is_refused_with_both(folder: Path, option: str):
    fitting = {"planes": 4, "levels": 3, "width": 4}
    sid.build(device="cpu", **fitting).load(folder)
    other = {"planes": 9, "levels": 2, "width": 8}[option]
    expected = f"--set {option}: it is {other}, but .* with {option} {fitting[option]}"
    with pytest.raises(MethodError, match=expected):
        sid.build(device="cpu", **{option: other}).load(folder)


def test_whole_numbers_written_with_a_point_are_whole():
    built = sid.build(device="cpu", planes=4.0, levels=2.0, width=8.0)  # type: ignore[arg-type]
    assert built.parameters == count(levels=2, width=8)


def test_weights_make_their_network_whatever_was_built(folder: Path):
    loaded = sid.build(device="cpu", precision="fp32")
    config = loaded.load(folder)
    assert config["trained_on"] == "night"
    assert config["path"] == str(folder / "model.safetensors")
    again = sid.build(device="cpu", precision="fp32")
    again.load(folder / "model.safetensors")
    assert loaded.parameters == again.parameters == count(width=4, levels=3)
    np.testing.assert_array_equal(loaded(given()), again(given()))


def test_weights_alone_are_read_without_a_config(folder: Path):
    (folder / weights.CONFIG).unlink()
    config = sid.build(device="cpu").load(folder / weights.MODEL)
    assert set(config) == {"path", "sha256"}


@pytest.mark.parametrize("config", ["{", '{"method": "llnet"}', '{"method": "sid", "sha256": "0"}'])
def test_a_file_that_the_config_beside_it_does_not_name_is_read_alone(folder: Path, config: str):
    (folder / weights.MODEL).rename(folder / "other.safetensors")
    (folder / weights.CONFIG).write_text(config)
    known = sid.build(device="cpu").load(folder / "other.safetensors")
    assert set(known) == {"path", "sha256"}


def test_the_best_weights_of_a_config_that_names_none_are_read_alone(folder: Path):
    weights.write(folder / weights.BEST, sid.UNet(4, width=2, levels=2).state_dict())
    assert set(sid.build(device="cpu").load(folder / weights.BEST)) == {"path", "sha256"}


def test_a_renamed_file_that_the_config_beside_it_names_keeps_its_origin(folder: Path):
    (folder / weights.MODEL).rename(folder / "night.safetensors")
    assert sid.build(device="cpu").load(folder / "night.safetensors")["trained_on"] == "night"


def test_one_flipped_bit_in_the_weights_is_refused(folder: Path):
    content = bytearray((folder / weights.MODEL).read_bytes())
    content[-1] ^= 1
    (folder / weights.MODEL).write_bytes(content)
    with pytest.raises(MethodError, match=r"its sha256 is .*…, but config\.json says"):
        sid.build(device="cpu").load(folder)


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"\xff" * 64])
def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(MethodError, match="it is no safetensors file"):
        sid.build(device="cpu").load(tmp_path / "w.safetensors")


def test_no_weights_name_the_command_that_makes_them(tmp_path: Path):
    with pytest.raises(MethodError, match="lleval train --model sid --dataset D"):
        sid.build(device="cpu").load(tmp_path)


def test_weights_of_another_method_or_network_are_refused(folder: Path):
    config = json.loads((folder / weights.CONFIG).read_text())
    weights.write_config(folder, config | {"method": "llnet"})
    with pytest.raises(MethodError, match="these are weights of llnet, but weights of sid"):
        sid.build(device="cpu").load(folder)
    weights.write(folder / "other.safetensors", {"head.weight": torch.zeros(3)})
    (folder / weights.CONFIG).unlink()
    with pytest.raises(MethodError, match="the tensors are not those of SID U-Net"):
        sid.build(device="cpu").load(folder / "other.safetensors")


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_a_damaged_config_is_refused(folder: Path, text: str):
    (folder / weights.CONFIG).write_text(text)
    with pytest.raises(MethodError, match="it is not the config of a training"):
        sid.build(device="cpu").load(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "fp16"}, "--set precision: it is 'fp16', but it can be auto, fp32, bf16"),
        ({"planes": 5}, "--set planes: it is 5, but it can be 3, 4, 9"),
        ({"input": "RGB"}, "--set input: it is 'RGB', but it can be raw, srgb, clip"),
        ({"input": "srgb", "planes": 4}, "--set planes: it is 4, but input=srgb has another"),
        ({"input": "raw", "planes": 3}, "--set planes: it is 3, but input=raw has another"),
        ({"width": float("inf")}, "--set width: it is inf, but it is a number"),
        ({"width": True}, "--set width: it is True, but it is a number"),
        ({"device": 5}, "--set device: it is 5, but it is a name"),
        ({"levels": 2.5}, "--set levels: it is 2.5, but it is a whole number"),
        (
            {"device": "abacus"},
            "--device abacus: there is no such device, but this machine has cpu",
        ),
        ({"device": "cpu:x"}, "--device cpu:x: there is no such device"),
    ],
)
def test_an_option_that_cannot_be_says_what_can(options: dict, message: str):
    with pytest.raises(MethodError) as caught:
        sid.build(**{"device": "cpu", **options})
    assert message in str(caught.value)


def test_automatic_precision_is_one_of_the_two_and_is_kept():
    built = sid.build(device="cpu", width=2)
    assert built.precision == device.chosen("auto", torch.device("cpu"))
    assert built.precision in ("fp32", "bf16")


def test_single_precision_equals_the_plain_network_to_a_hundred_thousandth():
    packed = np.random.default_rng(0).random((4, 37, 51), np.float32) / 100
    built = sid.build(device="cpu", precision="fp32", width=8)
    net = network(replace(sid.PRESETS["paper"], width=8)).eval()
    with torch.no_grad():
        plain = net(sid.prepare(torch.from_numpy(packed)[None], torch.tensor([100.0])))[0]
    expected = plain.clamp(0, 1).numpy()
    found = built(Sample("1/1", 100.0, packed=packed))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
