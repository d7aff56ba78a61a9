"""Two processes on one machine train as one does; TensorBoard and bf16 beside."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from baselines import method
from baselines.inference.architectures.unet import UNet
from baselines.inference.frames.sid_frames import prepare
from baselines.networks import sid
from baselines.training.board import FOLDER
from baselines.training.learner import Data, Learner, Phase, adam, drawn
from baselines.training.plan import Plan
from baselines.training.train import train
from lldata import ingest, upkeep
from lldata.cfa import XTRANS
from lldata.dataset import Crop
from lldata.engine import Local
from lldata.errors import MethodError
from lldata.sets import pictures
from lldata.sets.job import SceneJob
from lldata.store import Store, open_store
from tests.pictures import write_pairs
from tests.stores import night
from tests.unit.test_cyclegan_training import trainable

TINY = {
    "width": 2, "levels": 2, "crop": 8, "batch": 4, "averaging": 0.5,
    "checkpoint_every": 3, "validate_every": 4, "log_every": 1,
}  # fmt: skip
RUN = {"steps": 6, "seed": 7, "device": "cpu", "options": TINY}

PROGRAM = """
import sys, torch
from pathlib import Path
from tests.unit import test_distributed
torch.set_num_threads(1)
stores, out, *rest = map(Path, sys.argv[1:])
test_distributed.train_all(stores, out, interrupted=True)
test_distributed.train_two_phases(stores, out)
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


OFTEN = {"batch": 4, "checkpoint_every": 3, "validate_every": 99, "log_every": 2}
CLIPS = {
    "width": 2, "blocks": 1, "discriminator_width": 2, "crop": 24, "pool": 5,
    "adversary": "ralsgan",
    "learning_rate": 2e-5,  # Adam turns the sign of a rounding error into a step of this size
}  # fmt: skip
SIZES: dict[str, dict[str, Any]] = {
    "llnet": {"outer": 16, "middle": 12, "inner": 8, "crop": 34, "pretrain_steps": 1,
              "sparsity_weight": 10.0, "corruption": 0.5},
    "retinex_residual": {"width": 2, "crop": 16, "redraw": False},
    "cyclegan": CLIPS,
    "contextual_cyclegan": CLIPS | {"region": 36, "perceptual": "random", "perceptual_width": 1},
}  # fmt: skip
TRAINABLE = [name for name in method.names() if method.info(name).trainable]


def train_all(stores: Path, out: Path, *, interrupted: bool) -> None:
    """Train every trainable method for six steps; interrupted ones after the fourth."""
    for name in TRAINABLE:
        kind = "xtrans" if "xtrans" in name else method.info(name).domain
        store = open_store(stores / kind)
        options = OFTEN | SIZES.get(name, {"crop": 8, "width": 2})
        run = {"steps": 6, "seed": 7, "device": "cpu", "options": options, "out": out / name}
        if interrupted:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Plan, "learning_rate", dying_at(4, Plan.learning_rate))
                with pytest.raises(KeyboardInterrupt):
                    train(name, store, **run)
        train(name, store, **run, resume=True)


def dying_at(last: int, rate: Callable[[Plan, int], float]) -> Callable[[Plan, int], float]:
    def learning_rate(plan: Plan, step: int) -> float:
        if step == last:
            raise KeyboardInterrupt
        return rate(plan, step)

    return learning_rate


def train_two_phases(stores: Path, out: Path) -> None:
    """Train SID with a judge; print the steps that are told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sid, "learner", two_phases)
        train("sid", open_store(stores / "raw"), **RUN, out=out / "two-phases",
              progress=lambda step, *_: sys.stdout.write(f"{step}\n") and None)  # fmt: skip


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store for every domain."""
    folder = tmp_path_factory.mktemp("stores")
    night(folder / "raw", "train train train val")
    night(folder / "xtrans", "train train train val", pattern=XTRANS)
    trainable(tmp_path_factory.mktemp("src"), folder / "clip", "Horse")
    src = write_pairs(folder / "lol", "a b c")
    (src / "train.txt").write_text("a\nb\nc\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLDATA_HOME", str(folder))
        (made,) = ingest.prepare(src, "rgb_pairs", "srgb", Local(workers=1))
    for scene in made.plan.scenes:
        pictures.run_scene(SceneJob(scene, made.plan.protocol, made.path, ""))
    upkeep.build_index(made.path, "2026-01-01T00:00:00+00:00")
    return folder


@pytest.fixture(scope="module")
def both(stores: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the trainings of one process and of two, which were interrupted."""
    out = tmp_path_factory.mktemp("both")
    (out / "program.py").write_text(PROGRAM)
    told = torchrun(2, out / "program.py", stores, out / "two")
    assert told.split() == list("123456")  # by the first process only
    train_all(stores, out / "one", interrupted=False)
    train_two_phases(stores, out / "one")
    return out


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


@pytest.mark.parametrize("name", [*TRAINABLE, "two-phases"])
def test_two_processes_train_as_one_does(both: Path, name: str):
    logs = [rows(both / processes / name) for processes in ("one", "two")]
    curves = [
        [float(value or 0) for row in log for column, value in row.items() if "loss" in column]
        for log in logs
    ]
    assert len(logs[0]) == (6 if name == "two-phases" else 3)
    np.testing.assert_allclose(*curves, rtol=1e-4)
    config = json.loads((both / "two" / name / "config.json").read_text())
    assert config["processes"] == 2


@pytest.mark.parametrize("name", ["sid", "llnet", "two-phases"])
def test_two_processes_leave_the_weights_that_one_does(both: Path, name: str):
    one, two = (load_file(both / n / name / "model.safetensors") for n in ("one", "two"))
    assert all(torch.allclose(one[key], two[key], rtol=0, atol=1e-5) for key in one)


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
    assert shown["sample"] == [(4, 3 * 48), (6, 3 * 48)]
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
