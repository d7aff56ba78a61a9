"""What differs between two frames of a pair, or spoils both, by what their files say of settings.

None of it changes the exposure ratio; all of it changes what can be learnt from the pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lldata.audit.evidence import Pair
from lldata.frame import Frame
from lldata.reading.file_facts import UNKNOWN, FileFacts

FAR_APART_S = 600.0  # between a pair's frames: by then the light of a night has changed
_SAME = 0.01  # relative; rational tags of equal settings differ by less
_SAME_COLOUR = 0.02  # relative, of white balance multipliers
_COMPARED = {  # field of the facts -> what it is called
    "bit_depth": "bit depth", "compression": "compression", "crop": "crop mode",
    "orientation": "orientation", "serial": "body number", "shutter": "shutter",
}  # fmt: skip
_WORTH_KNOWING = {
    "compression": "the compression", "long_noise_reduction": "long-exposure noise reduction",
    "high_iso_noise_reduction": "high-ISO noise reduction", "crop": "the crop mode",
    "shutter": "the shutter type",
}  # fmt: skip


def disagreements(pair: Pair) -> list[str]:
    """Return what is wrong with a pair's settings, as sentences without a full stop."""
    told = _told(pair)
    said = [s for name, facts in told.items() for s in _processed(name, facts)]
    if pair.scene.long is None:
        return said
    short, long = told.values()
    said += _optics(pair.short, pair.scene.long) + _colour(pair.short, pair.scene.long)
    for field, what in _COMPARED.items():
        a, b = getattr(short, field), getattr(long, field)
        if a != b and None not in (a, b) and UNKNOWN not in (a, b):
            said.append(f"{what} {a} in the short, {b} in the long")
    return said + _order(pair, short.time, long.time)


def untold(pair: Pair) -> list[str]:
    """Return what none of a pair's RAW files tells of what a photographer would want to know."""
    if not any(path.name in pair.scene.facts for path in _paths(pair)):
        return []  # nothing was asked
    told: Sequence[FileFacts] = list(_told(pair).values())
    missing = [
        what
        for field, what in _WORTH_KNOWING.items()
        if all(getattr(facts, field) == UNKNOWN for facts in told)
    ]
    clock = [] if all(facts.time for facts in told) else ["the time of every frame"]
    return missing + clock


def _paths(pair: Pair) -> list[Path]:
    return [pair.path] if pair.scene.long is None else [pair.path, pair.scene.files.long]


def _told(pair: Pair) -> dict[str, FileFacts]:
    return {path.name: pair.scene.told(path) for path in _paths(pair)}


def _processed(name: str, facts: FileFacts) -> list[str]:
    """Return what the camera did to one frame that it should not have done."""
    said = []
    if facts.lossy:
        said.append(f"{name} is packed with loss ({facts.compression}): choose a lossless RAW")
    if facts.long_noise_reduction.startswith("on"):
        said.append(f"long-exposure noise reduction is {facts.long_noise_reduction} in {name}")
    if facts.high_iso_noise_reduction.startswith("on"):
        said.append(f"high-ISO noise reduction is {facts.high_iso_noise_reduction} in {name}")
    if facts.noise_reduced:
        said.append(f"{facts.noise_reduced:.0%} of the noise of {name} was removed before")
    return said


def _optics(short: Frame, long: Frame) -> list[str]:
    said = []
    if short.lens and long.lens and short.lens != long.lens:
        said.append(f"the lens is {short.lens} in the short, {long.lens} in the long")
    a, b = short.focal_length_mm, long.focal_length_mm
    if a and b and not math.isclose(a, b, rel_tol=_SAME):
        said.append(f"the focal length is {a:g} mm in the short, {b:g} mm in the long")
    return said


def _colour(short: Frame, long: Frame) -> list[str]:
    pairs = list(zip(short.white_balance, long.white_balance, strict=True))
    if min(short.white_balance) <= 0 or min(long.white_balance) <= 0:
        return []
    if all(math.isclose(a, b, rel_tol=_SAME_COLOUR) for a, b in pairs):
        return []
    shown = (f"R {f.white_balance[0]:.2f} B {f.white_balance[2]:.2f}" for f in (short, long))
    return [f"white balance {' in the short, '.join(shown)} in the long: set it by hand"]


def _order(pair: Pair, short: str | None, long: str | None) -> list[str]:
    if short is None or long is None:
        return []
    after_s = (datetime.fromisoformat(short) - datetime.fromisoformat(long)).total_seconds()
    if abs(after_s) > FAR_APART_S:
        return [f"short and long were taken {abs(after_s) / 60:.0f} minutes apart"]
    if after_s < 0 and pair.scene.protocol.kind == "paired":
        return [f"the short was taken {-after_s:g} s before the long: take the long first"]
    return []
