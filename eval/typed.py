"""Plain values of a JSON document as a frozen dataclass, every field of its declared type.

A record of six hundred rows has seven thousand fields: what reads a type is made once, and a
field takes one look at the type of its value.
"""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, NamedTuple, NoReturn, Union, get_args, get_origin, get_type_hints

from lldata.errors import ScoreError

REMEDY = "Let lleval write it, and do not edit it"
PLAIN = (dict, list, str, int, float, bool, types.NoneType)

_Make = Callable[[Any], Any]


class _Reader(NamedTuple):
    """What makes a value of some type of a plain one."""

    makers: Mapping[type, _Make | None]  # by the type of the plain value; None: that is it
    refuse: _Make  # a plain value of any other type
    plain: frozenset[type]  # of values that are it


class _UnfitError(Exception):
    """A value that is not of its type; `place` grows on the way out to where the reading began."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found, self.expected, self.place = found, expected, ""

    def inside(self, step: str) -> _UnfitError:
        self.place = step + self.place
        return self


def checked(cls: Any, document: Mapping[str, Any], where: str, remedy: str = REMEDY) -> Any:
    """Return an instance of the dataclass `cls` whose fields have their declared types.

    Fields that have a default may be missing: files from before them are read.

    Raises
    ------
    ScoreError
        If a field is missing, unknown or of another type.
    """
    try:
        return _made(_reader(cls), document)
    except _UnfitError as error:
        raise ScoreError(f"{where}{error.place}", error.found, error.expected, remedy) from None


def _made(reader: _Reader, value: Any, step: str = "", place: Any = "") -> Any:
    """Return what a reader makes of a plain value, which stands at `step` with `place` in it."""
    make = reader.makers.get(type(value), reader.refuse)
    try:
        return value if make is None else make(value)
    except _UnfitError as error:
        raise error.inside(step.format(place)) from None


@functools.cache
def _reader(hint: Any) -> _Reader:
    """Return what makes a value of the type `hint` of a plain one."""
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    makers: dict[type, _Make | None] = {}
    for kind in kinds:
        makers = {**_makers(kind), **makers}  # what fits two kinds is of the first
    plain = frozenset(kind for kind, make in makers.items() if make is None)
    return _Reader(makers, functools.partial(_refuse, hint), plain)


def _makers(hint: Any) -> Mapping[type, _Make | None]:
    """Return what makes a value of one kind, by the type of the plain value that fits it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return dict.fromkeys(PLAIN)
    if origin is Literal:
        return dict.fromkeys(map(type, arguments), functools.partial(_one_of, hint, arguments))
    if origin is tuple:
        return {list: functools.partial(_items, _reader(arguments[0]))}
    if origin is not None:
        return {dict: functools.partial(_values, _reader(arguments[1]))}
    if hasattr(hint, "__dataclass_fields__"):
        return {dict: _fields(hint)}
    if hint is float:
        return {float: None, int: float}
    return {types.NoneType if hint is None else hint: None}  # True and False are no numbers


def _refuse(hint: Any, value: Any) -> NoReturn:
    shown = json.dumps(value, default=str)[:60]
    raise _UnfitError(f"it is {shown}", f"its type is {getattr(hint, '__name__', hint)}")


def _one_of(hint: Any, allowed: tuple[Any, ...], value: Any) -> Any:
    return value if value in allowed else _refuse(hint, value)


def _items(reader: _Reader, value: list[Any]) -> tuple[Any, ...]:
    return tuple(_made(reader, item, "[{}]", number) for number, item in enumerate(value))


def _values(reader: _Reader, value: dict[str, Any]) -> dict[str, Any]:
    if reader.plain.issuperset(map(type, value.values())):
        return value
    return {key: _made(reader, item, ".{}", key) for key, item in value.items()}


def _fields(cls: Any) -> _Make:
    hints = get_type_hints(cls)
    readers = {field.name: _reader(hints[field.name]) for field in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING}
    plain = {(name, kind) for name, reader in readers.items() for kind in reader.plain}

    def instance(value: dict[str, Any]) -> Any:
        if not required <= value.keys() <= readers.keys():
            name = min((required - value.keys()) | (value.keys() - readers.keys()))
            raise _UnfitError(
                f"the field {name} is {'missing' if name in readers else 'unknown'}",
                f"{cls.__name__.lower()}s hold exactly the fields of their format",
            )
        found = dict(value)
        for name, kind in zip(value, map(type, value.values()), strict=True):
            if (name, kind) not in plain:
                found[name] = _made(readers[name], value[name], ": {}", name)
        return cls(**found)

    return instance
