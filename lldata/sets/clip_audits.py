"""What is wrong with a pair of unpaired clips: each audit a function, clips -> finding.

The clips show different times and were never registered, so that nothing is compared pixel by
pixel: integrity looks for lost and frozen frames, metadata at sizes, numbers and depth, exposure
at how much darker the low clip is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata.audit import Finding, Status, worst
from lldata.errors import FrameError, MetadataError
from lldata.protocol import ClipProtocol
from lldata.reading.clip_files import TRUTH_CLIP
from lldata.reading.clip_frames import Clip, ClipFrame, frames

MEANINGS = {
    "integrity": (
        "Every frame of both clips is decoded and looked at: does it hold a picture, and is it "
        "another than the one before? Quarantine means that frames hold one value everywhere or a "
        "file cannot be read: copy or export the clip again. A warning means that many frames "
        "repeat: the recorder or the export dropped some."
    ),
    "metadata": (
        "Sizes, bits, frame numbers and formats of both clips are compared, and names with the "
        "lists. Quarantine means that a clip is missing or of mixed frames, or that the authors of "
        "the set name the scene as unusable; a warning means that sizes differ, frame numbers are "
        "missing or a video asks to be turned. Export both clips whole and alike."
    ),
    "exposure": (
        "The mean luma of the low clip, as encoded, is divided by that of its target. Both show "
        "different times and are not registered, so that nothing is compared pixel by pixel. A "
        "warning means that the low clip is hardly darker, quarantine that it is not darker at "
        "all: film it again in less light or with a shorter exposure."
    ),
}
_LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, of encoded R, G, B
_NAMES_SHOWN = 3


@dataclass
class Measured:
    """What one reading of a clip tells; filled frame by frame."""

    count: int = 0
    size: tuple[int, int] = (0, 0)  # (H, W)
    facts: dict[str, Any] = field(default_factory=dict)
    luma: list[float] = field(default_factory=list)  # mean of each frame, encoded, 0 to 1
    constant: list[str] = field(default_factory=list)  # frames of one value
    repeated: list[str] = field(default_factory=list)  # frames equal to the one before
    digests: list[str] = field(default_factory=list)  # sha256 of each file

    def record(self) -> dict[str, Any]:
        """Return what the store keeps of it."""
        return {
            "frames": self.count, "height": self.size[0], "width": self.size[1], **self.facts,
            "mean_luma": float(np.mean(self.luma)),
        }  # fmt: skip


def measure(clip: Clip, *, twice: bool = False) -> Measured:
    """Read a clip once, frame by frame; `twice` decodes every frame again and compares.

    Raises
    ------
    FrameError
        If a frame is damaged or decodes differently; `MetadataError` if frames differ in size or
        depth.
    """
    found, before = Measured(), None
    again = frames(clip) if twice else None
    for frame in frames(clip):
        _check_same(found, frame)
        if again is not None and not np.array_equal(next(again).pixels, frame.pixels):
            raise FrameError(
                frame.where, "decoded twice it gives different pixels",
                "a sound file decodes alike", "Copy it from the card again",
            )  # fmt: skip
        found.count += 1
        found.luma.append(mean_luma(frame.pixels))
        found.digests.append(frame.sha256)
        if frame.pixels.min() == frame.pixels.max():
            found.constant.append(frame.where)
        elif before is not None and np.array_equal(before, frame.pixels):
            found.repeated.append(frame.where)
        before = frame.pixels
    return found


def mean_luma(pixels: NDArray[np.uint16]) -> float:
    """Return the mean BT.709 luma of a frame (H, W, 3) uint16, as encoded, 0 to 1."""
    means = cv2.mean(pixels)[:3]
    return float(np.dot(means, _LUMA)) / 65535


def _check_same(found: Measured, frame: ClipFrame) -> None:
    size = (frame.pixels.shape[0], frame.pixels.shape[1])
    if not found.count:
        found.size, found.facts = size, frame.facts
    for what, first, here in (
        ("size", _by(found.size), _by(size)),
        ("depth in bits", found.facts["bits"], frame.facts["bits"]),
    ):
        if first != here:
            raise MetadataError(
                frame.where, f"its {what} is {here}", f"the frames before have {first}",
                "Export the frames of one clip alike",
            )  # fmt: skip


def _by(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"


@dataclass(frozen=True)
class ClipPair:
    """The low clip and its target, as measured, and where they lie."""

    scene: str
    protocol: ClipProtocol
    clips: Mapping[str, Clip]  # low, target; truth where it is known
    measured: Mapping[str, Measured]

    def said_of(self) -> Iterator[tuple[str, Measured]]:
        """Yield low and target."""
        return ((name, self.measured[name]) for name in ("low", "target"))

    def finding(
        self, check: str, status: Status, measured: float | None, limit: float | None, message: str
    ) -> Finding:
        """Return what an audit says of this pair."""
        return Finding(self.scene, f"{self.scene}/low", check, status, measured, limit, message)


def integrity(pair: ClipPair) -> Finding:
    """Count frames that hold one value and frames that repeat the one before.

    Frames that cannot be read cost the scene before any audit.
    """
    limits = pair.protocol.limits
    said: list[str] = []
    statuses: list[Status] = []
    largest = 0.0
    for name, each in pair.said_of():
        for where, what, limit, status in (
            (each.constant, "hold one value in every pixel", limits.constant_quarantine,
             "quarantine"),
            (each.repeated, "repeat the one before", limits.repeated_warn, "warn"),
        ):  # fmt: skip
            share = len(where) / each.count
            largest = max(largest, share)
            if where:
                said.append(
                    f"{len(where)} of {each.count} frames of {name} {what} ({_some(where)})"
                )
            if share > limit:
                statuses.append("quarantine" if status == "quarantine" else "warn")
    counts = ", ".join(f"{each.count} frames of {name}" for name, each in pair.said_of())
    if not said:
        return pair.finding("integrity", "pass", 0.0, 0.0, f"{counts}: every one holds a picture")
    advice = ". Export or film the clip again" if statuses else ""
    return pair.finding(
        "integrity", worst(statuses), largest, limits.repeated_warn, "; ".join(said) + advice
    )


def _some(names: Sequence[str]) -> str:
    more = "" if len(names) <= _NAMES_SHOWN else ", …"
    return ", ".join(names[:_NAMES_SHOWN]) + more


def metadata(pair: ClipPair) -> Finding:
    """Compare the sizes of both clips; look for gaps in frame numbers, 8 bits, turned videos."""
    warnings = []
    low, target = pair.measured["low"], pair.measured["target"]
    if low.size != target.size:
        warnings.append(f"low has {_by(low.size)} pixels, target {_by(target.size)}")
    for name, each in pair.said_of():
        missing = missing_numbers(pair.clips[name])
        if missing:
            warnings.append(
                f"{len(missing)} frame numbers of {name} are missing "
                f"({_some([str(n) for n in missing])})"
            )
        if each.facts.get("rotation_deg"):
            warnings.append(
                f"{name} asks players to turn it by {each.facts['rotation_deg']} degrees; "
                "it is stored as the sensor lay"
            )
    told = "; ".join(f"{n}: {_by(m.size)}, {_format(m.facts)}" for n, m in pair.said_of())
    if region_side(pair.protocol, pair.scene, low.size) is None:
        told += f"; {pair.protocol.name} names no region for {_by(low.size)}: give region_px"
    status: Status = "warn" if warnings else "pass"
    if pair.scene in pair.protocol.splits.known_bad and TRUTH_CLIP not in pair.clips:
        status = "quarantine"
        warnings.insert(0, f"the authors of {pair.protocol.name} name the scene as unusable")
    return pair.finding("metadata", status, float(len(warnings)), 0.0, "; ".join([*warnings, told]))


def _format(facts: Mapping[str, Any]) -> str:
    matrix = f", matrix {facts['matrix']}" if "matrix" in facts else ""
    return f"{facts['bits']}-bit {facts['format']}{matrix}"


def missing_numbers(clip: Clip) -> list[int]:
    """Return the frame numbers that a folder's names skip; none where names end in no number."""
    endings = [re.search(r"\d+$", path.stem) for path in clip.files]
    if clip.video or not all(endings):
        return []
    numbers = {int(ending.group()) for ending in endings if ending}
    span = range(min(numbers), max(numbers) + 1)
    if len(numbers) < len(clip.files) or len(span) > 2 * len(numbers):  # no plain count
        return []
    return sorted(set(span) - numbers)


def region_side(protocol: ClipProtocol, scene: str, size: tuple[int, int]) -> int | None:
    """Return the side of a scene's regions in px: by its name, else by (H, W); None if unnamed."""
    sides = protocol.patches.region_px
    return sides.get(scene, sides.get(_by(size)))


def exposure(pair: ClipPair) -> Finding:
    """Compare the mean luma of both clips, as encoded."""
    limits = pair.protocol.limits
    low, target = (float(np.mean(each.luma)) for _, each in pair.said_of())
    if not target:
        return pair.finding("exposure", "quarantine", None, None, "the target is black")
    share = low / target
    said = f"low has a mean luma of {low:.4f}, target {target:.4f}: {share:.3f} of it"
    for status, limit in (
        ("quarantine", limits.darkness_quarantine), ("warn", limits.darkness_warn)
    ):  # fmt: skip
        if share >= limit:
            message = f"{said}, from {limit:g} on it is no low light. Film it darker"
            grave: Status = "quarantine" if status == "quarantine" else "warn"
            return pair.finding("exposure", grave, share, limit, message)
    return pair.finding("exposure", "pass", share, limits.darkness_warn, said)


AUDITS = (integrity, metadata, exposure)  # each: clips -> finding
