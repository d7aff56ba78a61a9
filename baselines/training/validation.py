"""What training is watched by: scores on the val split, and pictures of one fixed crop."""

from __future__ import annotations

import inspect
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from baselines.training import example
from baselines.training.plan import Plan
from baselines.training.weights import BEST, write
from lldata.dataset import ClipPatches
from lldata.patches import region_of
from lldata.publish import write_replacing
from lldata.sample import Sample

Picture = NDArray[np.float32]
Score = Callable[[Picture, Picture], Mapping[str, float | None]]  # output, reference: (3, H, W)
SAMPLES = "samples"  # folder of the pictures
SHOWN = 128  # (packed) pixels on a side at least, where the frame has them
MOST_PAIRS = 8  # scored at each validation, spread evenly over the val split


class Validation:
    """Scores the weights on the val split now and then, and keeps the best by psnr."""

    def __init__(self, plan: Plan, device: torch.device, score: Score | None) -> None:
        self.plan = plan
        self.score = score
        self.method = plan.module.build(**_options(plan, device))
        self.pairs = plan.store.usable("val").sort_values("pair")
        self.regions = self._regions()
        self.best = -math.inf  # dB
        self.best_sha256 = ""  # of best.safetensors; empty where there is none

    def __call__(self, step: int, tensors: Mapping[str, Tensor]) -> dict[str, float]:
        """Leave a sample picture of these weights; return their mean scores, if there are any."""
        self.method.take(tensors)
        self._picture(self.picture(step))
        means = self._scores()
        if means.get("psnr", -math.inf) > self.best:
            self.best = means["psnr"]
            self.best_sha256 = write(self.plan.folder / BEST, tensors)
        return means

    def _regions(self) -> dict[str, int]:
        """Return the sides of the regions of each scene where the dataset's protocol names them."""
        recipe, crops = self.plan.recipe, self.plan.crops
        if not recipe.context or recipe.region or not isinstance(crops, ClipPatches):
            return {}
        store = self.plan.store
        return {s: crops.region or region_of(store, s) for s in self._watched()["scene"].unique()}

    def _watched(self) -> pd.DataFrame:
        """Return the val pairs, or where there are none the train pairs, whose first is shown."""
        return self.plan.crops.pairs if self.pairs.empty else self.pairs

    def _output(self, sample: Sample) -> Picture:
        """Return what the method makes of a sample, of which it sees what it may."""
        scene = sample.pair.partition("/")[0]
        if scene in self.regions:  # the square that is shown of a frame has no size with a name
            self.method.region = self.regions[scene]
        if self.method.info.reference_use not in ("mean", "histogram"):
            sample = replace(sample, reference=None)
        return example.picture(self.method, sample)

    def picture(self, step: int) -> Path:
        """Return where the sample picture of a step lies."""
        return self.plan.folder / SAMPLES / f"step-{step:07}.png"

    def _scores(self) -> dict[str, float]:
        """Return the mean of each score over a few val pairs; identical pictures have none."""
        if self.score is None:
            return {}
        count = min(len(self.pairs), MOST_PAIRS)
        spread = np.linspace(0, len(self.pairs) - 1, count).round().astype(int)
        columns: dict[str, list[float]] = {}
        for pair in self.pairs["pair"].iloc[spread]:
            sample = example.whole(self.plan.store, pair)
            if sample.reference is None:  # clips whose truth nobody knows
                continue
            scores = self.score(self._output(sample), sample.reference)
            for name, value in scores.items():
                columns.setdefault(name, []).extend([] if value is None else [value])
        return {name: float(np.mean(values)) for name, values in columns.items() if values}

    def _picture(self, path: Path) -> None:
        """Write input, output and reference of the middle of the first pair, side by side."""
        row: Any = next(self._watched().iloc[[0]].itertuples(index=False))
        size = max(self.plan.recipe.crop, SHOWN)
        shown, sample, wanted = example.middle(self.plan.store, row, size)
        strip = [shown, self._output(sample), wanted]
        pixels = (np.concatenate(strip, axis=2).clip(0, 1) * 255).round().astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, "PNG")
        write_replacing(path, buffer.getvalue())

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far."""
        return {"best": self.best, "best_sha256": self.best_sha256}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self.best, self.best_sha256 = state_dict["best"], state_dict["best_sha256"]


def _options(plan: Plan, device: torch.device) -> dict[str, Any]:
    """Return the options of the method as it is watched: what the recipe sets of them, in fp32."""
    known = inspect.signature(plan.module.build).parameters
    values = {f.name: getattr(plan.recipe, f.name) for f in fields(plan.recipe)}
    given = {name: value for name, value in values.items() if name in known}
    return {**given, "device": str(device), "precision": "fp32"}
