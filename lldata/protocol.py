"""Capture protocols: what a camera set-up promises, one TOML each in capture_protocols/.

The dataclasses are the specification: their fields are the keys, every key is required, unknown
ones are refused. capture_protocols/README.md gives the meaning and unit of each.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from lldata.errors import ProtocolError
from lldata.toml_tables import Tables

_TABLES = Tables(ProtocolError, "Correct the file (capture_protocols/README.md explains every key)")

SPOKEN = {
    "paired": "pairs that a camera took", "bracket": "brackets that a camera took",
    "clips": "clips", "synthesised": "darkened photographs",
}  # fmt: skip


@dataclass(frozen=True)
class Camera:
    """Which camera takes the frames and what its files should say; "any" is not checked."""

    make: str
    models: tuple[str, ...]  # empty: any
    cfa: str
    black_level: float | Literal["any"]
    white_level: int | Literal["any"]
    iso_nominal: str
    iso_exif: tuple[int, ...]  # empty: any
    lenses: tuple[str, ...]  # empty: any
    aperture: Literal["same in a pair"]


@dataclass(frozen=True)
class Exposure:
    """The ladder of exposures; an empty one means whatever the files hold."""

    short_s: tuple[float, ...]
    long_s: tuple[float, ...]
    ratios: tuple[float, ...]
    ratio_cap: float


@dataclass(frozen=True)
class Files:
    """Where frames lie and what their names mean."""

    folders: tuple[str, ...]
    short: str
    long: str
    name: str
    extensions: tuple[str, ...]
    group: str


@dataclass(frozen=True)
class PictureFiles:
    """Where ready pictures lie: one of each name in both folders."""

    low: str
    normal: str
    extensions: tuple[str, ...]


@dataclass(frozen=True)
class ClipFiles:
    """Where clips lie: in each scene's folder a folder of frames or a video for either name."""

    low: str
    target: str
    frame_extensions: tuple[str, ...]
    video_extensions: tuple[str, ...]


@dataclass(frozen=True)
class Patches:
    """What is cut from a frame at one place."""

    local_px: int
    region_px: dict[str, int]  # a scene's name, or a frame size WIDTHxHEIGHT -> side of the region


@dataclass(frozen=True)
class Degradation:
    """How a synthesised set darkens a photograph: ranges drawn from uniformly."""

    generator: Literal["retinex", "gamma"]
    alpha: tuple[float, ...]
    gamma: tuple[float, ...]
    noise_sigma: tuple[float, ...]
    eight_bit: bool
    extensions: tuple[str, ...]


@dataclass(frozen=True)
class Splits:
    """How scenes are divided."""

    rule: Literal["leading_digit", "all_test", "sha256"]
    digits: dict[str, str]
    known_bad: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """Where a measurement becomes a warning, and where it puts a pair in quarantine."""

    shift_warn_px: float
    shift_quarantine_px: float
    rotation_warn_deg: float
    rotation_quarantine_deg: float
    motion_warn_share: float
    motion_quarantine_share: float
    drift_warn_px: float
    drift_quarantine_px: float
    exposure_warn: float
    exposure_quarantine: float
    black_offset_dn: float
    linearity_warn: float
    linearity_quarantine: float
    clipped_warn: float
    clipped_quarantine: float
    name_exposure: float
    level_dn: float
    white_level_dn: float
    effective_white: float
    focus_warn: float
    headroom_warn_db: float
    similarity_warn: float


@dataclass(frozen=True)
class PictureLimits:
    """The limits of pairs of ready pictures."""

    shift_warn_px: float
    shift_quarantine_px: float
    clipped_warn: float
    similarity_warn: float


@dataclass(frozen=True)
class ClipLimits:
    """The limits of unpaired clips."""

    constant_quarantine: float
    repeated_warn: float
    darkness_warn: float
    darkness_quarantine: float


@dataclass(frozen=True)
class Shooting:
    """What the photographer does."""

    instructions: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """One capture set-up. Its name is its file's name; its class follows from kind and tables."""

    name: str
    title: str
    source: str
    kind: Literal["paired", "clips", "synthesised", "bracket"]
    splits: Splits
    shooting: Shooting
    text: str  # the TOML itself, kept in every dataset made under it


@dataclass(frozen=True)
class RawProtocol(Protocol):
    """RAW frames of one camera: kinds paired (with a [camera]) and bracket."""

    camera: Camera
    exposure: Exposure
    files: Files
    limits: Limits

    def parse_name(self, stem: str) -> dict[str, str] | None:
        """Return scene, take, exposure_s and split digit of a file stem, or None."""
        match = re.fullmatch(self.files.name, stem)
        return match.groupdict() if match else None

    def matches_camera(self, camera: str) -> bool:
        """Whether a frame's make and model are this protocol's."""
        words = camera.casefold()
        return self.camera.make == "any" or (
            self.camera.make.casefold() in words
            and any(words.endswith(model.casefold()) for model in self.camera.models)
        )

    def matches_iso(self, iso: float) -> bool:
        """Whether a frame's EXIF ISO belongs to this protocol."""
        return not self.camera.iso_exif or round(iso) in self.camera.iso_exif


@dataclass(frozen=True)
class PictureProtocol(Protocol):
    """Ready pictures, dark and normally lit: kind paired without a [camera]."""

    files: PictureFiles
    limits: PictureLimits


@dataclass(frozen=True)
class ClipProtocol(Protocol):
    """Unpaired clips, dark and normally lit."""

    files: ClipFiles
    patches: Patches
    limits: ClipLimits


@dataclass(frozen=True)
class SynthesisProtocol(Protocol):
    """Pictures darkened by a formula."""

    degradation: Degradation


def load_raw(name: str) -> RawProtocol:
    """Read a protocol of RAW frames.

    Raises
    ------
    ProtocolError
        If there is none, or it is of pictures or clips.
    """
    protocol = load(name)
    if not isinstance(protocol, RawProtocol):
        raise ProtocolError(
            f"protocol {name}", f"it is for {SPOKEN[protocol.kind]}",
            "a protocol of RAW frames is needed", "Choose another (lldata protocols lists them)",
        )  # fmt: skip
    return protocol


def names() -> list[str]:
    """Return the names of the shipped protocols."""
    entries = files("capture_protocols").iterdir()
    return sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml"))


@lru_cache(maxsize=32)
def load(name: str) -> Protocol:
    """Read a shipped protocol, or one of your own by the path of its TOML.

    Raises
    ------
    ProtocolError
        If there is no such protocol or its file is malformed.
    """
    if name.endswith(".toml") and Path(name).is_file():
        return parse(Path(name).stem, Path(name).read_text("utf-8"))
    if name not in names():
        raise ProtocolError(
            f"protocol {name}",
            "no such protocol",
            f"the protocols are {', '.join(names())}",
            "Choose one of them (lldata protocols describes them)",
        )
    return parse(name, (files("capture_protocols") / f"{name}.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Protocol:
    """Read a protocol from its TOML text.

    Raises
    ------
    ProtocolError
        If a key is missing, unknown or of the wrong type.
    """
    where = f"{name}.toml"
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(where, f"{error}", "it must be TOML", "Correct the file") from error
    named = {**table, "name": name, "text": text}
    protocol: Protocol = _TABLES.filled(_kind(table), named, where)
    if isinstance(protocol, RawProtocol):
        needed = {"scene", "take", "exposure_s"}
        if protocol.splits.rule == "leading_digit":
            needed.add("split")
        if set(re.compile(protocol.files.name).groupindex) - {"group"} != needed:
            raise ProtocolError(
                f"{where}: files.name",
                f"the pattern is {protocol.files.name!r}",
                f"its named groups must be {', '.join(sorted(needed))}",
                "Correct the pattern",
            )
    return protocol


def _kind(table: dict[str, Any]) -> type[Protocol]:
    if table.get("kind") == "paired":
        return RawProtocol if "camera" in table else PictureProtocol
    kinds: dict[Any, type[Protocol]] = {
        "clips": ClipProtocol, "synthesised": SynthesisProtocol, "bracket": RawProtocol,
    }  # fmt: skip
    return kinds.get(table.get("kind"), Protocol)
