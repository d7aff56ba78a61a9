"""The shooting sheet of a protocol: what to set, what to take in which order, what is checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, NamedTuple

from lldata.outputs.thumbnails import seconds
from lldata.protocol import (
    ClipLimits,
    ClipProtocol,
    Limits,
    PictureLimits,
    Protocol,
    RawProtocol,
    SynthesisProtocol,
)

_ANY = "any"
_ENDINGS = ("warn", "quarantine", "px", "deg", "share", "db", "dn")  # of the names of limits
_MEASURED: dict[type, dict[str, tuple[str, str]]] = {  # limit -> what is measured, its unit
    Limits: {
        "shift": ("shift of the long", "packed px"),
        "rotation": ("turn of the long", "degrees"),
        "motion": ("what moved by itself", "% of the picture"),
        "drift": ("shift between the shorts", "packed px"),
        "exposure": ("ratio against nominal", "% of it"),
        "black offset": ("black of short against long", "DN"),
        "linearity": ("soft highlights of the long", "% of it"),
        "clipped": ("clipped part of the long", "% of it"),
        "name exposure": ("time in the name against EXIF", "% of it"),
        "level": ("black level against protocol", "DN"),
        "white level": ("white level against protocol", "DN"),
        "effective white": ("white point of the render", "% of it"),
        "focus": ("blur of the sharpest edges", "packed px"),
        "headroom": ("PSNR the reference allows", "dB"),
        "similarity": ("likeness to another scene", "correlation"),
    },
    PictureLimits: {
        "shift": ("shift of the lit picture", "px"),
        "clipped": ("clipped part of the lit picture", "% of it"),
        "similarity": ("likeness to another pair", "correlation"),
    },
    ClipLimits: {
        "constant": ("frames of one value", "% of the clip"),
        "repeated": ("frames that repeat", "% of the clip"),
        "darkness": ("mean luma of low", "% of the target's"),
    },
}
_LEAST = ("headroom",)  # limits that a measurement should not fall below


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
        sheet.append(Section("What is checked", columns, tuple(_limits(limits))))
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
    if isinstance(protocol, SynthesisProtocol):
        drawn = asdict(protocol.degradation)
        rows = [(key.replace("_", " "), _said(v)) for key, v in drawn.items()]
    if isinstance(protocol, ClipProtocol):
        sides = protocol.patches.region_px.items()
        rows = [
            ("side of a patch", f"{protocol.patches.local_px} px"),
            ("side of its region", "; ".join(f"{_place(key)}: {px} px" for key, px in sides)),
        ]
    return [*rows, ("source", protocol.source)]


def _place(key: str) -> str:
    """Return which frames a key of region_px means: WIDTHxHEIGHT, or a scene."""
    width, times, height = key.partition("x")
    sized = times and width.isdigit() and height.isdigit()
    return f"frames of {key} (width x height)" if sized else f"scene {key}"


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


def _limits(limits: Limits | PictureLimits | ClipLimits) -> list[tuple[str, str, str, str]]:
    """Return one row for each thing measured, from fields such as shift_warn_px."""
    words = _MEASURED[type(limits)]
    rows: dict[str, list[str]] = {}
    for name, value in asdict(limits).items():
        parts = name.split("_")
        what = " ".join(w for w in parts if w not in _ENDINGS)
        row = rows.setdefault(what, [*words[what], "-", "-"])
        shown = f"{100 * value if row[1].startswith('%') else value:g}"
        if not value:
            shown = "above 0"
        row[3 if "quarantine" in parts else 2] = f"under {shown}" if what in _LEAST else shown
    return [(r[0], r[1], r[2], r[3]) for r in rows.values()]


def _listed(values: Sequence[Any]) -> str:
    *most, last = map(str, values or (_ANY,))
    return f"{', '.join(most)} or {last}" if most else last


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return interval(value) if _numbers(value) else ", ".join(map(str, value))
    return str(value)


def interval(values: Sequence[float]) -> str:
    """Return least and greatest value in words, one where they are equal."""
    return " to ".join(dict.fromkeys(f"{value:.4g}" for value in values))


def _numbers(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(v, int | float) for v in values)


def keys(protocol: Protocol) -> dict[str, Any]:
    """Return every key of a protocol but its text, as JSON values."""
    return {f.name: asdict(protocol)[f.name] for f in fields(protocol) if f.name != "text"}
