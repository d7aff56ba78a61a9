"""The page of the classical methods' times, from nothing but their rows."""

from __future__ import annotations

from typing import Any

_HEAD = """# How long the classical methods take

Written by `make bench` from `docs/benchmarks/classical.json`; no figure is typed by hand.

Seconds of processor time per megapixel of one colour picture, medians: {processor}, {cores} cores,
Python {python}. With one core that is what one waits. A dash: the method would take minutes at that
size and was not run. Denoisers estimate the noise of the picture first; K-SVD learns from as many
patches of a small picture as of a large one. What an option means is told by
`lleval models METHOD`."""
_EXPOSURE = """## How much the exposure matters to Retinex

With `offset=0` a Retinex method shows the same picture however long the exposure was; the published
offset of 1 (of 255), the default, keeps the noise of the dark down but gives that up. This is the
mean change, and the largest, in 1/255, when the light of the picture is halved."""
_SHEET = """What they make of a picture, and where each of them fails, is shown in
[classical_pictures.md](classical_pictures.md)."""


def page(report: dict[str, Any]) -> str:
    """Return the page, Markdown."""
    rows = report["rows"]
    sizes = sorted({each["megapixels"] for row in rows for each in row.get("times", [])})
    table = [["method", "options", *(f"at {size:g} megapixels" for size in sizes)]]
    table += [[f"`{row['method']}`", _options(row["options"]), *_cells(row, sizes)] for row in rows]
    lines = ["| " + " | ".join(line) + " |" for line in table]
    lines.insert(1, "|---|---|" + "---:|" * len(sizes))
    hardware, python = report["hardware"], report["software"]["python"]
    head = _HEAD.format(
        processor=hardware["processor"], cores=hardware["cores"], python=python
    )  # fmt: skip
    parts = [head, "\n".join(lines), _EXPOSURE, _exposures(report["exposures"]), _SHEET]
    return "\n\n".join(parts) + "\n"


def _exposures(rows: list[dict[str, Any]]) -> str:
    lines = ["| method | offset | mean change | largest change |", "|---|---:|---:|---:|"]
    for row in rows:
        changes = (f"{255 * row[key]:.2g}" for key in ("mean", "largest"))
        lines.append(f"| `{row['method']}` | {row['offset']} | {' | '.join(changes)} |")
    return "\n".join(lines)


def _options(options: dict[str, Any]) -> str:
    return " ".join(f"`{key}={str(value).lower() if value is False else value}`"
                    for key, value in options.items())  # fmt: skip


def _cells(row: dict[str, Any], sizes: list[float]) -> list[str]:
    if "missing" in row:
        return ["not installed"] * len(sizes)
    known = {each["megapixels"]: each["cpu_seconds"] / each["megapixels"] for each in row["times"]}
    return [_two_digits(known[size]) if size in known else "-" for size in sizes]


def _two_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
