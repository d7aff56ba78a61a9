"""What a training run does, as one frozen set of named values; each method file has its presets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

from baselines.options import choose, number, whole
from lldata.errors import MethodError


@dataclass(frozen=True)
class Recipe:
    """How long, on what crops and how fast a network learns. Exactly one of steps and epochs."""

    steps: int = 0  # optimiser steps; 0: `epochs` times the crops of one epoch
    epochs: int = 0  # passes over all (scene, exposure) pairs
    batch: int = 1  # crops per step, over all devices together
    crop: int = 512  # (packed) pixels on a side; smaller frames: what fits into all of them
    first_take_only: bool = False  # of each scene and exposure, the first file only (SID's _00)
    scene_epochs: bool = False  # an epoch sees each scene once, with one short drawn at random
    clip_crops: int = 1000  # of clips: patches that make an epoch
    first_frame_only: bool = False  # of clips: patches of their first frames alone
    same_place: bool = False  # of clips: low and target patch at one place of one frame
    context: bool = False  # of clips: the region around each patch is seen as well
    region: int = 0  # its side, px; 0: as the dataset's protocol says
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-5
    schedule: Literal["step", "cosine", "linear", "stairs"] = "step"
    decay_epoch: int = 0  # "step": the final rate after this epoch; "linear": falls after it
    decay_steps: int = 0  # "stairs": the rate is multiplied by decay_factor each so many steps
    decay_epochs: int = 0  # "stairs": ... each so many epochs; exactly one of the two
    decay_factor: float = 0.1
    beta1: float = 0.9  # of Adam
    weight_decay: float = 0.0  # added to the gradient, as in L2 regularisation
    redraw: bool = False  # synthesised pictures: darken every crop anew, not as stored
    augmentation: Literal["published", "cfa"] = "published"  # of RAW: "cfa" keeps its phase
    synthetic: float = 0.0  # share of crops whose short --noise-model makes of the long frame
    averaging: float = 0.0  # decay of the running mean of the weights that is kept; 0: none
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compiled: bool = False  # by torch.compile, which pays on an accelerator
    checkpoint_every: int = 100  # steps between resume states
    validate_every: int = 500  # steps between validations and sample pictures
    log_every: int = 20  # steps between rows of log.csv

    def __post_init__(self) -> None:
        """Check that every value is one a run can have."""
        for name in (
            "batch",
            "crop",
            "clip_crops",
            "checkpoint_every",
            "validate_every",
            "log_every",
        ):
            whole(name, getattr(self, name), 1)
        for name in ("steps", "epochs", "region", "decay_epoch", "decay_steps", "decay_epochs"):
            whole(name, getattr(self, name), 0)
        for name in ("learning_rate", "final_learning_rate", "decay_factor"):
            number(name, getattr(self, name), 0, 10)
        number("averaging", self.averaging, 0, 0.999999)
        number("beta1", self.beta1, 0, 0.999999)
        number("weight_decay", self.weight_decay, 0, 10)
        number("synthetic", self.synthetic, 0, 1)
        choose("augmentation", self.augmentation, ("published", "cfa"))
        choose("schedule", self.schedule, ("step", "cosine", "linear", "stairs"))
        if self.schedule == "stairs" and (self.decay_steps > 0) == (self.decay_epochs > 0):
            raise MethodError(
                "--set decay_steps, decay_epochs",
                f"they are {self.decay_steps} and {self.decay_epochs}",
                "exactly one of them says how wide a stair is",
                "Set one of them to at least 1",
            )
        choose("precision", self.precision, ("32-true", "bf16-mixed"))
        if (self.steps > 0) == (self.epochs > 0):
            raise MethodError(
                "--set steps, epochs",
                f"they are {self.steps} and {self.epochs}",
                "exactly one of them says how long to train",
                "Set one of them to at least 1",
            )

    def changed(self, options: Mapping[str, Any]) -> Self:
        """Return the recipe with some fields replaced; of steps and epochs, one clears the other.

        Raises
        ------
        MethodError
            If there is no such field, or the value is of another type or out of range.
        """
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in options.items():
            if name not in known:
                raise MethodError(
                    f"--set {name}",
                    "the recipe has no such value",
                    f"its values are {', '.join(known)}",
                    "Correct the name",
                )
            kind = type(known[name])
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise MethodError(
                    f"--set {name}",
                    f"it is {value!r}",
                    f"it is of type {kind.__name__}",
                    "Correct the value",
                )
        other = {"steps": "epochs", "epochs": "steps"}
        cleared = {other[name]: 0 for name in options if name in other}
        return replace(self, **{**cleared, **options})

    def stretched(self, factor: float) -> Self:
        """Return the recipe for a run of another length: "linear" falls after the same share.

        Parameters
        ----------
        factor : steps of the run over those of the recipe
        """
        if self.schedule != "linear" or factor == 1:
            return self
        return replace(self, decay_epoch=int(self.decay_epoch * factor))

    def check_fall(self, steps: int, crops: int) -> None:
        """Refuse a linear schedule that ends before the rate falls; arguments as of `rate`.

        Raises
        ------
        MethodError
            If the run has no epoch after `decay_epoch`.
        """
        epochs = math.ceil(steps * self.batch / crops)
        if self.schedule == "linear" and epochs <= self.decay_epoch:
            raise MethodError(
                "--set decay_epoch", f"it is {self.decay_epoch}",
                f"the run has {epochs} epochs and its rate would never fall",
                "Lower it, or train for longer",
            )  # fmt: skip

    def rate(self, step: int, steps: int, crops: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Parameters
        ----------
        steps : of the whole run
        crops : of an epoch
        """
        first, last = self.learning_rate, self.final_learning_rate
        epoch = step * self.batch // crops
        if self.schedule == "cosine":
            return last + (first - last) * (1 + math.cos(math.pi * step / steps)) / 2
        if self.schedule == "stairs":
            stair = step // self.decay_steps if self.decay_steps else epoch // self.decay_epochs
            return first * self.decay_factor**stair
        if self.schedule == "linear":
            epochs = math.ceil(steps * self.batch / crops)
            past = max(0, epoch - self.decay_epoch + 1)
            return first + (last - first) * past / max(1, epochs - self.decay_epoch + 1)
        return first if epoch <= self.decay_epoch else last

    def plain(self) -> dict[str, Any]:
        """Return the values, JSON-ready."""
        return asdict(self)
