"""The import rule: lldata <- baselines <- eval, and one file for each outside thing."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"lldata": 0, "baselines": 1, "eval": 2}
ONLY_IN = {
    "rawpy": {"lldata/raw.py", "lldata/render.py"},
    "exifread": {"lldata/raw.py", "lldata/render.py"},
    "h5py": {"lldata/store.py"},
    "typer": {"lldata/cli.py", "eval/cli.py"},
    "pyiqa": {"eval/metrics/pyiqa_scores.py"},
}
BANNED_CALLS = ("pickle.load", "extractall(", "read_pickle", "allow_pickle=True",
                "weights_only=False", "yaml.load")  # fmt: skip
FILES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            found.add("a relative import")
    return found


def modules(path: Path) -> set[str]:
    """Return what a file imports by full names; of `from a import b` both a.b and a."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way_and_outside_things_have_one_room(path: Path):
    place, found = path.relative_to(ROOT), imports(path)
    layer = PACKAGES[place.parts[0]]
    assert not {name for name, other in PACKAGES.items() if other > layer} & found
    assert "a relative import" not in found
    for name, rooms in ONLY_IN.items():
        assert name not in found or place.as_posix() in rooms
    if place.parts[0] == "lldata" and place.name != "dataset.py":
        assert not {"torch", "lightning_fabric"} & found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_unpickles_or_unpacks_archives(path: Path):
    text = path.read_text("utf-8")
    assert [call for call in BANNED_CALLS if call in text] == []


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_is_needed_by_one_that_it_needs():
    names = {name_of(path) for path in FILES}
    needed = {name_of(path): modules(path) & names - {name_of(path)} for path in FILES}
    order = TopologicalSorter(needed).static_order()  # which raises CycleError, and names it
    assert {*order} == names


def test_files_and_names_keep_to_the_nouns():
    forbidden = {"utils.py", "common.py", "helpers.py"}
    assert not [p for p in FILES if p.name in forbidden or p.name.startswith("base_")]
