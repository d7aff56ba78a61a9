"""Training from the command line: validation scores come from here, the loop from baselines."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines import method as methods
from baselines.inputs import check_data
from eval.metrics import find_metrics, score_images
from lldata.errors import MethodError
from lldata.store import open_store

VALIDATION = ("psnr", "ssim")


def train_method(
    name: str,
    dataset: str | Path,
    *,
    tell: Callable[[str], None] = lambda _: None,
    perceptual: str | None = None,
    **choices: Any,
) -> Path | None:
    """Train a method on a dataset and return the folder of its weights.

    Of several processes that train together only the first tells and returns it, the others
    return None.

    Parameters
    ----------
    name, dataset : a trainable method, and a dataset's name or folder
    tell : gets a line now and then that says how far it is
    perceptual : vgg19, random or none: the recipe's `perceptual`, where it has one
    choices : preset, steps, seed, resume, device, options, out, noise_model, as
        `baselines.training.train`

    Raises
    ------
    MethodError
        If the method, preset, an option or the folder does not allow it, or an extra is missing.
    """
    methods.check_trainable(name)  # before torch is imported
    store = open_store(dataset)
    if "input" not in (choices.get("options") or {}):  # which the plan of the training checks
        check_data(methods.info(name), store)
    first = is_first_process()
    if first and choices.get("preset", "quick") == "quick":
        tell(f"{name}: preset quick (minutes); --preset paper is the published recipe")
    methods.module(name)  # names the missing extra, where there is one
    from baselines.training.train import train

    if perceptual is not None:
        _check_perceptual(name)
        choices["options"] = {**(choices.get("options") or {}), "perceptual": perceptual}

    def say_step(step: int, steps: int, loss: float) -> None:
        tell(f"step {step} of {steps}, loss {loss:.5f}")

    folder = train(name, store, score=validation_scores, progress=say_step, **choices)
    return folder if first else None


def is_first_process() -> bool:
    """Whether this process is alone or the first of those that torchrun or SLURM started."""
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))) == 0


def _check_perceptual(name: str) -> None:
    def looks(known: str) -> bool:
        presets = getattr(methods.module(known), "PRESETS", {})
        return any(hasattr(recipe, "perceptual") for recipe in presets.values())

    if not looks(name):
        fitting = [n for n in methods.names() if methods.info(n).trainable and looks(n)]
        raise MethodError(
            "--perceptual", f"the losses of {name} look through no network",
            f"only those of {', '.join(fitting)} do", "Leave it out",
        )  # fmt: skip


def validation_scores(
    output: NDArray[np.float32], reference: NDArray[np.float32]
) -> Mapping[str, float | None]:
    """Score two pictures (3, H, W) in [0, 1] with psnr and ssim; None where one is infinite."""
    scores = score_images(
        output.transpose(1, 2, 0), reference.transpose(1, 2, 0), find_metrics(VALIDATION)
    )
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}
