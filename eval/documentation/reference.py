"""The Python interface as pages: one for each module, with what its public names are and do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import griffe

from eval import page as framed
from eval.documentation.docstrings import Section, sections
from eval.documentation.modules import Module, docstring, fields, methods
from eval.documentation.signatures import Known, Piece, signature, typed

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
    fields: list[Field]
    members: list[Shown]


def address(module: Module) -> str:
    """Return the page of a module."""
    return f"{FOLDER}/{module.name}.html"


def reference(modules: Mapping[str, Module]) -> dict[str, bytes]:
    """Return the page of each module, by address."""
    known = {
        path: f"{module.name}.html#{anchor}"
        for module in modules.values()
        for path, anchor in module.anchors.items()
    }
    names = sorted(modules)
    return {address(modules[name]): _page(modules[name], names, known) for name in names}


def _page(module: Module, names: Sequence[str], known: Known) -> bytes:
    shown = [_shown(module.name, name, item, known) for name, item in module.members.items()]
    return framed.render(
        "reference.html.j2",
        kind="docs",
        root="../",
        module=module.name,
        about=sections(module.docstring),
        members=shown,
        modules=names,
    ).encode()


def _shown(above: str, name: str, item: griffe.Object, known: Known) -> Shown:
    anchor, own = f"{above}.{name}", item if isinstance(item, griffe.Class) else None
    return Shown(
        anchor,
        name,
        _kind(item),
        signature(item, known),
        sections(docstring(item)),
        [_field(member, said, known) for member, said in fields(own)] if own else [],
        [_shown(anchor, one.name, one, known) for one in methods(own)] if own else [],
    )


def _field(member: griffe.Attribute, comment: str, known: Known) -> Field:
    kind = list(typed(member.annotation, known))
    default = [Piece(" = "), *typed(member.value, known)] if member.value is not None else []
    return Field(member.name, kind + default, comment)


def _kind(item: griffe.Object) -> str:
    if isinstance(item, griffe.Attribute):
        return "property" if "property" in item.labels else "type"
    method = isinstance(item, griffe.Function) and isinstance(item.parent, griffe.Class)
    return "method" if method else item.kind.value
