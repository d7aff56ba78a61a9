"""Train a network: one loop that can be killed at any moment and resumed to the same bits.

Crop k of a run depends on (seed, k) alone, so no state of the data needs to be kept. Lightning
Fabric supplies device, precision and, under torchrun or SLURM, one process per device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from baselines.training import resume as resuming
from baselines.training.averaging import Average
from baselines.training.batches import batches
from baselines.training.board import FOLDER, Board
from baselines.training.fabric import make_fabric, versions
from baselines.training.learner import Learner, Phase
from baselines.training.log import Log, Row
from baselines.training.plan import Plan, make_plan
from baselines.training.recipe import Recipe
from baselines.training.resume import Resumable
from baselines.training.validation import SAMPLES, Score, Validation
from baselines.training.weights import BEST, MODEL, write, write_config
from lldata.errors import MethodError
from lldata.publish import remove_leftovers
from lldata.store import Store

Progress = Callable[[int, int, float], None]  # step, steps, loss


def train(
    name: str,
    store: Store,
    *,
    preset: str = "quick",
    steps: int | None = None,
    seed: int = 0,
    resume: bool = False,
    device: str = "auto",
    options: Mapping[str, Any] | None = None,
    out: Path | None = None,
    noise_model: str | None = None,
    score: Score | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train a method on the usable train pairs of a dataset.

    Parameters
    ----------
    name : a trainable method
    store : the dataset
    preset : one of the recipes in the method's file
    steps : stop after this many instead of the recipe's; a cosine or linear schedule ends there,
        and a linear one falls after the same share of its epochs: `decay_epoch` of the config
    seed : of the first weights and of every crop
    resume : go on where an earlier run of the same arguments stopped
    device : auto, cpu, cuda, cuda:N or mps
    options : values of the recipe to change, kept in the config
    out : the folder to write; default `$LLDATA_HOME/.weights/METHOD/DATASET/PRESET-seedS`
    noise_model : a calibration (its file, or the camera it is kept of): some or all shorts are
        then made of long frames, as the recipe's `synthetic` says
    score : output (3, H, W), reference (3, H, W) -> scores; asked for validation pairs
    progress : called with step, steps and loss, at each row of the log

    Returns
    -------
    the folder: model.safetensors, config.json, log.csv, samples/, tensorboard/, and
    best.safetensors (highest validation psnr) where `score` gives one and the dataset has usable
    pairs of split val with references.
    Without such a split nothing is held out: every train pair is trained on.

    Raises
    ------
    MethodError
        If the method, preset, an option, the device or the folder does not allow the run, or the
        loss or a weight does not stay finite.
    StoreError
        If the dataset has no usable train pairs, or not of one kind.
    """
    plan = make_plan(name, store, preset, steps, seed, options or {}, out, noise_model)
    if not resume:
        plan.refuse_former()
    learner = plan.learner()
    if not plan.finished(plan.facts() | learner.facts()):
        remove_leftovers(plan.folder)
        _run(plan, learner, make_fabric(device, plan.recipe), score, progress)
    return plan.folder


def _run(
    plan: Plan, learner: Learner, fabric: Fabric, score: Score | None, progress: Progress | None
) -> None:
    recipe, facts = plan.recipe, plan.facts() | learner.facts()
    phases = {name: _set_up(fabric, phase, recipe) for name, phase in learner.phases.items()}
    average = Average(learner.network, recipe.averaging)
    log = Log(fabric)
    validation = Validation(plan, fabric.device, score)
    parts = _parts(learner) | {"average": average, "log": log, "validation": validation}
    start = resuming.load(plan.folder, facts, parts)

    first = fabric.is_global_zero
    if first and not start:
        _clear(plan.folder)
    with Board(plan.folder, start) if first else nullcontext() as board:
        for step, batch in enumerate(batches(plan, fabric, start), start + 1):
            rate = plan.learning_rate(step - 1)
            learner.begin(step - 1)
            for name in learner.active(step - 1):
                module, optimiser = phases[name]
                for group in optimiser.param_groups:
                    group["lr"] = rate
                losses = module(batch)
                optimiser.zero_grad()
                fabric.backward(losses["loss"])
                optimiser.step()
                log.add(losses if len(phases) == 1 else _named(name, losses))
            average.update(step)

            last = step == plan.steps
            validates = last or step % recipe.validate_every == 0
            if validates or step % recipe.log_every == 0:
                row = log.row(step, plan.epoch(step - 1), rate)
                _check_finite(row, average.tensors)
                if progress and first:
                    progress(step, plan.steps, next(v for k, v in row.items() if "loss" in k))
            if board is not None and validates:
                log.score(validation(step, average.tensors))
                board.picture(step, validation.picture(step))
            if board is not None and (validates or step % recipe.log_every == 0):
                board.row(log.rows[-1])
            if last or step % recipe.checkpoint_every == 0:
                log.share()
                if board is not None:
                    board.flush()
                    log.write(plan.folder / "log.csv")
                    resuming.save(plan.folder, step, facts, parts)

    if fabric.is_global_zero:
        _finish(plan, learner, average, validation, fabric)
    fabric.barrier()


def _finish(
    plan: Plan, learner: Learner, average: Average, validation: Validation, fabric: Fabric
) -> None:
    """Write the weights, then the config that makes them finished, then drop the resume state."""
    sha256 = write(plan.folder / MODEL, average.tensors)
    best = {"best_sha256": validation.best_sha256} if validation.best_sha256 else {}
    software = {
        "versions": versions(),
        "device": str(fabric.device),
        "processes": fabric.world_size,
    }
    parameters = sum(p.numel() for p in average.network.parameters())
    facts = plan.facts() | learner.facts() | {"parameters": parameters, "sha256": sha256} | best
    write_config(plan.folder, facts | software | {"threads": torch.get_num_threads()})
    (plan.folder / resuming.RESUME).unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """Remove what a run that left nothing to resume left to look at."""
    left = (BEST, "log.csv", f"{SAMPLES}/step-*.png", f"{FOLDER}/events.out.tfevents.*")
    for path in [path for pattern in left for path in folder.glob(pattern)]:
        path.unlink()


def _check_finite(row: Row, tensors: Mapping[str, Tensor]) -> None:
    """Stop where the loss, or a weight after its step, is no finite number any more."""
    ruined = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    losses = {name: value for name, value in row.items() if "loss" in name}
    if ruined or not all(map(math.isfinite, losses.values())):
        also = f", and after it {ruined[0]} is not finite" if ruined else ""
        found = ", ".join(
            f"{name.replace('_', ' ')} is {loss:.4g}" for name, loss in losses.items()
        )
        raise MethodError(
            "training",
            f"the {found} at step {row['step']}{also}",
            "all stays finite as long as it converges",
            "Lower --set learning_rate, with another --out",
        )


def _set_up(fabric: Fabric, phase: Phase, recipe: Recipe) -> Phase:
    """Place a phase on the device, in the recipe's precision, shared by all processes."""
    module: Any = torch.compile(phase.module) if recipe.compiled else phase.module
    return Phase(*fabric.setup(module, phase.optimiser))


def _parts(learner: Learner) -> dict[str, Resumable]:
    """Return all of a learner that a resume state keeps; what two parts share is kept once."""
    parts: dict[str, Resumable] = {"network": learner.network, **learner.parts()}
    for name, phase in learner.phases.items():
        parts |= {f"{name} module": phase.module, f"{name} optimiser": phase.optimiser}
    return parts


def _named(phase: str, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the losses of one of several phases under the names of their columns."""
    return {f"{phase}_{name}": loss for name, loss in losses.items()}
