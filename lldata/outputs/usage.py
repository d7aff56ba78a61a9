"""What the card of a dataset says one can do with it: commands and lines that work as printed."""

from __future__ import annotations

from lldata.errors import LowLightError
from lldata.patches import region_of
from lldata.stated import stated
from lldata.store import Store

_ELSEWHERE = (
    "As printed, these find the dataset under `$LLDATA_HOME`; where it lies elsewhere, write its "
    "folder in place of `{name}`."
)
_PATCHES = """\
from lldata.clip_sample import clip_frames
from lldata.patches import read_patches
from lldata.store import open_store

clips = open_store("{name}")
patch, region = read_patches(clips, "{scene}", "low", 0, 0, 0{sides})  # frame, top, left
for frame in clip_frames(clips, "{scene}", "target", 0, 1):  # first, count
    print(patch.shape, region.shape, frame.shape)"""
_ABOUT_DIFFERENCE = (
    "What was drawn for each pair, and the difference map that networks estimate (the photograph "
    "is the dark picture plus alpha times it, but for noise, rounding and what became black):"
)
_DIFFERENCE = """\
import numpy as np

from lldata.store import open_store
from lldata.synthesis.retinex import difference_map

pairs = open_store("{name}")
row = pairs.pairs.iloc[0]
low, drawn = pairs.picture(row["scene"], row["short"], "low")
normal, _ = pairs.picture(row["scene"], row["reference"], "normal")
difference = difference_map(normal / np.iinfo(normal.dtype).max, drawn["gamma"])
print(drawn["alpha"], drawn["gamma"], drawn["noise_sigma"], difference.shape)"""


def usage(dataset: Store) -> str:
    """Return the section "Use" of the card, Markdown."""
    name = dataset.name
    parts = [_ELSEWHERE.format(name=name), _fenced("sh", "\n".join(_commands(dataset)))]
    if dataset.kind == "clips":
        parts += [
            "Clips are read in Python, a frame or a patch and the region around it at a time:",
            _fenced("python", _patch_lines(dataset)),
        ]
    if stated(dataset, "degradation.generator", str) == "retinex":
        parts += [
            _ABOUT_DIFFERENCE,
            _fenced("python", _DIFFERENCE.format(name=name)),
        ]
    return "\n\n".join(parts)


def _commands(dataset: Store) -> list[str]:
    name = dataset.name
    lines = [f"lldata show {name}", f"lldata verify {name} --deep", f"lldata report {name}"]
    columns = dataset.pair_columns
    splits = set(columns["split"][columns["status"] != "quarantine"])
    split = next((s for s in ("test", "val", "train") if s in splits), None)
    if dataset.kind != "clips" and split is not None:
        method = "amplify" if dataset.kind == "raw" else "lime"
        chosen = "" if split == "test" else f" --split {split}"
        lines.append(f"lleval run --model {method} --dataset {name}{chosen}")
    return lines


def _patch_lines(dataset: Store) -> str:
    """Return lines that read a patch; its sides are given where the protocol names no region."""
    scene, sides = str(dataset.scene_columns["scene"][0]), ""
    try:
        region_of(dataset, scene)
    except LowLightError:
        local = min(360, max(2, min(dataset.clip_shape(scene, "low")[1:]) // 4 * 2))
        sides = f", local_px={local}, region_px={2 * local}"
    dataset.close()
    return _PATCHES.format(name=dataset.name, scene=scene, sides=sides)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
