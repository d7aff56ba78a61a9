"""Training from the command line: validation scores come from here, the loop from baselines."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines import method as methods
from baselines.inputs import check_data
from eval.metrics import find_metrics, score_images
from lldata.store import open_store

VALIDATION = ("psnr", "ssim")


def train_method(
    name: str,
    dataset: str | Path,
    *,
    tell: Callable[[str], None] = lambda _: None,
    **choices: Any,
) -> Path:
    """Train a method on a dataset and return the folder of its weights.

    Parameters
    ----------
    name, dataset : a trainable method, and a dataset's name or folder
    tell : gets a line now and then that says how far it is
    choices : preset, steps, seed, resume, device, options, out, as `baselines.training.train`

    Raises
    ------
    MethodError
        If the method, preset, an option or the folder does not allow it, or an extra is missing.
    """
    methods.check_trainable(name)  # before torch is imported
    store = open_store(dataset)
    if "input" not in (choices.get("options") or {}):  # which the plan of the training checks
        check_data(methods.info(name), store)
    if choices.get("preset", "quick") == "quick":
        tell(f"{name}: preset quick (minutes); --preset paper is the published recipe")
    methods.module(name)  # names the missing extra, where there is one
    from baselines.training.train import train

    def say_step(step: int, steps: int, loss: float) -> None:
        tell(f"step {step} of {steps}, loss {loss:.5f}")

    return train(name, store, score=validation_scores, progress=say_step, **choices)


def validation_scores(
    output: NDArray[np.float32], reference: NDArray[np.float32]
) -> Mapping[str, float | None]:
    """Score two pictures (3, H, W) in [0, 1] with psnr and ssim; None where one is infinite."""
    scores = score_images(
        output.transpose(1, 2, 0), reference.transpose(1, 2, 0), find_metrics(VALIDATION)
    )
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}
