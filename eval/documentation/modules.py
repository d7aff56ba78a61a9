"""The public names of a module, read from its source by griffe: nothing is imported or run."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import griffe

PACKAGES = ("lldata", "baselines", "eval")
_DIRECTIVES = ("noqa", "fmt:", "type:", "pragma:")


@dataclass(frozen=True)
class Module:
    """A module and the names that whoever imports it is meant to use."""

    root: Path  # the folder of the packages
    name: str

    @cached_property
    def members(self) -> dict[str, griffe.Object]:
        """What it offers, by name: `__all__`, else what is defined there without an underscore."""
        found = _visited(self.root, self.name)
        if found.exports is not None:
            return {str(name): _resolved(self.root, found, str(name)) for name in found.exports}
        own = {name: item for name, item in found.members.items() if not item.is_alias}
        return {
            name: item
            for name, item in own.items()
            if not name.startswith("_") and isinstance(item, griffe.Object) and _offered(item)
        }

    @cached_property
    def docstring(self) -> str:
        """What it says of itself."""
        return docstring(_visited(self.root, self.name))

    @property
    def anchors(self) -> dict[str, str]:
        """The full name of each name it offers where it is defined, and the name it has here."""
        return {item.path: f"{self.name}.{name}" for name, item in self.members.items()}


def module_of(path: Path, root: Path) -> Module | None:
    """Return the module that a file of the source is, if it is one of the packages."""
    parts = path.relative_to(root).with_suffix("").parts
    if path.suffix != ".py" or parts[0] not in PACKAGES:
        return None
    return Module(root, ".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def docstring(item: griffe.Object) -> str:
    """Return what a module, class or function says of itself."""
    return item.docstring.value if item.docstring else ""


def fields(item: griffe.Class) -> Iterator[tuple[griffe.Attribute, str]]:
    """Yield the public fields of a class, and what the comment beside each says."""
    comments = _comments(Path(str(item.filepath)))
    for name, member in item.members.items():
        if not isinstance(member, griffe.Attribute) or "property" in member.labels:
            continue
        if member.annotation is not None and not name.startswith("_"):
            yield member, comments.get(member.endlineno or 0, "")


def methods(item: griffe.Class) -> Iterator[griffe.Function | griffe.Attribute]:
    """Yield the public methods and properties of a class."""
    for name, member in item.members.items():
        if name.startswith("_"):
            continue
        if isinstance(member, griffe.Function) or (
            isinstance(member, griffe.Attribute) and "property" in member.labels
        ):
            yield member


def _offered(item: griffe.Object) -> bool:
    """Whether it is a function, a class, or a type by another name."""
    if isinstance(item, griffe.Attribute):
        return item.annotation is None and isinstance(item.value, griffe.ExprSubscript)
    return isinstance(item, griffe.Function | griffe.Class)


def _resolved(root: Path, module: griffe.Module, name: str) -> griffe.Object:
    """Return what a module exports, followed to where it is defined."""
    item = module.members[name]
    if isinstance(item, griffe.Alias):
        home, _, own = item.target_path.rpartition(".")
        return _resolved(root, _visited(root, home), own)
    return item


def _visited(root: Path, name: str) -> griffe.Module:
    path = root.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return griffe.visit(name, filepath=file, code=file.read_text(encoding="utf-8"))


def _comments(path: Path) -> dict[int, str]:
    """Return the comment beside the code of each line that has one."""
    source = io.StringIO(path.read_text(encoding="utf-8"))
    return {
        token.start[0]: text
        for token in tokenize.generate_tokens(source.readline)
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip()
        if not (text := token.string.removeprefix("#").strip()).startswith(_DIRECTIVES)
    }
