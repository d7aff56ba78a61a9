"""What a training run does, as one frozen set of named values; each method file has its presets."""

from __future__ import annotations

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
    crop: int = 512  # packed pixels on a side; smaller frames: what fits into all of them
    first_take_only: bool = False  # of each scene and exposure, the first file only (SID's _00)
    scene_epochs: bool = False  # an epoch sees each scene once, with one short drawn at random
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-5
    schedule: Literal["step", "cosine"] = "step"
    decay_epoch: int = 0  # schedule "step": the final rate holds after this epoch
    averaging: float = 0.0  # decay of the running mean of the weights that is kept; 0: none
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    checkpoint_every: int = 100  # steps between resume states
    validate_every: int = 500  # steps between validations and sample pictures
    log_every: int = 20  # steps between rows of log.csv

    def __post_init__(self) -> None:
        """Check that every value is one a run can have."""
        for name in ("batch", "crop", "checkpoint_every", "validate_every", "log_every"):
            whole(name, getattr(self, name), 1)
        for name in ("steps", "epochs", "decay_epoch"):
            whole(name, getattr(self, name), 0)
        for name in ("learning_rate", "final_learning_rate"):
            number(name, getattr(self, name), 0, 10)
        number("averaging", self.averaging, 0, 0.999999)
        choose("schedule", self.schedule, ("step", "cosine"))
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

    def plain(self) -> dict[str, Any]:
        """Return the values, JSON-ready."""
        return asdict(self)
