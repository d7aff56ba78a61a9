"""The Python interface as pages: one for each module, with what its public names are and do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import griffe

from eval.documentation.docstrings import Section, sections
from eval.documentation.modules import Module, docstring, fields, methods
from eval.documentation.signatures import Known, Piece, signature, typed
from eval.pages import page as framed

FOLDER = "api"


@dataclass(frozen=True)
class Field:
    """A field of a class: its type, its default and what the comment beside it says."""

    name: str
    type: list[Piece]
    comment: str


@dataclass(frozen=True)
class Shown:
    """A public name of a module or class."""

    anchor: str
    name: str
    kind: str
    signature: list[Piece]
    sections: list[Section]
    raised: dict[str, str]  # address of the exceptions it may raise
    fields: list[Field]
    members: list[Shown]


def address(module: Module) -> str:
    """Return the page of a module."""
    return f"{FOLDER}/{module.name}.html"


def reference(modules: Mapping[str, Module], above: tuple[str, str] | None) -> dict[str, bytes]:
    """Return the page of each module, by address.

    Parameters
    ----------
    modules : by name
    above : title and address of the page of documentation that leads to them, if there is one
    """
    known = {
        path: f"{module.name}.html#{anchor}"
        for module in modules.values()
        for path, anchor in module.anchors.items()
    }
    packages = groupby(sorted(modules), key=lambda name: name.partition(".")[0])
    around = {"packages": [(name, list(names)) for name, names in packages], "above": above}
    return {address(one): _page(one, known, around) for _, one in sorted(modules.items())}


def _page(module: Module, known: Known, around: Mapping[str, object]) -> bytes:
    shown = [_shown(module.name, name, item, known) for name, item in module.members.items()]
    about = sections(module.docstring)
    page = {"module": module.name, "about": about, "members": shown, **around}
    return framed.render("reference.html.j2", kind="docs", root="../", **page).encode()


def _shown(above: str, name: str, item: griffe.Object, known: Known) -> Shown:
    anchor, own = f"{above}.{name}", item if isinstance(item, griffe.Class) else None
    told = sections(docstring(item))
    return Shown(
        anchor,
        name,
        _kind(item),
        signature(item, known),
        told,
        {one: known[path] for one, path in _raised(item, told) if path in known},
        [_field(member, said, known) for member, said in fields(own)] if own else [],
        [_shown(anchor, one.name, one, known) for one in methods(own)] if own else [],
    )


def _raised(item: griffe.Object, told: list[Section]) -> Iterator[tuple[str, str]]:
    """Yield the name of each exception a docstring tells of, and its full name."""
    for section in told:
        for name, _ in section.items if section.title == "Raises" else ():
            with suppress(griffe.NameResolutionError):
                yield name, item.resolve(name)


def _field(member: griffe.Attribute, comment: str, known: Known) -> Field:
    kind = list(typed(member.annotation, known))
    default = [Piece(" = "), *typed(member.value, known)] if member.value is not None else []
    return Field(member.name, kind + default, comment)


def _kind(item: griffe.Object) -> str:
    if isinstance(item, griffe.Attribute):
        return "property" if "property" in item.labels else "type"
    method = isinstance(item, griffe.Function) and isinstance(item.parent, griffe.Class)
    return "method" if method else item.kind.value
