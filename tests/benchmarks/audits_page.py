"""The page of the audits: their docstrings, what reports say of them, and their limits.

Run it as `python -m tests.benchmarks.audits_page`; it writes docs/audits.md.
"""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from lldata import protocol
from lldata.outputs.captions import meanings
from tests.benchmarks.tables import filled, markdown

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "audits.md"

LIMITS = {  # audit -> what the names of its limits begin with
    "alignment": ("shift", "rotation", "motion", "drift"),
    "exposure": ("exposure", "black_offset", "linearity", "clipped", "effective", "darkness"),
    "metadata": ("name_exposure", "level", "white_level"),
    "integrity": ("constant", "repeated"),
    "focus": ("focus",),
    "noise": ("headroom",),
    "duplicates": ("similarity",),
}

_HEAD = """# What each audit asks

Written by `python -m tests.benchmarks.audits_page` from the docstrings of `lldata/audit/` and of
what it measures with, from the words of the reports and from the limits of `capture_protocols/`;
nothing is typed by hand. One finding is made for each pair and audit: `pass`, `warn`,
`quarantine`, or `unknown` where nothing could be measured. A pair in quarantine stays in the
dataset and out of every score. A packed pixel is one CFA cell, 2x2 photosites of Bayer, 3x3 of
X-Trans."""

_MEASURING = ("lldata.measures.", "lldata.noise.", "lldata.audit.settings")
_KINDS = {"raw": "", "pictures": "Of ready pictures: ", "clips": "Of clips: "}


def page() -> str:
    """Return the page, Markdown."""
    table = [["audit", "what it asks"]]
    table += [[f"[`{name}`](#{name})", _title(_module(name))] for name in LIMITS]
    told: set[str] = set()
    return "\n\n".join([_HEAD, markdown(table), *(_audit(name, told) for name in LIMITS)]) + "\n"


def limit_names() -> set[str]:
    """Return the name of every limit of some protocol."""
    return {key for limits in _limits().values() for key in limits}


def _audit(name: str, told: set[str]) -> str:
    """Return the section of one audit; what it measures with is told where it is first used."""
    module = _module(name)
    parts = [f"## {name}", _text(module)]
    for kind, said in _KINDS.items():
        if name in meanings(kind):
            parts.append(filled(said + meanings(kind)[name]))
    for measure in _measures(module):
        if _text(measure, 1) and measure.__name__ not in told:
            parts += [f"### {_title(measure).rstrip('.')}", _text(measure, 1)]
        told.add(measure.__name__)
    head = ["limit", "of what", "warning, quarantine"]
    return "\n\n".join([*parts, f"### Limits of {name}", markdown([head, *_rows(name)])])


def _module(name: str) -> ModuleType:
    return import_module(f"lldata.audit.{name}")


def _measures(module: ModuleType) -> list[ModuleType]:
    """Return what an audit measures with, in the order of its imports."""
    found = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    names = [name for name in dict.fromkeys(found) if name.startswith(_MEASURING)]
    return [import_module(name) for name in names if _is_module(name)]


def _is_module(name: str) -> bool:
    return (ROOT / f"{name.replace('.', '/')}.py").is_file()


def _title(module: ModuleType) -> str:
    return _paragraphs(module)[0].replace("\n", " ")


def _text(module: ModuleType, first: int = 0) -> str:
    return "\n\n".join(_paragraphs(module)[first:])


def _paragraphs(module: ModuleType) -> list[str]:
    return inspect.cleandoc(module.__doc__ or "").split("\n\n")


def _rows(audit: str) -> list[list[str]]:
    """Return a row for each entry of the README of the protocols whose limits are this audit's."""
    rows = []
    text = (ROOT / "capture_protocols" / "README.md").read_text("utf-8").split("**[limits]**")[1]
    for keys, meaning in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.+) \|$", text, re.M):
        names = re.findall(r"\w+", keys)
        if all(_belongs(name, audit) for name in names):
            rows.append([keys, meaning, _values(names)])
    return rows


def _belongs(limit: str, audit: str) -> bool:
    return limit in limit_names() and limit.startswith(LIMITS[audit])


def _values(names: list[str]) -> str:
    """Return what the protocols set: what most do, then what others do."""
    by_value: dict[tuple[Any, ...], list[str]] = {}
    for name, limits in _limits().items():
        if set(names) <= set(limits):
            by_value.setdefault(tuple(limits[key] for key in names), []).append(name)
    usual = max(by_value, key=lambda value: len(by_value[value]))
    others = [f"{', '.join(f'`{one}`' for one in named)}: {_said(value)}"
              for value, named in by_value.items() if value != usual]  # fmt: skip
    return "; ".join([_said(usual), *others])


def _said(value: tuple[Any, ...]) -> str:
    return ", ".join(f"{one:g}" for one in value)


def _limits() -> dict[str, dict[str, Any]]:
    found = {name: getattr(protocol.load(name), "limits", None) for name in protocol.names()}
    return {name: asdict(limits) for name, limits in found.items() if limits is not None}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
