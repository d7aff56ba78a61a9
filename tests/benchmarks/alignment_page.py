"""The page of the alignment study, from nothing but its rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tests.benchmarks.alignment_bound import attained

Row = dict[str, Any]

SHIFTED = ("still", "small", "whole", "far")
NAMES = {"sid_sony": "Sony α7S II", "canon6d_iso200": "Canon 6D, ISO 200",
         "canon6d_iso12600": "Canon 6D, ISO 12800", "sid_fuji": "Fujifilm X-T2"}  # fmt: skip
PROMISED_PX = 0.15  # error of a shift, packed pixels
SIGNAL_E = 0.3  # photo-electrons: the mean of the short's green above which promises hold
MOTION_SHARE = 0.05  # of the blocks: the limit for warnings
LIGHT_E = (0.0, 0.2, 0.3, 0.5, 1.0, 5.0, math.inf)
TURNS_DEG = (0.02, 0.05, 0.1, 0.2, 0.5)
_RESAMPLED = 1000


def page(report: dict[str, Any]) -> str:
    """Return the page, Markdown."""
    rows = [dict(zip(report["columns"], row, strict=True)) for row in report["trials"]]
    tiles = [dict(zip(report["tile_columns"], row, strict=True)) for row in report["tiles"]]
    shifted = [row for row in rows if row["kind"] in SHIFTED]
    parts = [
        _HEAD.format(pairs=len(shifted), scenes=len({row["scene"] for row in rows})),
        _precision(shifted), _decisions(shifted), _light(shifted), _turns(rows), _objects(rows),
        _tiles(tiles),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


_HEAD = """# How far the alignment audit can be trusted

Written by `make study` from `docs/benchmarks/alignment.json`; no figure is typed by hand.

{pairs} simulated pairs of {scenes} scenes (photographs and drawn night scenes, 512x768 mosaic
pixels, exposure ratios 100, 250 and 300), a quarter of them not shifted, the others by 1 to 32
packed pixels, by whole and by fractional ones; the scene itself is rendered at the shift, then
mosaic and noise are added. A packed pixel is a 2x2 (Bayer) or 3x3 (X-Trans) cell. Intervals are
95 %: of rates by Wilson, of percentiles by resampling scenes."""


def _precision(rows: list[Row]) -> str:
    table = [["camera", "pairs", "not measured", "median", "95th percentile", "99th", "largest"]]
    for name, part in _parts(rows):
        found = [row for row in part if row["measured_y_px"] is not None]
        errors = [[_error(row)] for row in found]
        scenes = [row["scene"] for row in found]
        percentiles = (_percentile(errors, scenes, p) for p in (50, 95, 99))
        worst = f"{max(e[0] for e in errors):.3f}"
        table.append([name, len(part), len(part) - len(found), *percentiles, worst])
    limits = [_bounded(name, part) for name, part in _parts(rows)[: len(NAMES)]]
    return "\n\n".join(
        ["## Error of the shift, packed pixels", _markdown(table), *filter(None, limits)]
    )


def _bounded(name: str, rows: list[Row]) -> str:
    """Return what the noise allows a camera whose 99th percentile is over the promise, else ""."""
    errors = [_error(row) for row in rows if row["measured_y_px"] is not None]
    measured = float(np.percentile(errors, 99))
    if measured <= PROMISED_PX:
        return ""
    best, low, high = attained([(row["bound_px"], row["bound_other_px"]) for row in rows], 99)
    return (
        f"{name}: were every shift known as exactly as the noise allows (Cramér-Rao bound of the "
        "short's greens where the long is not saturated, for noise that counts by its variance), "
        f"the 99th percentile would be {best:.3f} ({low:.3f} to {high:.3f} in 95 % of such "
        f"studies); the audit's is {measured:.3f}."
    )


def _parts(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """Return the rows of each camera, of all pairs with some light, and all."""
    parts = [(name, [r for r in rows if r["protocol"] == key]) for key, name in NAMES.items()]
    bright = [row for row in rows if row["electrons"] >= SIGNAL_E]
    return [*parts, (f"all of {SIGNAL_E} photo-electrons or more", bright), ("all", rows)]


def _error(row: Row) -> float:
    return math.hypot(row["measured_y_px"] - row["y_px"], row["measured_x_px"] - row["x_px"])


def _percentile(values: list[list[float]], scenes: Sequence[int], percentile: float) -> str:
    """Return a percentile with its interval, whole scenes resampled."""
    groups: dict[int, list[float]] = {}
    for value, scene in zip(values, scenes, strict=True):
        groups.setdefault(scene, []).extend(value)
    parts = [np.array(part) for part in groups.values()]
    rng, drawn = np.random.default_rng(0), []
    for _ in range(_RESAMPLED):
        chosen = rng.integers(0, len(parts), len(parts))
        drawn.append(np.percentile(np.concatenate([parts[i] for i in chosen]), percentile))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{np.percentile(np.concatenate(parts), percentile):.3f} ({low:.3f} to {high:.3f})"


def _decisions(rows: list[Row]) -> str:
    table = [["camera", "not shifted: false alarms", "shifted by 1 px or more: caught",
              "unknown"]]  # fmt: skip
    bright = [row for row in rows if row["electrons"] >= SIGNAL_E]
    for name, part in _parts(rows):
        table.append([name, *_rates(part, _planted)])
    return (
        "## What the audit says\n\nCaught: warned or quarantined; an unknown is not caught. "
        f"The short's green of {len(bright)} of {len(rows)} pairs has a mean of {SIGNAL_E} "
        "photo-electrons per photosite or more.\n\n" + _markdown(table)
    )


def _planted(row: Row) -> float:
    return math.hypot(row["y_px"], row["x_px"])


def _rates(rows: list[Row], size: Callable[[Row], float]) -> list[str]:
    still = [row["status"] in ("warn", "quarantine") for row in rows if not size(row)]
    moved = [row["status"] in ("warn", "quarantine") for row in rows if size(row) >= 1]
    return [_share(still), _share(moved), _share(row["status"] == "unknown" for row in rows)]


def _share(flags: Iterable[bool]) -> str:
    """Return k of n, its share and the Wilson interval of it."""
    known = list(flags)
    n, k = len(known), sum(known)
    if not n:
        return "none"
    z = 1.959964
    centre, spread = (k + z * z / 2) / (n + z * z), z / (n + z * z)
    spread *= math.sqrt(k * (n - k) / n + z * z / 4)
    low, high = max(centre - spread, 0), min(centre + spread, 1)
    return f"{k} of {n}: {k / n:.1%} ({low:.1%} to {high:.1%})"


def _light(rows: list[Row]) -> str:
    table = [["photo-electrons", "pairs", "95th percentile of error", "not shifted: false alarms",
              "shifted by 1 px or more: caught", "unknown"]]  # fmt: skip
    for low, high in pairwise(LIGHT_E):
        part = [row for row in rows if low <= row["electrons"] < high]
        found = [row for row in part if row["measured_y_px"] is not None]
        if not found:
            continue
        errors = _percentile([[_error(r)] for r in found], [r["scene"] for r in found], 95)
        name = f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"
        table.append([name, len(part), errors, *_rates(part, _planted)])
    return "## By light\n\nThe mean of the short's green, per photosite.\n\n" + _markdown(table)


def _turns(rows: list[Row]) -> str:
    table = [["turn of the short, degrees", "pairs", "turn cannot be told", "caught",
              "median error, degrees"]]  # fmt: skip
    turned = [row for row in rows if row["kind"] == "turned"]
    for low, high in pairwise(TURNS_DEG):
        part = [row for row in turned if low <= abs(row["turn_deg"]) < high]
        told = [row for row in part if _told(row)]
        errors = [abs(row["measured_turn_deg"] - row["turn_deg"]) for row in told]
        caught = _share(row["status"] in ("warn", "quarantine") for row in told)
        table.append([f"{low:g} to {high:g}", len(part), len(part) - len(told), caught,
                      f"{np.median(errors):.3f}"])  # fmt: skip
    return (
        "## Turns\n\nPlanted about the middle of the frame. Of those whose error is small enough "
        "to tell: what the audit catches.\n\n" + _markdown(table)
    )


def _told(row: Row) -> bool:
    return row["turn_error_deg"] is not None and 3 * row["turn_error_deg"] < 0.1


def _objects(rows: list[Row]) -> str:
    table = [["camera", "pairs", "too dark to tell", "caught"]]
    moved = [row for row in rows if row["kind"] == "object" and row["object_px"] >= 2]
    for name, part in _parts(moved):
        told = [row for row in part if (row["blocks"] or 0) >= 8]
        caught = _share(row["status"] in ("warn", "quarantine") for row in told)
        table.append([name, len(part), len(part) - len(told), caught])
    still = [row for row in rows if row["kind"] in SHIFTED and (row["blocks"] or 0) >= 8]
    false = _share(row["moved"] / row["blocks"] >= MOTION_SHARE for row in still)
    return (
        "## Things that move in the picture\n\nAn ellipse of 5 to 30 % of the frame moves by 2 to "
        "12 packed pixels, the rest stays. Pairs in which nothing moves by itself, but "
        f"{MOTION_SHARE:.0%} of the blocks or more are said to: {false}.\n\n" + _markdown(table)
    )


def _tiles(rows: list[Row]) -> str:
    if not rows:
        return "## Real tiles\n\nNot measured."
    bad = {row["tile"] for row in rows if row["status"] == "quarantine" and _unplanted(row)}
    good = [row for row in rows if row["tile"] not in bad]
    planted = [row for row in good if not _unplanted(row)]
    errors = [
        [math.hypot(*(r[f"measured_{a}"] - r[f"still_{a}"] - r[a] for a in ("y_px", "x_px")))]
        for r in planted
    ]
    scenes = [int(row["tile"]) for row in planted]
    size = {id(row): math.hypot(row["y_px"], row["x_px"]) for row in good}
    false, caught, unknown = _rates(good, lambda row: size[id(row)])
    table = [
        ["what", "figure"],
        ["tiles", len({row["tile"] for row in rows})],
        ["quarantined as they are", f"{len(bad)}: {', '.join(sorted(bad))}"],
        ["the others, as they are: false alarms", false],
        ["shifts planted on the others: caught", caught],
        ["unknown", unknown],
        *[[f"error, {name}", _percentile(errors, scenes, p)]
          for name, p in (("median", 50), ("95th percentile", 95), ("99th", 99))],
        ["error, largest", f"{max(e[0] for e in errors):.3f}"],
    ]  # fmt: skip
    return (
        "## Real tiles\n\nSee-in-the-Dark, Sony α7S II, 512x512 mosaic pixels. Planted by cutting, "
        "by whole packed pixels up to 32; error: measured with the planted shift, less measured "
        "without, less planted.\n\n" + _markdown(table)
    )


def _unplanted(row: Row) -> bool:
    return row["y_px"] == row["x_px"] == 0


def _markdown(table: list[list[Any]]) -> str:
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in table]
    lines.insert(1, "|" + "---|" * len(table[0]))
    return "\n".join(lines)
