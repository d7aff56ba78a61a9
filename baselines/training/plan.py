"""Everything a training run is decided by, checked before anything is computed or written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from baselines import method
from baselines.method import Domain
from baselines.options import whole
from baselines.training.learner import Data, Learner
from baselines.training.noise_source import (
    NoiseSource,
    check_reads_mosaics,
    noise_source,
    room,
    settled,
)
from baselines.training.recipe import Recipe
from baselines.training.resume import RESUME, refuse_another
from baselines.training.weights import CONFIG, read_config
from lldata.dataset import ClipPatches, Crops, PictureCrops
from lldata.errors import MethodError, StoreError
from lldata.patches import region_of
from lldata.protocol import SynthesisProtocol, parse
from lldata.sample import packed_shape
from lldata.store import Store, home


@dataclass(frozen=True, eq=False)
class Plan:
    """A training run, fully determined."""

    name: str
    module: Any  # the method's file: PRESETS, learner, build
    store: Store
    preset: str
    recipe: Recipe
    options: Mapping[str, Any]  # what was changed in the preset
    seed: int
    steps: int
    data: Data
    crops: Crops | PictureCrops | ClipPatches
    folder: Path
    noise: NoiseSource | None = None  # what makes synthetic shorts

    def learner(self) -> Learner:
        """Make the networks and optimisers that are trained."""
        learner: Learner = self.module.learner(self.recipe, self.data, self.seed)
        return learner

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        return self.recipe.rate(step, self.steps, self.data.epoch)

    def epoch(self, step: int) -> int:
        """Return the epoch of a step's first crop, both counted from 0."""
        return step * self.recipe.batch // self.data.epoch

    def facts(self) -> dict[str, Any]:
        """Return what is trained on what and how, JSON-ready.

        With those of the learner, on one device with as many threads and processes, equal facts
        give equal weights.
        """
        return {
            "method": self.name,
            "preset": self.preset,
            "options": dict(self.options),
            "recipe": self.recipe.plain(),
            "steps": self.steps,
            "seed": self.seed,
            "domain": self.data.domain,
            "planes": self.data.planes,
            "trained_on": self.store.name,
            "split": "train",
            "pairs": sorted(self.crops.pairs["pair"].tolist()),
            "digest": self.store.digest,
            "reference_digest": self.store.reference_digest,
            "synthetic": bool(self.store.synthetic),
            "noise_model": None if self.noise is None else dict(self.noise.facts),
        }

    def refuse_former(self) -> None:
        """Refuse to train over a former run.

        Raises
        ------
        MethodError
            If the folder holds one.
        """
        for file, state in ((CONFIG, "a finished training"), (RESUME, "an unfinished one")):
            if (self.folder / file).exists():
                raise MethodError(
                    self.folder,
                    f"it holds {state}",
                    "a training does not write over another",
                    "Continue it with --resume, remove the folder, or choose another --out",
                )

    def finished(self, facts: Mapping[str, Any]) -> bool:
        """Return whether a run of these facts is finished and there is nothing left to do.

        Raises
        ------
        MethodError
            If the folder holds a finished one of other facts.
        """
        config = read_config(self.folder / CONFIG, self.name)
        if config is not None:
            refuse_another(self.folder / CONFIG, config, facts)
        return config is not None


def make_plan(
    name: str,
    store: Store,
    preset: str,
    steps: int | None,
    seed: int,
    options: Mapping[str, Any],
    out: Path | None,
    noise: str | None = None,
) -> Plan:
    """Decide and check a run; see `baselines.training.train.train`."""
    module = _trainable(name)
    recipe = settled(_preset(module, name, preset).changed(options), options, noise)
    folder = _folder(out or home() / ".weights" / name / store.name / f"{preset}-seed{seed}")
    domain = _domain(module, name, recipe, store)
    check_reads_mosaics(recipe, domain)
    pairs = _pairs(store, recipe)
    source = None if noise is None else noise_source(noise, store, pairs, recipe.synthetic)
    planes, largest = READERS[domain](store, pairs)
    regions = _regions(recipe, domain, store, pairs)
    recipe = replace(recipe, crop=room(recipe, planes, largest, regions))
    generator = None
    if domain == "srgb":
        generator = _generator(store)
        _check_redraw(store, recipe, generator)
    crops = _crops(domain, store, pairs, recipe, seed, source)
    total = recipe.steps or math.ceil(recipe.epochs * crops.epoch / recipe.batch)
    if steps is not None:
        own, total = total, whole("steps", steps, 1)
        recipe = recipe.stretched(total / own)
    recipe.check_fall(total, crops.epoch)
    data = Data(domain, planes, crops.epoch, generator, total)
    return Plan(
        name, module, store, preset, recipe, options, seed, total, data, crops, folder, source
    )  # fmt: skip


def _regions(recipe: Recipe, domain: Domain, store: Store, pairs: pd.DataFrame) -> set[int]:
    """Return the sides of the regions seen around crops, px, in training and validation."""
    if domain != "clip" or not recipe.context:
        return set()
    if recipe.region:
        return {recipe.region}
    seen = {(scene, clip) for scene in pairs["scene"] for clip in ("low", "target")}
    seen |= {(scene, "low") for scene in store.usable("val")["scene"]}
    return {region_of(store, scene, clip) for scene, clip in seen}


def _crops(
    domain: Domain,
    store: Store,
    pairs: pd.DataFrame,
    recipe: Recipe,
    seed: int,
    noise: NoiseSource | None,
) -> Crops | PictureCrops | ClipPatches:
    if domain == "raw":
        return Crops(
            store, pairs, recipe.crop, seed, by_scene=recipe.scene_epochs,
            turning=recipe.augmentation, shorts=None if noise is None else noise.shorts,
        )  # fmt: skip
    if domain == "srgb":
        return PictureCrops(store, pairs, recipe.crop, seed, redraw=recipe.redraw)
    region = recipe.region or None if recipe.context else recipe.crop
    return ClipPatches(
        store, pairs, recipe.crop, seed, epoch=recipe.clip_crops, region=region,
        first_frame_only=recipe.first_frame_only, same_place=recipe.same_place,
    )  # fmt: skip


def _generator(store: Store) -> Literal["retinex", "gamma"] | None:
    """Return the formula that darkened the pictures of a dataset, None where none did."""
    protocol = parse(store.protocol, store.protocol_text)
    return protocol.degradation.generator if isinstance(protocol, SynthesisProtocol) else None


def _check_redraw(store: Store, recipe: Recipe, generator: str | None) -> None:
    if recipe.redraw and generator is None:
        raise MethodError(
            "--set redraw", "this recipe darkens every crop anew",
            f"the dark pictures of {store.name} are captures, which stay as they are",
            "Train on them with --set redraw=false, or on a set made by lldata synthesize",
        )  # fmt: skip


def _domain(module: Any, name: str, recipe: Recipe, store: Store) -> Domain:
    """Return what a method reads under a recipe, if the dataset holds it."""
    asked: Domain = getattr(module, "domain", lambda _: module.INFO.domain)(recipe)
    held: Domain = {"raw": "raw", "pictures": "srgb", "clips": "clip"}[store.kind]  # type: ignore[assignment]
    if asked != held:
        what = {"raw": "RAW frames", "srgb": "ready or synthesised pictures", "clip": "clips"}
        fitting = [n for n in method.names() if method.info(n).trainable and _reads(n, held)]
        raise MethodError(
            f"--dataset {store.name}",
            f"it holds {what[held]}",
            f"{name} is trained on {what[asked]} by this recipe",
            f"Choose another dataset (lldata ls), or a method for this one: {', '.join(fitting)}",
        )
    return asked


def _reads(name: str, domain: Domain) -> bool:
    return method.info(name).domain == domain


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


def _pictures(store: Store, pairs: pd.DataFrame) -> tuple[int, int]:
    """Return 3, and the largest crop that fits into every picture."""
    rows: Iterable[Any] = pairs.drop_duplicates("scene").itertuples(index=False)
    return 3, min(min(store.shape(row.scene, row.reference, "normal")) for row in rows)


def _clips(store: Store, pairs: pd.DataFrame) -> tuple[int, int]:
    """Return 3, and the largest patch that fits into every frame."""
    scenes = pairs["scene"].unique()
    shapes = [store.clip_shape(scene, clip) for scene in scenes for clip in ("low", "target")]
    return 3, min(min(shape[1:3]) for shape in shapes)


READERS: Mapping[Domain, Callable[[Store, pd.DataFrame], tuple[int, int]]] = {
    "raw": _frames,
    "srgb": _pictures,
    "clip": _clips,
}
