from __future__ import annotations

import csv
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from baselines import method
from baselines.networks import sid
from baselines.training import example, resume, weights
from baselines.training.averaging import Average
from baselines.training.batches import Order, read
from baselines.training.learner import Learner
from baselines.training.plan import Plan, make_plan
from baselines.training.recipe import Recipe
from baselines.training.train import train
from lldata.errors import LowLightError, MethodError, StoreError
from lldata.sample import read_sample
from lldata.store import Store, home
from tests.stores import night

TINY = {
    "width": 2, "levels": 2, "crop": 8, "batch": 2,
    "checkpoint_every": 3, "validate_every": 4, "log_every": 2,
}  # fmt: skip
TINY_RUN = {"steps": 10, "seed": 7, "device": "cpu", "options": {**TINY, "averaging": 0.9}}


@pytest.fixture
def dataset(tmp_path: Path) -> Store:
    return night(tmp_path / "night", "train train train test")


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / weights.MODEL).read_bytes()).hexdigest()


def dying_at(step: int) -> Callable[[int, int, float], None]:
    def progress(now: int, steps: int, loss: float) -> None:
        if now >= step:
            raise KeyboardInterrupt

    return progress


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_a_run_leaves_weights_config_log_and_pictures(dataset: Store):
    folder = train("sid", dataset, **TINY_RUN)
    assert folder == home() / ".weights" / "sid" / "night" / "quick-seed7"
    assert sorted(p.name for p in folder.iterdir()) == [
        "config.json", "log.csv", "model.safetensors", "samples", "tensorboard",
    ]  # fmt: skip
    config = json.loads((folder / weights.CONFIG).read_text())
    assert config["sha256"] == digest(folder)
    expected = {
        "method": "sid", "preset": "quick", "trained_on": "night", "steps": 10, "seed": 7,
        "planes": 4, "options": TINY_RUN["options"], "digest": dataset.digest,
        "reference_digest": dataset.reference_digest, "synthetic": True,
        "pairs": [f"{n:05}/{n:05}_00_0.1s" for n in (1, 2, 3)],
    }  # fmt: skip
    assert {key: config[key] for key in expected} == expected
    assert config["recipe"]["width"] == 2
    assert config["parameters"] == sum(
        t.numel() for t in load_file(folder / weights.MODEL).values()
    )
    assert config["versions"]["torch"] == torch.__version__


def test_the_log_has_steps_epochs_rates_and_losses(dataset: Store):
    log = rows(train("sid", dataset, **TINY_RUN))
    assert [row["step"] for row in log] == ["2", "4", "6", "8", "10"]
    assert [row["epoch"] for row in log] == ["0", "2", "3", "4", "6"]  # 2 crops a step, 3 pairs
    rates = [3e-4 * (1 + np.cos(np.pi * step / 10)) / 2 for step in (1, 3, 5, 7, 9)]
    np.testing.assert_allclose([float(row["learning_rate"]) for row in log], rates)
    assert all(0 < float(row["loss"]) < 2 for row in log)


def test_sample_pictures_show_input_output_and_reference(dataset: Store):
    folder = train("sid", dataset, **TINY_RUN)
    names = sorted(p.name for p in (folder / "samples").iterdir())
    assert names == ["step-0000004.png", "step-0000008.png", "step-0000010.png"]
    with Image.open(folder / "samples" / names[-1]) as picture:
        assert picture.size == (3 * 48, 48)  # smaller crops would show nothing
        shown = np.asarray(picture)[:, 96:] / 255
    crop = dataset.reference("00001", "00001_00_10s")[:, 8:56] / 65535
    np.testing.assert_allclose(shown, crop, atol=0.003)


def test_training_brings_the_loss_down(dataset: Store):
    options = {**TINY, "width": 4, "learning_rate": 1e-2, "log_every": 20}
    log = rows(train("sid", dataset, steps=80, device="cpu", options=options))
    assert float(log[-1]["loss"]) < 0.6 * float(log[0]["loss"])


def test_the_trained_weights_load_into_the_method(dataset: Store):
    folder = train("sid", dataset, **TINY_RUN)
    built = method.build("sid", device="cpu")
    assert built.load(folder)["trained_on"] == "night"  # type: ignore[attr-defined]
    picture = built(read_sample(dataset, "00004/00004_00_0.1s"))
    assert picture.shape == (3, 48, 64)
    assert weights.newest("sid", "night") == folder
    assert weights.newest("sid", "day") is None


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(dataset: Store, tmp_path: Path):
    runs = [train("sid", dataset, **TINY_RUN, out=tmp_path / f"{n}") for n in (1, 2)]
    assert digest(runs[0]) == digest(runs[1])
    assert digest(train("sid", dataset, **{**TINY_RUN, "seed": 8})) != digest(runs[0])


@pytest.mark.parametrize("step", [1, 4, 5, 10])
def test_an_interrupted_run_resumes_to_the_bits_of_one_that_was_not(
    dataset: Store, tmp_path: Path, step: int
):
    whole = train("sid", dataset, **TINY_RUN, out=tmp_path / "whole")
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        train("sid", dataset, **TINY_RUN, out=broken, progress=dying_at(step))
    assert not (broken / weights.CONFIG).exists()
    train("sid", dataset, **TINY_RUN, out=broken, resume=True)
    assert digest(broken) == digest(whole)
    assert rows(broken) == rows(whole)
    assert not (broken / resume.RESUME).exists()


def test_a_run_killed_with_sigkill_resumes_to_the_bits_of_one_that_was_not(
    dataset: Store, tmp_path: Path
):
    program = f"""
import os, signal
from pathlib import Path
from baselines.training.train import train
from lldata.store import open_store
def die(step, steps, loss):
    if step >= 8:
        os.kill(os.getpid(), signal.SIGKILL)
import torch
torch.set_num_threads({torch.get_num_threads()})
train("sid", open_store(Path({str(dataset.path)!r})), **{TINY_RUN!r},
      out=Path({str(tmp_path / "killed")!r}), progress=die)
"""
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert torch.load(tmp_path / "killed" / resume.RESUME, weights_only=True)["step"] == 6
    train("sid", dataset, **TINY_RUN, out=tmp_path / "killed", resume=True)
    whole = train("sid", dataset, **TINY_RUN, out=tmp_path / "whole")
    assert digest(tmp_path / "killed") == digest(whole)


def test_resuming_what_never_began_begins_and_what_is_finished_stays(dataset: Store):
    folder = train("sid", dataset, **TINY_RUN, resume=True)
    before = digest(folder), (folder / weights.MODEL).stat().st_mtime_ns
    assert train("sid", dataset, **TINY_RUN, resume=True, progress=dying_at(0)) == folder
    assert (digest(folder), (folder / weights.MODEL).stat().st_mtime_ns) == before


def test_a_run_does_not_write_over_another(dataset: Store):
    with pytest.raises(KeyboardInterrupt):
        train("sid", dataset, **TINY_RUN, progress=dying_at(4))
    with pytest.raises(MethodError, match=r"it holds an unfinished one, but .* --resume"):
        train("sid", dataset, **TINY_RUN)
    train("sid", dataset, **TINY_RUN, resume=True)
    with pytest.raises(MethodError, match="it holds a finished training"):
        train("sid", dataset, **TINY_RUN)


def test_a_run_is_not_resumed_with_other_arguments(dataset: Store):
    with pytest.raises(KeyboardInterrupt):
        train("sid", dataset, **TINY_RUN, progress=dying_at(4))
    with pytest.raises(MethodError, match="it is of a run with another steps"):
        train("sid", dataset, **{**TINY_RUN, "steps": 12}, resume=True)


@pytest.mark.parametrize(
    ("changed", "what"),
    [({"steps": 12}, "steps"), ({"seed": 8}, "seed"), ({"options": TINY}, "options, recipe")],
)
def test_what_is_finished_is_not_taken_for_a_run_of_other_arguments(
    dataset: Store, tmp_path: Path, changed: dict, what: str
):
    train("sid", dataset, **TINY_RUN, out=tmp_path / "w")
    with pytest.raises(MethodError, match=rf"config\.json: it is of a run with another {what},"):
        train("sid", dataset, **{**TINY_RUN, **changed}, out=tmp_path / "w", resume=True)


def test_what_is_finished_is_not_taken_for_a_run_on_other_frames(dataset: Store, tmp_path: Path):
    train("sid", dataset, **TINY_RUN, out=tmp_path / "w")
    day = night(tmp_path / "other" / "night", "train train train test", shape=(48, 66))
    with pytest.raises(MethodError, match=r"another digest, reference_digest, but"):
        train("sid", day, **TINY_RUN, out=tmp_path / "w", resume=True)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_place_of_the_folder_is_refused_before_any_work(
    dataset: Store, tmp_path: Path, below: str
):
    (tmp_path / "w").touch()
    with pytest.raises(MethodError, match=r"w is a file, but weights are written into a folder"):
        train("sid", dataset, **TINY_RUN, out=tmp_path / "w" / below, progress=dying_at(0))


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ([1e30] * 10, r"the loss is (inf|nan) at step 2, .*but .* Lower --set learning_rate"),
        (
            [1e-3] * 9 + [float("inf")],
            r"the loss is 0\.\d+ at step 10, and after it encoder\S+ is not finite",
        ),
    ],
)
def test_a_training_that_is_not_finite_any_more_ends_unfinished(
    dataset: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    rates: list[float], message: str,
):  # fmt: skip
    monkeypatch.setattr(Plan, "learning_rate", lambda plan, step: rates[step])
    with pytest.raises(MethodError, match=message):
        train("sid", dataset, **TINY_RUN, out=tmp_path / "w")
    assert not (tmp_path / "w" / weights.CONFIG).exists()


@pytest.mark.parametrize(
    ("preset", "options", "steps"),
    [("paper", {"steps": 7}, 7), ("quick", {"epochs": 4, "batch": 2, "crop": 8}, 6)],
)
def test_steps_set_clear_the_epochs_and_epochs_set_the_steps(
    dataset: Store, preset: str, options: dict, steps: int
):
    assert make_plan("sid", dataset, preset, None, 0, options, None).steps == steps


def test_a_damaged_resume_state_is_refused(dataset: Store):
    with pytest.raises(KeyboardInterrupt):
        train("sid", dataset, **TINY_RUN, progress=dying_at(4))
    path = home() / ".weights" / "sid" / "night" / "quick-seed7" / resume.RESUME
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(MethodError, match="it is no resume state"):
        train("sid", dataset, **TINY_RUN, resume=True)


def test_the_best_weights_by_validation_are_kept(tmp_path: Path):
    dataset = night(tmp_path / "night", "train train val val")
    psnr = iter([1.0, 3.0, 8.0, 6.0, 4.0, 4.0])  # two pairs at steps 4, 8 and 10

    def score(output: np.ndarray, reference: np.ndarray) -> dict[str, float | None]:
        assert output.shape == reference.shape == (3, 48, 64)
        return {"psnr": next(psnr), "ssim": None}

    folder = train("sid", dataset, **TINY_RUN, score=score)
    assert [row["val_psnr"] for row in rows(folder)] == ["", "2.0", "", "7.0", "4.0"]
    config = json.loads((folder / weights.CONFIG).read_text())
    content = (folder / weights.BEST).read_bytes()
    assert config["best_sha256"] == hashlib.sha256(content).hexdigest() != config["sha256"]
    loaded = method.build("sid", device="cpu").load(folder / weights.BEST)  # type: ignore[attr-defined]
    assert loaded["sha256"] == config["best_sha256"]


def test_a_blind_method_is_validated_without_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen = []
    shown = example.picture
    monkeypatch.setattr(
        example, "picture", lambda made, sample: seen.append(sample) or shown(made, sample)
    )
    dataset = night(tmp_path / "night", "train val")
    train("sid", dataset, **TINY_RUN, score=lambda output, reference: {"psnr": 1.0})
    assert len(seen) == 6  # at steps 4, 8 and 10 the middle that is shown and the whole pair
    assert all(sample.reference is None for sample in seen)


def test_a_run_that_begins_shows_nothing_of_one_that_was_given_up(dataset: Store, tmp_path: Path):
    folder = tmp_path / "w"
    train("sid", dataset, **TINY_RUN, out=folder)
    (folder / weights.BEST).touch()
    (folder / "samples" / "mine.png").touch()
    (folder / weights.CONFIG).unlink()
    train("sid", dataset, **{**TINY_RUN, "steps": 3}, out=folder)
    names = sorted(p.name for p in (folder / "samples").iterdir())
    assert names == ["mine.png", "step-0000003.png"]
    assert not (folder / weights.BEST).exists()
    assert len(list((folder / "tensorboard").iterdir())) == 1


@pytest.mark.parametrize("stop", [4, 99])
def test_a_run_is_not_resumed_with_what_else_a_learner_says_it_depends_on(
    dataset: Store, monkeypatch: pytest.MonkeyPatch, stop: int
):
    monkeypatch.setattr(Learner, "facts", lambda _: {"extractor": "one"})
    with nullcontext() if stop > 10 else pytest.raises(KeyboardInterrupt):
        train("sid", dataset, **TINY_RUN, progress=dying_at(stop))
    monkeypatch.setattr(Learner, "facts", lambda _: {"extractor": "another"})
    with pytest.raises(MethodError, match="it is of a run with another extractor,"):
        train("sid", dataset, **TINY_RUN, resume=True)


def test_a_shorter_run_falls_linearly_after_the_same_share_of_its_epochs():
    linear = Recipe(epochs=20, schedule="linear", decay_epoch=10, final_learning_rate=0.0)
    short = linear.stretched(7 / 20)
    assert short.decay_epoch == 3
    rates = [short.rate(step, 700, 100) / 1e-4 for step in (0, 299, 300, 699)]
    assert rates == pytest.approx([1, 1, 4 / 5, 1 / 5])
    with pytest.raises(MethodError, match=r"decay_epoch: it is 10, but the run has 10 epochs"):
        linear.check_fall(1000, 100)
    linear.check_fall(1001, 100)


def test_weights_are_taken_without_a_draw_of_the_callers(dataset: Store):
    folder = train("sid", dataset, **TINY_RUN)
    built = method.build("sid", device="cpu")
    before = torch.random.get_rng_state()
    built.load(folder)  # type: ignore[attr-defined]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_pairs_in_quarantine_or_of_other_splits_are_not_trained_on(tmp_path: Path):
    dataset = night(tmp_path / "n", "train train test val train", quarantined=("00002",))
    plan = make_plan("sid", dataset, "quick", None, 0, {"crop": 8}, None)
    assert plan.facts()["pairs"] == ["00001/00001_00_0.1s", "00005/00005_00_0.1s"]


# the values of SID's released script; crops of the tests' frames are smaller
def test_the_paper_preset_is_the_published_recipe(tmp_path: Path):
    dataset = night(tmp_path / "n", "train train", exposures=(0.1, 0.04), takes=3)
    recipe = sid.PRESETS["paper"]
    assert (recipe.crop, recipe.batch, recipe.epochs) == (512, 1, 4001)
    assert (recipe.width, recipe.levels, recipe.precision) == (32, 5, "32-true")
    plan = make_plan("sid", dataset, "paper", None, 0, {}, None)
    assert plan.facts()["pairs"] == [f"{n}/{n}_00_{t}s" for n in ("00001", "00002")
                                     for t in ("0.04", "0.1")]  # fmt: skip
    assert plan.steps == 4001 * 2  # each scene once an epoch
    rates = [plan.learning_rate(step) for step in (0, 2 * 2000 + 1, 2 * 2001, 2 * 4001 - 1)]
    assert rates == [1e-4, 1e-4, 1e-5, 1e-5]
    assert plan.recipe.crop == 24  # what fits


def test_averaged_weights_are_the_mean_that_the_decay_says():
    net = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0.0)
        average = Average(net, 0.5)
        for step, value in enumerate((1.0, 1.0, 1.0, 1.0), 1):
            net.weight.fill_(value)
            average.update(step)
    # decays 1/10, 2/11, 3/12, 4/13 leave this much of the first 0
    rest = 1 / 10 * 2 / 11 * 3 / 12 * 4 / 13
    assert average.tensors["weight"].item() == pytest.approx(1 - rest)


def test_without_averaging_the_weights_are_the_network_s_own():
    net = torch.nn.Linear(1, 1)
    average = Average(net, 0.0)
    with torch.no_grad():
        net.weight.fill_(5.0)
    average.update(1)
    assert average.tensors["weight"].item() == 5
    assert average.state_dict() == {}


def test_processes_share_each_batch_and_together_read_what_one_would():
    alone = list(Order(range(3, 6), 4, 0, 1))
    shares = [list(Order(range(3, 6), 4, rank, 2)) for rank in (0, 1)]
    assert alone[0] == [12, 13, 14, 15]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == alone


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_reader_refuses_is_one_line_from_any_process(dataset: Store, workers: int):
    crops = make_plan("sid", dataset, "quick", None, 0, {"crop": 8}, None).crops
    (dataset.path / "scenes" / "00002.h5").write_bytes(b"no HDF5")
    with pytest.raises(StoreError) as caught:
        list(read(crops, Order(range(3), 1, 0, 1), workers=workers))
    assert "00002" in caught.value.where
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "lime"}, "--model lime: it has nothing to train, but the trainable methods are"),
        (
            {"preset": "slow"},
            "--preset slow: sid has no such preset, but its presets are paper, quick",
        ),
        ({"options": {"deep": 1}}, "--set deep: the recipe has no such value"),
        ({"options": {"crop": 8.5}}, "--set crop: it is 8.5, but it is of type int"),
        ({"options": {"batch": 0}}, "--set batch: it is 0, but it is a number of at least 1"),
        ({"options": {"schedule": "steep"}}, "--set schedule: it is 'steep', but it can be"),
        ({"steps": 0}, "--set steps: it is 0"),
        ({"options": {"steps": 0}}, "--set steps, epochs: they are 0 and 0, but exactly one"),
        ({"options": {"steps": 3, "epochs": 1}}, "--set steps, epochs: they are 3 and 1, but"),
        ({"device": "tpu"}, "--device tpu: there is no such device"),
        ({"device": 5}, "--set device: it is 5, but it is a name"),
    ],
)
def test_an_argument_that_cannot_be_says_what_can(dataset: Store, arguments: dict, message: str):
    call = {"name": "sid", "store": dataset, **TINY_RUN, **arguments}
    with pytest.raises(LowLightError) as caught:
        train(**call)
    assert message in str(caught.value)


def test_a_dataset_without_train_pairs_is_refused_by_name(tmp_path: Path):
    with pytest.raises(StoreError, match="dataset night: it has no usable pair of split train"):
        train("sid", night(tmp_path / "night", "test test"), **TINY_RUN)
