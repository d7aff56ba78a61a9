"""Shorts made of a dataset's long frames and a calibrated camera's noise, to train on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from baselines.inference.tiles.sides import check_sides
from baselines.method import Domain
from baselines.training.recipe import Recipe
from lldata.errors import MethodError
from lldata.mosaic_crops import surplus
from lldata.noise import calibration
from lldata.noise.calibration import Calibration
from lldata.store import Store
from lldata.synthesis.shorts import NoisyShorts
from lldata.upkeep import file_digest

_NEAR = 1.01  # times: an ISO so near a calibrated one counts as it


@dataclass(frozen=True)
class NoiseSource:
    """Where the synthetic shorts of a run come from."""

    shorts: NoisyShorts
    facts: Mapping[str, Any]  # what a config says of it, JSON-ready


def settled(recipe: Recipe, options: Mapping[str, Any], noise: str | None) -> Recipe:
    """Return a recipe whose share of synthetic crops is what was asked for.

    Parameters
    ----------
    options : what was set in the recipe; without `synthetic` all crops are, if there is a model
    noise : --noise-model, as it was given

    Raises
    ------
    MethodError
        If there is a share and no noise model, or the other way round.
    """
    if noise is not None and "synthetic" not in options:
        return replace(recipe, synthetic=1.0)
    if (noise is not None) != (recipe.synthetic > 0):
        raise MethodError(
            "--set synthetic", f"it is {recipe.synthetic:g}",
            "synthetic crops need a noise model, and a noise model is for them",
            "Leave it out, or name a calibration: --noise-model C",
        )  # fmt: skip
    return recipe


def check_reads_mosaics(recipe: Recipe, domain: Domain) -> None:
    """Refuse what only crops of RAW frames can have.

    Raises
    ------
    MethodError
        If a recipe for pictures or clips asks for it.
    """
    for name, value in (("augmentation", recipe.augmentation), ("synthetic", recipe.synthetic)):
        if domain != "raw" and value not in ("published", 0.0):
            raise MethodError(
                f"--set {name}", f"it is {value}", "pictures and clips have no mosaic",
                "Leave it out, or train on RAW frames",
            )  # fmt: skip


def room(recipe: Recipe, planes: int, largest: int, regions: Collection[int] = ()) -> int:
    """Return the crop of a recipe, or what fits into frames whose smaller side is `largest`.

    Parameters
    ----------
    planes : of (packed) frames
    largest : (packed) pixels
    regions : sides of the regions that are seen around crops, px; a crop that is made to fit is
        even or odd as they are

    Raises
    ------
    MethodError
        If nothing fits, or crop and region have no common centre.
    """
    fits = [
        size for size in range(min(recipe.crop, largest), 0, -1)
        if size + _surplus(recipe, planes, size) <= largest
    ]  # fmt: skip
    if not fits:
        raise MethodError(
            "--set augmentation", f"the smallest frame has {largest} packed pixels on a side",
            "a crop of whole CFA periods needs more", "Train on larger frames",
        )  # fmt: skip
    crop = fits[0]
    if crop < recipe.crop:
        alike = (size for size in fits if all(size % 2 == side % 2 for side in regions))
        crop = next(alike, crop)
    for side in sorted(regions):
        check_sides(crop, side)
    return crop


def _surplus(recipe: Recipe, planes: int, size: int) -> int:
    if planes not in (4, 9):  # pictures
        return 0
    return surplus(planes, size, recipe.augmentation, synthetic=recipe.synthetic > 0)


def noise_source(noise: str, store: Store, pairs: pd.DataFrame, share: float) -> NoiseSource:
    """Return what makes the synthetic shorts of a run.

    Parameters
    ----------
    noise : a file that `lldata calibrate` wrote, or the camera it keeps one of
    store, pairs : the dataset, and the train pairs whose long frames, ratios and ISO are used;
        exposures whose ISO the calibration does not reach are left out
    share : of the crops that are synthetic

    Raises
    ------
    MethodError
        If a pair has no long mosaic, or the calibration is of another camera or reaches none of
        the ISO values.
    LowLightError
        If there is no such calibration.
    """
    _check_longs(store, pairs)
    path = Path(noise)
    kept = calibration.default_path(noise)
    path = kept if not path.exists() and kept.is_file() else path
    found = calibration.load(path)
    _check_camera(noise, found, store, pairs)
    low, high = found.isos[0].iso / _NEAR, found.isos[-1].iso * _NEAR
    reached = pairs[pairs["iso"].between(low, high)]
    if reached.empty:
        isos = ", ".join(f"{iso:g}" for iso in sorted(pairs["iso"].unique()))
        raise MethodError(
            f"--noise-model {noise}",
            f"it was made at ISO {found.isos[0].iso:g} to {found.isos[-1].iso:g}",
            f"the train pairs of {store.name} have ISO {isos}", "Calibrate at these too",
        )  # fmt: skip
    exposures = list(zip(reached["ratio"].tolist(), reached["iso"].tolist(), strict=True))
    facts = {
        "camera": found.camera,
        "sha256": file_digest(path),
        "isos": sorted({iso for _, iso in exposures}),
        "ratios": sorted({ratio for ratio, _ in exposures}),
        "model": {**asdict(found.model), "read_shapes": list(found.model.read_shapes)},
    }
    return NoiseSource(NoisyShorts(found.model, exposures, share), facts)


def _check_longs(store: Store, pairs: pd.DataFrame) -> None:
    missing = int((pairs["long"] == "").sum())
    if missing:
        raise MethodError(
            f"--dataset {store.name}",
            f"{missing} of its {len(pairs)} train pairs have a ready reference, no long mosaic",
            "synthetic shorts are made of long mosaics",
            "Ingest the long RAW files, or leave --noise-model out",
        )


def _check_camera(noise: str, found: Calibration, store: Store, pairs: pd.DataFrame) -> None:
    nothing = (slice(0, 0), slice(0, 0))
    for row in pairs.drop_duplicates("scene").itertuples(index=False):
        camera = store.frame(str(row.scene), str(row.long), "long", nothing).camera
        if camera.casefold() != found.camera.casefold():
            raise MethodError(
                f"--noise-model {noise}", f"it is a calibration of the {found.camera}",
                f"scene {row.scene} of {store.name} was taken with the {camera}",
                "Name the calibration of that camera",
            )  # fmt: skip
