"""Two processes on one machine train as one does; TensorBoard and bf16 beside."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from baselines.inference.sid_frames import prepare
from baselines.inference.unet import UNet
from baselines.networks import sid
from baselines.training.board import FOLDER
from baselines.training.learner import Data, Learner, Phase, adam, drawn
from baselines.training.train import train
from lldata.dataset import Crop
from lldata.errors import MethodError
from lldata.store import Store
from tests.stores import night

TINY = {
    "width": 2, "levels": 2, "crop": 8, "batch": 4, "averaging": 0.5,
    "checkpoint_every": 3, "validate_every": 4, "log_every": 1,
}  # fmt: skip
RUN = {"steps": 6, "seed": 7, "device": "cpu", "options": TINY}

PROGRAM = """
import sys, torch
from pathlib import Path
from lldata.store import open_store
from tests.unit.test_distributed import train_both
torch.set_num_threads(1)
train_both(open_store(Path(sys.argv[1])), Path(sys.argv[2]))
"""
ROOT = Path(__file__).parents[2]


class Make(nn.Module):
    """A generator's phase: near the reference, and liked by the judge it looks through."""

    def __init__(self, network: nn.Module, judge: nn.Module) -> None:
        super().__init__()
        self.network, self.judge = network, (judge,)

    def forward(self, batch: Crop) -> dict[str, torch.Tensor]:
        self.judge[0].requires_grad_(False)
        self.made = self.network(prepare(batch.packed, batch.ratio))
        fooled = (self.judge[0](self.made) - 1).square().mean()
        return {"loss": (self.made - batch.reference).abs().mean() + 0.1 * fooled}


class Tell(nn.Module):
    """The judge's own phase."""

    def __init__(self, judge: nn.Module, make: Make) -> None:
        super().__init__()
        self.judge, self.make = judge, (make,)

    def forward(self, batch: Crop) -> dict[str, torch.Tensor]:
        self.judge.requires_grad_(True)
        real, fake = self.judge(batch.reference), self.judge(self.make[0].made.detach())
        return {"loss": (real - 1).square().mean() + fake.square().mean()}


def two_phases(recipe: sid.SidRecipe, data: Data, seed: int) -> Learner:
    network = drawn(lambda: UNet(data.planes, recipe.width, recipe.levels), seed)
    judge = drawn(lambda: nn.Conv2d(3, 1, 3, stride=2), seed)
    make = Make(network, judge)
    phases = {"make": make, "tell": Tell(judge, make)}
    return Learner(network, {name: Phase(m, adam(m, recipe)) for name, m in phases.items()})


def train_both(dataset: Store, out: Path) -> None:
    """Train SID, then the same network in two phases; print the steps that are told."""
    usual = sid.learner
    try:
        for name, learner in (("one-phase", usual), ("two-phases", two_phases)):
            sid.learner = learner
            train("sid", dataset, **RUN, out=out / name,
                  progress=lambda step, *_: sys.stdout.write(f"{step}\n") and None)  # fmt: skip
    finally:
        sid.learner = usual


@pytest.fixture
def dataset(tmp_path: Path) -> Store:
    return night(tmp_path / "night", "train train train val")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def torchrun(processes: int, program: Path, *arguments: Path) -> str:
    """Run a program in so many processes; return what they printed."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes),
        "--master-addr", "localhost", "--master-port", str(port), str(program),
        *map(str, arguments),
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_two_processes_train_as_one_does(dataset: Store, tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    told = torchrun(2, program, dataset.path, tmp_path / "two")
    assert told.split() == 2 * list("123456")  # by the first process only
    train_both(dataset, tmp_path / "one")
    for name, phases in (("one-phase", 1), ("two-phases", 2)):
        folders = [tmp_path / processes / name for processes in ("one", "two")]
        one, two = (load_file(folder / "model.safetensors") for folder in folders)
        assert all(torch.allclose(one[key], two[key], rtol=0, atol=1e-5) for key in one)
        curves = [[float(value) for row in rows(folder) for column, value in row.items()
                   if "loss" in column] for folder in folders]  # fmt: skip
        assert len(curves[0]) == 6 * phases
        np.testing.assert_allclose(*curves, rtol=1e-4)
        config = json.loads((folders[1] / "config.json").read_text())
        assert config["processes"] == 2


def written(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the scalars of a training as TensorBoard shows them, and the steps of its pictures."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / FOLDER))
    events.Reload()
    found = {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }
    return found | {"sample": [(e.step, e.width) for e in events.Images("sample")]}


def test_tensorboard_shows_the_rows_of_the_log_and_the_pictures(dataset: Store):
    folder = train("sid", dataset, **RUN, score=lambda *_: {"psnr": 20.0})
    shown = written(folder)
    steps = [step for step, _ in shown["loss"]]
    assert steps == [1, 2, 3, 4, 5, 6]
    losses = [float(row["loss"]) for row in rows(folder)]
    np.testing.assert_allclose([value for _, value in shown["loss"]], losses, rtol=1e-6)
    assert shown["val_psnr"] == [(4, 20.0), (6, 20.0)]
    assert shown["sample"] == [(4, 3 * 16), (6, 3 * 16)]
    assert set(shown) == {"loss", "epoch", "learning_rate", "seconds", "val_psnr", "sample"}


def test_a_resumed_run_goes_on_in_tensorboard_without_a_step_twice(dataset: Store, tmp_path: Path):
    def stop(step: int, steps: int, loss: float) -> None:
        if step == 5:
            raise KeyboardInterrupt

    for again in (False, True):
        try:
            train("sid", dataset, **RUN, out=tmp_path / "w", resume=again,
                  progress=None if again else stop)  # fmt: skip
        except KeyboardInterrupt:
            continue
    shown = written(tmp_path / "w")  # steps 4 and 5 were done twice, from the checkpoint of 3
    assert [step for step, _ in shown["loss"]] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _ in shown["sample"]] == [4, 6]


def test_bf16_trains_what_fp32_does_to_its_precision(dataset: Store, tmp_path: Path):
    losses = []
    for precision in ("32-true", "bf16-mixed"):
        options = {**TINY, "precision": precision}
        folder = train("sid", dataset, **{**RUN, "options": options}, out=tmp_path / precision)
        tensors = load_file(folder / "model.safetensors")
        assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
        losses.append([float(row["loss"]) for row in rows(folder)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)
    assert losses[0] != losses[1]


def test_a_compiled_training_without_a_compiler_says_so(
    dataset: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CXX", "no-such-compiler")
    options = {**TINY, "compiled": True}
    with pytest.raises(MethodError, match=r"--set compiled: .*no-such-compiler"):
        train("sid", dataset, **{**RUN, "options": options}, out=tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_a_compiled_training_gives_what_an_eager_one_does(dataset: Store, tmp_path: Path):
    curves = []
    for compiled in (False, True):
        options = {**TINY, "compiled": compiled}
        folder = train("sid", dataset, **{**RUN, "options": options}, out=tmp_path / str(compiled))
        curves.append([float(row["loss"]) for row in rows(folder)])
    np.testing.assert_allclose(*curves, rtol=1e-4)


def test_a_batch_that_processes_cannot_share_is_refused(
    dataset: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in (("LOCAL_WORLD_SIZE", "3"), ("WORLD_SIZE", "3"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        "baselines.training.fabric.TorchElasticEnvironment.detect", staticmethod(lambda: True)
    )
    with pytest.raises(MethodError, match="4 crops cannot be shared by 3 processes"):
        train("sid", dataset, **RUN, out=tmp_path / "w")
