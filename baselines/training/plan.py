"""Everything a training run is decided by, checked before anything is computed or written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from baselines import method
from baselines.options import whole
from baselines.training.recipe import Recipe
from baselines.training.resume import RESUME, refuse_another
from baselines.training.weights import CONFIG, read_config
from lldata.dataset import Crops
from lldata.errors import MethodError, StoreError
from lldata.sample import packed_shape
from lldata.store import Store, home


@dataclass(frozen=True, eq=False)
class Plan:
    """A training run, fully determined."""

    name: str
    module: Any  # the method's file: PRESETS, network, prepare, build
    store: Store
    preset: str
    recipe: Recipe
    options: Mapping[str, Any]  # what was changed in the preset
    seed: int
    steps: int
    planes: int  # packed planes of the frames: 4 Bayer, 9 X-Trans
    crops: Crops
    folder: Path

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        first, last = self.recipe.learning_rate, self.recipe.final_learning_rate
        if self.recipe.schedule == "cosine":
            return last + (first - last) * (1 + math.cos(math.pi * step / self.steps)) / 2
        return first if self.epoch(step) <= self.recipe.decay_epoch else last

    def epoch(self, step: int) -> int:
        """Return the epoch of a step's first crop, both counted from 0."""
        return step * self.recipe.batch // self.crops.epoch

    def facts(self) -> dict[str, Any]:
        """Return what was trained on what and how, JSON-ready: equal facts give equal weights."""
        return {
            "method": self.name,
            "preset": self.preset,
            "options": dict(self.options),
            "recipe": self.recipe.plain(),
            "steps": self.steps,
            "seed": self.seed,
            "planes": self.planes,
            "trained_on": self.store.name,
            "split": "train",
            "pairs": sorted(self.crops.pairs["pair"].tolist()),
            "digest": self.store.digest,
            "reference_digest": self.store.reference_digest,
            "synthetic": bool(self.store.synthetic),
        }

    def finished(self, *, resume: bool) -> bool:
        """Return whether there is nothing left to do, and refuse to train over a former run.

        Raises
        ------
        MethodError
            If the folder holds a former run and `resume` was not asked for, or one that was
            started with other arguments.
        """
        if not resume:
            for file, state in ((CONFIG, "a finished training"), (RESUME, "an unfinished one")):
                if (self.folder / file).exists():
                    raise MethodError(
                        self.folder,
                        f"it holds {state}",
                        "a training does not write over another",
                        "Continue it with --resume, remove the folder, or choose another --out",
                    )
        config = read_config(self.folder / CONFIG, self.name)
        if config is not None:
            refuse_another(self.folder / CONFIG, config, self.facts())
        return config is not None


def make_plan(
    name: str,
    store: Store,
    preset: str,
    steps: int | None,
    seed: int,
    options: Mapping[str, Any],
    out: Path | None,
) -> Plan:
    """Decide and check a run; see `baselines.training.train.train`."""
    module = _trainable(name)
    recipe = _preset(module, name, preset).changed(options)
    folder = _folder(out or home() / ".weights" / name / store.name / f"{preset}-seed{seed}")
    pairs = _pairs(store, recipe)
    planes, largest = _frames(store, pairs)
    recipe = replace(recipe, crop=min(recipe.crop, largest))
    crops = Crops(store, pairs, recipe.crop, seed, by_scene=recipe.scene_epochs)
    total = recipe.steps or math.ceil(recipe.epochs * crops.epoch / recipe.batch)
    if steps is not None:
        total = whole("steps", steps, 1)
    return Plan(name, module, store, preset, recipe, options, seed, total, planes, crops, folder)


def _trainable(name: str) -> Any:
    method.check_trainable(name)
    return method.module(name)


def _preset(module: Any, name: str, preset: str) -> Recipe:
    presets: dict[str, Recipe] = module.PRESETS
    if preset not in presets:
        raise MethodError(
            f"--preset {preset}",
            f"{name} has no such preset",
            f"its presets are {', '.join(presets)}",
            "Choose one of them",
        )
    return presets[preset]


def _folder(path: Path) -> Path:
    """Return the path if a folder is there or can be made."""
    whole_path = path.absolute()
    there = next(part for part in (whole_path, *whole_path.parents) if part.exists())
    if not there.is_dir():
        raise MethodError(
            f"--out {path}",
            f"{there} is a file",
            "weights are written into a folder",
            "Choose another --out",
        )
    return path


def _pairs(store: Store, recipe: Recipe) -> pd.DataFrame:
    """Return the usable train pairs a recipe learns from."""
    pairs: pd.DataFrame = store.usable("train").sort_values("pair")
    if pairs.empty:
        raise StoreError(
            f"dataset {store.name}",
            "it has no usable pair of split train",
            "training needs at least one",
            "Ingest train scenes (lldata show lists the splits)",
        )
    if recipe.first_take_only:
        pairs = pairs.drop_duplicates(["scene", "exposure_s", "iso"])
    return pairs


def _frames(store: Store, pairs: pd.DataFrame) -> tuple[int, int]:
    """Return the packed planes of all frames, and the largest crop that fits into each."""
    rows = pairs.drop_duplicates("scene").itertuples(index=False)
    shapes = [packed_shape(store, row) for row in rows]
    planes = {shape[0] for shape in shapes}
    if len(planes) > 1:
        raise StoreError(
            f"dataset {store.name}",
            "it holds Bayer and X-Trans frames",
            "one network reads one kind",
            "Ingest the two cameras into two datasets",
        )
    return planes.pop(), min(min(shape[1:]) for shape in shapes)
