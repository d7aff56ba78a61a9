"""What training is watched by: scores on the val split, and pictures of one fixed crop."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from baselines.inputs import reference_of
from baselines.training.plan import Plan
from baselines.training.weights import BEST, write
from lldata import cfa
from lldata.publish import write_replacing
from lldata.render import encode
from lldata.sample import Sample, packed_shape, read_crop, read_sample

Picture = NDArray[np.float32]
Score = Callable[[Picture, Picture], Mapping[str, float | None]]  # output, reference: (3, H, W)
MOST_PAIRS = 8  # scored at each validation, spread evenly over the val split


class Validation:
    """Scores the weights on the val split now and then, and keeps the best by psnr."""

    def __init__(self, plan: Plan, device: torch.device, score: Score | None) -> None:
        self.plan = plan
        self.score = score
        self.method = plan.module.build(device=str(device), precision="fp32")
        self.pairs = plan.store.usable("val").sort_values("pair")
        self.best = -math.inf  # dB
        self.best_sha256 = ""  # of best.safetensors; empty where there is none

    def __call__(self, step: int, tensors: Mapping[str, Tensor]) -> dict[str, float]:
        """Leave a sample picture of these weights; return their mean scores, if there are any."""
        self.method.take(tensors)
        self._picture(self.plan.folder / "samples" / f"step-{step:07}.png")
        means = self._scores()
        if means.get("psnr", -math.inf) > self.best:
            self.best = means["psnr"]
            self.best_sha256 = write(self.plan.folder / BEST, tensors)
        return means

    def _scores(self) -> dict[str, float]:
        """Return the mean of each score over a few val pairs; identical pictures have none."""
        if self.score is None:
            return {}
        count = min(len(self.pairs), MOST_PAIRS)
        spread = np.linspace(0, len(self.pairs) - 1, count).round().astype(int)
        columns: dict[str, list[float]] = {}
        for pair in self.pairs["pair"].iloc[spread]:
            sample = read_sample(self.plan.store, pair, reference=True)
            scores = self.score(self.method(sample), reference_of(sample, self.plan.name))
            for name, value in scores.items():
                columns.setdefault(name, []).extend([] if value is None else [value])
        return {name: float(np.mean(values)) for name, values in columns.items() if values}

    def _picture(self, path: Path) -> None:
        """Write input, output and reference of the middle of the first pair, side by side."""
        pairs = self.plan.crops.pairs if self.pairs.empty else self.pairs
        row: Any = next(pairs.iloc[[0]].itertuples(index=False))
        _, height, width = packed_shape(self.plan.store, row)
        size = min(self.plan.recipe.crop, height, width)
        place = ((height - size) // 2, (width - size) // 2)
        packed, reference = read_crop(self.plan.store, row, *place, size)
        output = self.method(Sample(row.pair, float(row.ratio), packed=packed))
        strip = np.concatenate([_shown(packed, row.ratio), output, reference], axis=2)
        buffer = io.BytesIO()
        pixels = (strip.clip(0, 1) * 255).round().astype(np.uint8)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, "PNG")
        write_replacing(path, buffer.getvalue())

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far."""
        return {"best": self.best, "best_sha256": self.best_sha256}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self.best, self.best_sha256 = state_dict["best"], state_dict["best_sha256"]


def _shown(packed: Picture, ratio: float) -> Picture:
    """Return amplified planes as a picture: means of each colour on the curve of references."""
    plan = cfa.layout(cfa.BAYER if len(packed) == 4 else cfa.XTRANS)
    light = (packed * np.float32(ratio)).clip(0, 1)
    colours = [
        np.mean([plane for plane, of in zip(light, plan.colours, strict=True) if of == letter], 0)
        for letter in "RGB"
    ]
    shown: Picture = encode(np.stack(colours)).astype(np.float32)
    return shown.repeat(plan.scale, axis=1).repeat(plan.scale, axis=2)
