"""A generator on the frames of a clip: patch by patch, with the region around each or without."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.inference.clips.frame_by_frame import clip_of
from baselines.inference.clips.temporal_smoothing import Smoothing, smooth
from baselines.inference.device import autocast
from baselines.inference.frames.trained import Trained
from baselines.inference.tiles import patch_merging
from baselines.inference.tiles.sides import check_sides
from lldata.errors import MethodError
from lldata.protocol import ClipProtocol, load
from lldata.sample import Sample
from lldata.sets.clip_audits import region_side

Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]
CROP = 360  # px on a side of a patch, where neither option nor weights say (Anantrasirichai 2021)
LEAST_CROP = 16  # px: below it the normalisation of the deepest planes has one value
PROTOCOL = "uhr_clips"


class PatchFrames(Trained):
    """A generator as a method on clips.

    Parameters
    ----------
    crop : side of the patches, px; 0: as the network was trained, 360 untrained
    region : side of the region around a patch, px; 0: as the network was trained, else as the
        protocol uhr_clips says for the scene or the size of its frames
    smoothing : whether frames are averaged along their motion afterwards
    at_once : patches computed at once
    others : as `Trained`

    Raises
    ------
    MethodError
        If patch and region have no common centre, or as `Trained`.
    """

    def __init__(
        self, *others: Any, crop: int, region: int, smoothing: bool, at_once: int = 1
    ) -> None:
        super().__init__(*others)
        self.smoothing = smoothing
        self.at_once = at_once
        self._asked_sides = crop, region
        self.crop = crop or CROP
        self.region = region
        if crop and region and self.network.planes != 3:  # the weights decide neither
            check_sides(crop, region)

    @property
    def frames_around(self) -> int:
        """The frames before and after a frame that count for it."""
        return Smoothing().frames if self.smoothing else 0

    def load(self, path: str | Path) -> dict[str, Any]:
        """Take weights, and the sides of patch and region that they were trained with.

        Raises
        ------
        MethodError
            As `Trained.load`, or if a side that was asked for does not fit the trained one.
        """
        config = super().load(path)
        recipe = config.get("recipe", {})
        crop, region = self._asked_sides
        self.crop = crop or recipe.get("crop", CROP)
        self.region = region or recipe.get("region", 0)
        if self.region and self.network.planes != 3:
            check_sides(self.crop, self.region)
        return config

    def __call__(self, sample: Sample) -> Iterator[Planes]:
        """Yield the enhanced frames of a sample's clip, (3, H, W) in [0, 1], one for each.

        Raises
        ------
        MethodError
            If the sample has no clip, nothing says how large the regions of its frames are, or
            they do not fit the patches.
        """
        scene = sample.pair.partition("/")[0]
        # map holds no frame while it waits, as a generator expression would: 0.4 GB of 8K
        frames = map(partial(self._enhanced, scene), clip_of(sample, self.info.name))
        return smooth(frames) if self.smoothing else frames

    def _enhanced(self, scene: str, frame: Planes) -> Planes:
        region = self._region(scene, (frame.shape[1], frame.shape[2]))
        enhanced = patch_merging.merge(
            self._patches, frame, local_px=self.crop, region_px=region, batch=self.at_once
        )
        return np.clip(enhanced, 0, 1, out=enhanced)

    def _region(self, scene: str, size: tuple[int, int]) -> int | None:
        """Return the side of the regions of a frame (H, W), None for a network without."""
        if self.network.planes == 3:
            return None
        side = self.region or _named(scene, size)
        if side is None:
            raise MethodError(
                f"{self.info.name} on {scene}", f"its frames have {size[1]}x{size[0]} px",
                f"{PROTOCOL} names the side of the regions for other sizes only",
                "Give it with --set region=N: about three to four times the side of a patch",
            )  # fmt: skip
        check_sides(self.crop, side)
        return side

    def _patches(self, local: Planes, region: Planes | None) -> Planes:
        """Translate patches (B, 3, N, N); of a network with regions their part is let go."""
        given = torch.from_numpy(local if region is None else np.concatenate((local, region), 1))
        with torch.inference_mode(), autocast(self.device, self.precision):
            x = (given.to(self.device) * 2 - 1).contiguous(memory_format=torch.channels_last)
            made = self.network(x)[:, :3]
        patches: Planes = ((made + 1) / 2).float().cpu().numpy()
        return patches


def _named(scene: str, size: tuple[int, int]) -> int | None:
    """Return what the protocol says of a scene or frames (H, W)."""
    protocol = load(PROTOCOL)
    return region_side(protocol, scene, size) if isinstance(protocol, ClipProtocol) else None
