from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from baselines import method
from baselines.training.train import train
from eval import profile as profiling
from eval.flops import Tally, flops_of
from eval.machine import peak_memory_bytes
from eval.profile import Profile, measure, profile
from eval.random_light import sample_for
from eval.run import run
from eval.running.settings import Settings
from lldata.errors import LowLightError
from tests.stores import night

# operations in G at (packed) height and width, computed with torch.utils.flop_counter apart from
# this project: the page of facts that the methods were written from
KNOWN = [
    ("sid", {}, 1120.2, (1424, 2128), 2),
    ("sid", {"planes": 9}, 1010.2, (1344, 2010), 3),
    ("sid_minus1", {}, 856.4, (1424, 2128), 2),
    ("sid_minus2", {}, 592.7, (1424, 2128), 2),
    ("sid_plus1", {}, 1385.7, (1424, 2128), 2),
    ("residual16", {}, 8322, (1424, 2128), 2),
    ("residual32", {}, 15472, (1424, 2128), 2),
    ("residual32_nose", {}, 15472, (1424, 2128), 2),
    ("residual32_xtrans_transposed", {}, 13257, (1344, 2010), 3),
    ("residual32_xtrans_nearest", {}, 14851, (1344, 2010), 3),
    ("retinex_residual", {}, 451.6, (400, 600), 1),
]


@pytest.mark.parametrize(("name", "options", "giga", "size", "scale"), KNOWN)
def test_operations_are_the_published_ones(
    name: str, options: dict, giga: float, size: tuple[int, int], scale: int
):
    built = method.build(name, device="cpu", **options)
    given = sample_for(built, (6, 6))
    planes = None if given.packed is None else len(given.packed)
    if planes is not None:  # only the shape of a RAW frame counts
        object.__setattr__(given, "packed", np.broadcast_to(np.float32(0), (planes, *size)))
    else:
        given = sample_for(built, size)
    assert flops_of(built, given) == pytest.approx(giga * 1e9, rel=1e-4)


def test_operations_of_patches_count_every_patch():
    # the generator of CycleGAN takes 99.1 G for 256x256 px
    built = method.build("cyclegan", device="cpu", crop=256, smoothing=False)
    assert flops_of(built, sample_for(built, (256, 256))) == pytest.approx(99.1e9, rel=1e-3)
    assert flops_of(built, sample_for(built, (256, 384))) == pytest.approx(2 * 99.1e9, rel=1e-3)


def test_two_operations_are_counted_for_each_weight_at_each_place():
    layer = nn.Conv2d(3, 5, 3, bias=False)
    for computing in (False, True):
        with torch.no_grad(), Tally(computing=computing) as tally:
            layer(torch.zeros(1, 3, 8, 8))
        assert tally.flops == 2 * 3 * 5 * 9 * 6 * 6


def test_backward_passes_count_twice_where_the_input_learns_too():
    layer, value = nn.Linear(4, 6, bias=False), torch.ones(7, 4, requires_grad=True)
    with Tally(computing=True) as tally:
        layer(value).sum().backward()
    assert tally.flops == 3 * 2 * 7 * 4 * 6
    assert layer.weight.grad is not None


def test_a_profile_of_a_network_is_of_a_process_of_its_own():
    ballast = np.ones(1 << 27)  # 1 GiB of this process
    options = {"width": 2, "levels": 2}
    found = profile("sid", (64, 96), device="cpu", options=options)
    built = method.build("sid", device="cpu", **options)
    assert found.parameters == built.parameters
    assert found.flops == flops_of(built, sample_for(built, (64, 96)))
    assert 0 < found.seconds < 5
    assert 50e6 < found.peak_memory_bytes < ballast.nbytes
    assert found.device == "cpu"


def test_a_classical_method_has_neither_parameters_nor_operations():
    found = measure("gamma", (40, 60), "cpu", {})
    assert (found.parameters, found.flops, found.device) == (None, None, "cpu")
    assert set(vars(found)) == {"parameters", "flops", "seconds", "peak_memory_bytes", "device"}


def test_a_method_that_is_fitted_to_its_picture_is_counted_while_it_is():
    options = {"width": 4, "scales": 1, "iterations": 2}
    twice = measure("deep_image_prior", (32, 32), "cpu", options).flops
    four = measure("deep_image_prior", (32, 32), "cpu", options | {"iterations": 4}).flops
    assert twice is not None
    assert four is not None
    assert four == pytest.approx(2 * twice, rel=0.2)


@pytest.mark.parametrize("name", [n for n in method.names() if method.info(n).oracle])
def test_oracles_are_given_what_they_look_at(name: str):
    assert isinstance(measure(name, (32, 32), "cpu", {}), Profile)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "128"], "--size 128: this is no size, but HEIGHTxWIDTH is needed"),
        (["--size", "4x64"], "--size 4x64: such a frame is not profiled, but each side has"),
        (["--model", "lime2"], "--model lime2: no such method"),
        (["--set", "depth=2"], "--set depth: gamma has no such option"),
    ],
)
def test_the_command_says_what_cannot_be(capsys, monkeypatch, arguments: list[str], message: str):
    code, out, err = command(capsys, monkeypatch, ["--model", "gamma", "--json", *arguments])
    assert (code, out) == (2, "")
    assert message in err


def command(capsys, monkeypatch, arguments: list[str]) -> tuple[int, str, str]:
    from eval.cli import app

    monkeypatch.setattr("sys.argv", ["lleval", "profile", *arguments])
    with pytest.raises(SystemExit) as ended:
        app()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_command_prints_the_five_values_and_says_the_size(capsys, monkeypatch):
    code, out, err = command(capsys, monkeypatch, ["--model", "gamma", "--size", "40x60", "--json"])
    found = json.loads(out)
    assert code == 0
    assert list(found) == ["parameters", "flops", "seconds", "peak_memory_bytes", "device"]
    assert "gamma: one frame of 40x60" in err


def test_a_record_says_the_operations_of_a_frame_of_its_dataset(tmp_path: Path):
    dataset = night(tmp_path / "night", "train test")
    options = {"width": 2, "levels": 2, "crop": 8}
    weights = train("sid", dataset, steps=1, device="cpu", options=options)
    record = run(Settings("sid", dataset.path, weights=weights, device="cpu")).record
    built = method.build("sid", device="cpu", width=2, levels=2)
    assert record.flops == flops_of(built, sample_for(built, (48, 64)))
    assert record.timing["flops_size"] == "48x64"
    assert run(Settings("gamma", dataset.path)).record.flops is None


def test_perceptual_is_for_methods_whose_losses_look_through_a_network(tmp_path: Path):
    from eval.training import train_method

    dataset = night(tmp_path / "night", "train test")
    with pytest.raises(LowLightError, match=r"--perceptual: the losses of sid .*contextual_cycle"):
        train_method("sid", dataset.path, perceptual="random")


def test_memory_is_told_where_the_system_names_no_high_water_mark(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "VmRSS:\t5 kB\n")
    assert profiling._peak_memory("cpu") == pytest.approx(peak_memory_bytes(), rel=0.1)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "VmPeak:\t9 kB\nVmHWM:\t7 kB\n")
    assert profiling._peak_memory("cpu") == 7 * 1024
