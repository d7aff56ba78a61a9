"""How a function is called and a class made, in pieces of which some lead to other names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import griffe
from griffe import ParameterKind as Kind

_LINE = 84  # letters; a longer signature has a line for each parameter
_STARS = {Kind.var_positional: "*", Kind.var_keyword: "**"}
Known = Mapping[str, str]  # address of each documented name


class Piece(NamedTuple):
    """A part of a signature, and where it leads, "" for nowhere."""

    text: str
    address: str = ""


def signature(item: griffe.Object, known: Known) -> list[Piece]:
    """Return how a function, class, property or type is written; nothing for a mere class."""
    if isinstance(item, griffe.Function):
        returns = [Piece(" -> "), *typed(item.returns, known)] if item.returns else []
        marks = sorted(item.labels & {"classmethod", "staticmethod"})
        mark = [Piece(f"@{one}\n") for one in marks]
        return [*mark, *_call(item.name, _parameters(item, known), returns)]
    if isinstance(item, griffe.Class):
        bases = [list(typed(base, known)) for base in item.bases]
        made = item.members.get("__init__")
        if isinstance(made, griffe.Function):
            return [Piece("class "), *_call(item.name, _parameters(made, known), [])]
        return [Piece("class "), *_call(item.name, bases, [])] if bases else []
    if isinstance(item, griffe.Attribute) and item.value is not None and not item.annotation:
        return [Piece(f"{item.name} = "), *typed(item.value, known)]
    annotation = item.annotation if isinstance(item, griffe.Attribute) else None
    return [Piece(item.name), Piece(": "), *typed(annotation, known)]


def typed(expression: str | griffe.Expr | None, known: Known) -> Iterator[Piece]:
    """Yield a type or default, each documented name of it leading there."""
    if not isinstance(expression, griffe.Expr):
        yield Piece(str(expression or ""))
        return
    for part in expression.iterate(flat=True):
        if isinstance(part, griffe.ExprName):
            yield Piece(part.name, known.get(part.canonical_path, ""))
        else:
            yield Piece(str(part))


def _parameters(function: griffe.Function, known: Known) -> list[list[Piece]]:
    """Return the parameters of a function as written, without the object itself."""
    found: list[list[Piece]] = []
    starred, before = False, None
    for one in function.parameters:
        if one.name in ("self", "cls") and not found:
            continue
        if before is Kind.positional_only and one.kind is not before:
            found.append([Piece("/")])
        if one.kind is Kind.keyword_only and not starred:
            found.append([Piece("*")])
        starred |= one.kind in (Kind.keyword_only, Kind.var_positional)
        before = one.kind
        found.append(list(_parameter(one, known)))
    return found


def _parameter(one: griffe.Parameter, known: Known) -> Iterator[Piece]:
    star = _STARS.get(one.kind, "") if one.kind else ""
    yield Piece(star + one.name)
    if one.annotation is not None:
        yield Piece(": ")
        yield from typed(one.annotation, known)
    if one.default is not None and not star:
        yield Piece(" = " if one.annotation is not None else "=")
        yield from typed(one.default, known)


def _call(name: str, parameters: list[list[Piece]], returns: list[Piece]) -> list[Piece]:
    """Return a call in one line, or with a line for each parameter where that is too long."""
    flat = [Piece(f"{name}("), *_joined(parameters, ", "), Piece(")"), *returns]
    if sum(len(piece.text) for piece in flat) <= _LINE:
        return flat
    inside = [Piece("\n    "), *_joined(parameters, ",\n    "), Piece(",\n")]
    return [Piece(f"{name}("), *(inside if parameters else []), Piece(")"), *returns]


def _joined(parts: Iterable[list[Piece]], between: str) -> Iterator[Piece]:
    for count, part in enumerate(parts):
        if count:
            yield Piece(between)
        yield from part
