"""Capture protocols: what a camera set-up promises, one TOML each in capture_protocols/.

The dataclasses are the specification: their fields are the keys, every key is required, unknown
ones are refused. capture_protocols/README.md gives the meaning and unit of each.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lldata.errors import ProtocolError


@dataclass(frozen=True)
class Camera:
    """Which camera takes the frames and what its files should say."""

    make: str
    models: tuple[str, ...]
    cfa: str
    black_level: float
    white_level: int
    iso_nominal: str
    iso_exif: tuple[int, ...]  # empty: any
    lenses: tuple[str, ...]  # empty: any
    aperture: Literal["same in a pair"]


@dataclass(frozen=True)
class Exposure:
    """The ladder of exposures."""

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
class Splits:
    """How scenes are divided."""

    rule: Literal["leading_digit"]
    digits: dict[str, str]
    known_bad: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """Where a measurement becomes a warning, and where it puts a pair in quarantine."""

    shift_warn_px: float
    shift_quarantine_px: float
    exposure_warn: float
    exposure_quarantine: float
    clipped_warn: float
    clipped_quarantine: float
    name_exposure: float
    level_dn: float
    white_level_dn: float
    effective_white: float


@dataclass(frozen=True)
class Shooting:
    """What the photographer does."""

    instructions: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """One capture set-up. Its name is its file's name."""

    name: str
    title: str
    source: str
    kind: Literal["paired", "clips", "synthesised", "bracket"]
    camera: Camera
    exposure: Exposure
    files: Files
    splits: Splits
    limits: Limits
    shooting: Shooting
    text: str  # the TOML itself, kept in every dataset made under it

    def parse_name(self, stem: str) -> dict[str, str] | None:
        """Return scene, take, exposure_s and split digit of a file stem, or None."""
        match = re.fullmatch(self.files.name, stem)
        return match.groupdict() if match else None

    def matches_camera(self, camera: str) -> bool:
        """Whether a frame's make and model are this protocol's."""
        words = camera.casefold()
        return self.camera.make.casefold() in words and any(
            words.endswith(model.casefold()) for model in self.camera.models
        )

    def matches_iso(self, iso: float) -> bool:
        """Whether a frame's EXIF ISO belongs to this protocol."""
        return not self.camera.iso_exif or round(iso) in self.camera.iso_exif


def names() -> list[str]:
    """Return the names of the shipped protocols."""
    entries = files("capture_protocols").iterdir()
    return sorted(e.name.removesuffix(".toml") for e in entries if e.name.endswith(".toml"))


@lru_cache(maxsize=32)
def load(name: str) -> Protocol:
    """Read a shipped protocol.

    Raises
    ------
    ProtocolError
        If there is no such protocol or its file is malformed.
    """
    if name not in names():
        raise ProtocolError(
            f"--protocol {name}",
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
    protocol: Protocol = _build(Protocol, {**table, "name": name, "text": text}, where)
    needed = {"scene", "take", "exposure_s", "split"}
    if set(re.compile(protocol.files.name).groupindex) - {"group"} != needed:
        raise ProtocolError(
            f"{where}: files.name",
            f"the pattern is {protocol.files.name!r}",
            f"its named groups must be {', '.join(sorted(needed))}",
            "Correct the pattern",
        )
    return protocol


def _build(kind: type, table: Any, where: str) -> Any:
    hints = get_type_hints(kind)
    known = [f.name for f in dataclasses.fields(kind)]
    if not isinstance(table, dict):
        raise ProtocolError(where, f"it is {table!r}", "a table is needed", "Correct the file")
    for key in [*table, *known]:
        if key not in known or key not in table:
            state = "unknown" if key not in known else "missing"
            raise ProtocolError(
                where,
                f"the key {key!r} is {state}",
                f"the keys are {', '.join(known)}",
                "Correct the file (capture_protocols/README.md explains every key)",
            )
    return kind(**{key: _value(hints[key], table[key], f"{where}: {key}") for key in known})


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(arguments[0], item, where) for item in value)
    if origin is dict and isinstance(value, dict):
        return {str(k): _value(arguments[1], v, where) for k, v in value.items()}
    if origin is Literal and value in arguments:
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and not isinstance(value, bool):
        return value
    expected = getattr(hint, "__name__", str(hint)) if isinstance(hint, type) else str(hint)
    raise ProtocolError(
        where,
        f"it is {value!r}",
        f"{expected} is needed",
        "Correct the file (capture_protocols/README.md explains every key)",
    )
