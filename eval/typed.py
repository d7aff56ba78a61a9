"""Plain values of a JSON document as a frozen dataclass, every field of its declared type."""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lldata.errors import ScoreError

REMEDY = "Let lleval write it, and do not edit it"


def checked(cls: Any, document: Mapping[str, Any], where: str, remedy: str = REMEDY) -> Any:
    """Return an instance of the dataclass `cls` whose fields have their declared types.

    Fields that have a default may be missing: files from before them are read.

    Raises
    ------
    ScoreError
        If a field is missing, unknown or of another type.
    """
    hints = _hints(cls)
    names = {field.name for field in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING}
    for name in sorted(set(document) ^ names):
        if name in required or name in document:
            raise ScoreError(
                where,
                f"the field {name} is {'missing' if name in names else 'unknown'}",
                f"{cls.__name__.lower()}s hold exactly the fields of their format",
                remedy,
            )
    values = {
        name: _value(hints[name], value, f"{where}: {name}", remedy)
        for name, value in document.items()
    }
    return cls(**values)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)  # slow, and asked for every row


def _value(hint: Any, value: Any, where: str, remedy: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for kind in arguments:
            if _fits(kind, value):
                return _value(kind, value, where, remedy)
    elif _fits(hint, value):
        if origin is tuple:
            return tuple(
                _value(arguments[0], item, f"{where}[{i}]", remedy) for i, item in enumerate(value)
            )
        if hasattr(hint, "__dataclass_fields__"):
            return checked(hint, value, where, remedy)
        if isinstance(value, dict):
            return {
                key: _value(arguments[1], item, f"{where}.{key}", remedy)
                for key, item in value.items()
            }
        return float(value) if hint is float else value
    raise ScoreError(
        where,
        f"it is {json.dumps(value, default=str)[:60]}",
        f"its type is {getattr(hint, '__name__', hint)}",
        remedy,
    )


def _fits(hint: Any, value: Any) -> bool:
    origin = get_origin(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin is Literal:
        return value in get_args(hint)
    if origin is tuple:
        return isinstance(value, list)
    if origin is not None or hasattr(hint, "__dataclass_fields__"):
        return isinstance(value, dict)
    if hint in (int, float):
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(
            value, bool
        )
    return isinstance(value, hint)
