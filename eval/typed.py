"""Plain values of a JSON document as a frozen dataclass, every field of its declared type.

A record of six hundred rows has seven thousand fields: what reads a type is made once.
"""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lldata.errors import ScoreError

REMEDY = "Let lleval write it, and do not edit it"

_Read = Callable[[Any], Any]


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
        return _reader(cls)(document)
    except _UnfitError as error:
        raise ScoreError(f"{where}{error.place}", error.found, error.expected, remedy) from None


@functools.cache
def _reader(hint: Any) -> _Read:
    """Return what makes a value of the type `hint` of a plain one."""
    if get_origin(hint) in (Union, types.UnionType):
        return _either(hint, [(_fits(kind), _made(kind)) for kind in get_args(hint)])
    return _either(hint, [(_fits(hint), _made(hint))])


def _made(hint: Any) -> _Read | None:
    """Return what makes such a value of a plain one that fits; None: the plain one is it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _items(_reader(arguments[0]))
    if hasattr(hint, "__dataclass_fields__"):
        return _fields(hint)
    if origin is not None and origin is not Literal:
        return _values(_reader(arguments[1]))
    return float if hint is float else None


def _fits(hint: Any) -> Callable[[Any], bool]:
    """Return whether a plain value is one of the type `hint`, what is inside it left out."""
    origin = get_origin(hint)
    if hint is Any:
        return lambda _: True
    if hint is None or hint is type(None):
        return lambda value: value is None
    if origin is Literal:
        allowed = get_args(hint)
        return lambda value: value in allowed
    if origin is tuple:
        return lambda value: isinstance(value, list)
    if origin is not None or hasattr(hint, "__dataclass_fields__"):
        return lambda value: isinstance(value, dict)
    kinds = (int, float) if hint is float else (hint,)
    return lambda value: type(value) in kinds  # True and False are no numbers


def _unfit(hint: Any, value: Any) -> _UnfitError:
    shown = json.dumps(value, default=str)[:60]
    return _UnfitError(f"it is {shown}", f"its type is {getattr(hint, '__name__', hint)}")


def _either(hint: Any, kinds: list[tuple[Callable[[Any], bool], _Read | None]]) -> _Read:
    def value_of_one(value: Any) -> Any:
        for fits, make in kinds:
            if fits(value):
                return value if make is None else make(value)
        raise _unfit(hint, value)

    return value_of_one


def _items(read: _Read) -> _Read:
    def items(value: list[Any]) -> tuple[Any, ...]:
        found = []
        for number, item in enumerate(value):
            try:
                found.append(read(item))
            except _UnfitError as error:
                raise error.inside(f"[{number}]") from None
        return tuple(found)

    return items


def _values(read: _Read) -> _Read:
    def values(value: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for key, item in value.items():
            try:
                found[key] = read(item)
            except _UnfitError as error:
                raise error.inside(f".{key}") from None
        return found

    return values


def _fields(cls: Any) -> _Read:
    hints = get_type_hints(cls)
    readers = {field.name: _reader(hints[field.name]) for field in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING}

    def instance(value: dict[str, Any]) -> Any:
        if not required <= value.keys() <= readers.keys():
            name = min((required - value.keys()) | (value.keys() - readers.keys()))
            raise _UnfitError(
                f"the field {name} is {'missing' if name in readers else 'unknown'}",
                f"{cls.__name__.lower()}s hold exactly the fields of their format",
            )
        found = {}
        for name, item in value.items():
            try:
                found[name] = readers[name](item)
            except _UnfitError as error:
                raise error.inside(f": {name}") from None
        return cls(**found)

    return instance
