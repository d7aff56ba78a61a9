"""The shooting sheet of a protocol: what to set, what to take in which order, what is checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, NamedTuple

from lldata.outputs.thumbnails import seconds
from lldata.protocol import Protocol, RawProtocol

_UNITS = {
    "px": "packed px", "deg": "degrees", "share": "of the picture", "db": "dB", "dn": "DN",
}  # fmt: skip
_ANY = "any"


_WORDS = {  # what a limit's name does not say by itself
    "shift": "shift of the long", "motion": "what moved", "drift": "drift inside a burst",
    "exposure": "measured against nominal ratio", "black offset": "black of short against long",
    "linearity": "deviation from linear", "clipped": "clipped share of the long",
    "name exposure": "time in the name against EXIF", "level": "black level against protocol",
    "white level": "white level against protocol", "effective white": "white of the render",
    "focus": "blur of the long", "headroom": "noise of the reference",
    "similarity": "likeness to another scene",
}  # fmt: skip


class Section(NamedTuple):
    """One table of the sheet."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Step(NamedTuple):
    """A short exposure that goes with a long one."""

    long_s: float
    short_s: float
    ratio: float  # nominal


def ladder(protocol: RawProtocol) -> list[Step]:
    """Return every long exposure with the shorts whose ratio the protocol has.

    A ratio counts as the nominal one within the protocol's tolerance of shutter times, as 10 s
    over 1/30 s is called 300.
    """
    exposure, near = protocol.exposure, protocol.limits.name_exposure
    steps = []
    for long_s in exposure.long_s:
        for short_s in sorted(exposure.short_s, reverse=True):
            ratio = long_s / short_s
            named = [r for r in exposure.ratios if math.isclose(ratio, r, rel_tol=near)]
            if named or not exposure.ratios:
                nearest = min(named, key=lambda r: abs(r - ratio), default=ratio)
                steps.append(Step(long_s, short_s, nearest))
    return steps


def sections(protocol: Protocol) -> list[Section]:
    """Return the sheet of a protocol of any kind, for paper or a terminal of 80 columns."""
    sheet = [Section(f"{protocol.name}: {protocol.title}", ("", ""), tuple(_settings(protocol)))]
    if isinstance(protocol, RawProtocol):
        sheet.append(_ladder_section(protocol))
    steps = tuple((str(n), said) for n, said in enumerate(protocol.shooting.instructions, 1))
    sheet.append(Section("How to shoot", ("", ""), steps))
    sheet.append(Section("Files", ("", ""), tuple(_files(protocol))))
    limits = getattr(protocol, "limits", None)
    if limits is not None:
        columns = ("measured", "unit", "warn at", "quarantine at")
        sheet.append(Section("What is checked", columns, tuple(_limits(asdict(limits)))))
    return sheet


def _settings(protocol: Protocol) -> list[tuple[str, str]]:
    rows = []
    if isinstance(protocol, RawProtocol):
        camera = protocol.camera
        rows = [
            ("camera", f"{camera.make} {_listed(camera.models)}" if camera.models else camera.make),
            ("ISO", camera.iso_nominal + _also(camera.iso_nominal, camera.iso_exif)),
            ("lens", _listed(camera.lenses)), ("aperture", camera.aperture),
            ("CFA", camera.cfa), ("black level", _level(camera.black_level)),
            ("white level", _level(camera.white_level)),
        ]  # fmt: skip
    for name in ("degradation", "patches"):
        table = getattr(protocol, name, None)
        if table is not None:
            rows += [(key.replace("_", " "), _said(v)) for key, v in asdict(table).items()]
    return [*rows, ("source", protocol.source)]


def _level(level: float | str) -> str:
    return level if isinstance(level, str) else f"{level:g} DN"


def _also(nominal: str, exif: Sequence[int]) -> str:
    said = _listed([str(iso) for iso in exif])
    return "" if not exif or said == nominal else f" (the camera says {said})"


def _ladder_section(protocol: RawProtocol) -> Section:
    rows: list[tuple[str, ...]] = []
    before = None
    for step in ladder(protocol):
        first = seconds(step.long_s) if step.long_s != before else ""
        rows.append((first, seconds(step.short_s), f"{step.ratio:g}"))
        before = step.long_s
    if not rows:
        rows = [(_ANY, _ANY, f"at most {protocol.exposure.ratio_cap:g}")]
    return Section("Exposure ladder", ("long", "short", "ratio"), tuple(rows))


def _files(protocol: Protocol) -> list[tuple[str, str]]:
    if isinstance(protocol, RawProtocol):
        rows = _raw_files(protocol)
    else:
        table = getattr(protocol, "files", None)
        rows = [] if table is None else [
            (key.replace("_", " "), _said(value)) for key, value in asdict(table).items()
        ]  # fmt: skip
    splits = protocol.splits
    rows.append(("splits", {
        "leading_digit": "the scene's first digit: "
        + ", ".join(f"{digit} {name}" for digit, name in splits.digits.items()),
        "all_test": "test, unless lists say otherwise",
        "sha256": "80 % train, 10 % val, 10 % test, by the sha256 of the source",
    }[splits.rule]))  # fmt: skip
    if splits.known_bad:
        rows.append(("known bad scenes", _listed(splits.known_bad)))
    return rows


def _raw_files(protocol: RawProtocol) -> list[tuple[str, str]]:
    files, rows = protocol.files, []
    steps = ladder(protocol)
    if protocol.kind == "bracket":
        return [("exposures", "SCENE_TAKE_EXPOSUREs, as 00001_00_0.5s"),
                ("file types", _listed(files.extensions))]  # fmt: skip
    for kind, folder in (("short", files.short), ("long", files.long)):
        time_s = getattr(steps[0], f"{kind}_s") if steps else 1.0
        digit = next(iter(protocol.splits.digits), "0")
        name = f"{digit}0001_00_{time_s:g}s"
        shown = f"{name}.{files.extensions[0]}" if protocol.parse_name(name) else files.name
        place = "/".join(p for p in (_listed(files.folders), folder) if p and p != _ANY)
        rows.append((f"{kind} exposures", f"{place}/{shown}"))
    return [*rows, ("file types", _listed(files.extensions))]


def _limits(limits: dict[str, float]) -> list[tuple[str, str, str, str]]:
    """Return one row for each thing measured, from fields such as shift_warn_px."""
    rows: dict[str, list[str]] = {}
    for name, value in limits.items():
        words = name.split("_")
        unit = _UNITS.get(words[-1], "")
        column = 3 if "quarantine" in words else 2
        what = " ".join(w for w in words if w not in ("warn", "quarantine", *_UNITS))
        row = rows.setdefault(what, [_WORDS.get(what, what), unit, "-", "-"])
        row[1], row[column] = unit or row[1], f"{value:g}"
    return [(r[0], r[1], r[2], r[3]) for r in rows.values()]


def _listed(values: Sequence[Any]) -> str:
    return " or ".join(map(str, values)) if values else _ANY


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " to ".join(map(str, value)) if _numbers(value) else ", ".join(map(str, value))
    return str(value)


def _numbers(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(v, int | float) for v in values)


def keys(protocol: Protocol) -> dict[str, Any]:
    """Return every key of a protocol but its text, as JSON values."""
    return {f.name: asdict(protocol)[f.name] for f in fields(protocol) if f.name != "text"}
