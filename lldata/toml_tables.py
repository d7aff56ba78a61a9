"""Frozen dataclasses filled from the tables of a TOML file: the fields are the keys."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, dataclass
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lldata.errors import LowLightError


@dataclass(frozen=True)
class Tables:
    """How one kind of TOML file is read, and what is said of a mistake in it."""

    error: type[LowLightError]
    remedy: str

    def filled(self, kind: type, table: Any, where: str) -> Any:
        """Return a dataclass filled from a table; every key without a default is required.

        Parameters
        ----------
        kind : the dataclass; its fields may be dataclasses, tuples and dicts of others
        where : the file, as the user knows it

        Raises
        ------
        LowLightError
            If a key is missing, unknown or of the wrong type.
        """
        hints = get_type_hints(kind)
        fields = {field.name: field for field in dataclasses.fields(kind)}
        if not isinstance(table, dict):
            raise self.error(where, f"it is {table!r}", "a table is needed", "Correct the file")
        required = [
            name for name, field in fields.items()
            if field.default is MISSING and field.default_factory is MISSING
        ]  # fmt: skip
        for key in [*table, *required]:
            if key not in fields or key not in table:
                state = "unknown" if key not in fields else "missing"
                raise self.error(
                    where, f"the key {key!r} is {state}", f"the keys are {', '.join(fields)}",
                    self.remedy,
                )  # fmt: skip
        return kind(
            **{key: self._value(hints[key], value, f"{where}: {key}")
               for key, value in table.items()}
        )  # fmt: skip

    def _value(self, hint: Any, value: Any, where: str) -> Any:
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.filled(hint, value, where)
        origin, arguments = get_origin(hint), get_args(hint)
        if type(None) in arguments:  # a key that may be left out
            return self._value(arguments[0], value, where)
        if origin is Union:  # a number, or a word
            return self._value(arguments[isinstance(value, str)], value, where)
        if origin is tuple and isinstance(value, list):
            return tuple(self._value(arguments[0], item, where) for item in value)
        if origin is dict and isinstance(value, dict):
            return {str(k): self._value(arguments[1], v, where) for k, v in value.items()}
        boolean = isinstance(value, bool)  # which is an int to Python
        if origin is Literal and value in arguments:
            return value
        if hint in (float, Decimal) and isinstance(value, int | float | Decimal) and not boolean:
            return hint(value)
        if hint is Any or (
            isinstance(hint, type) and isinstance(value, hint) and boolean == (hint is bool)
        ):
            return value
        raise self.error(where, f"it is {value!r}", f"{_named(hint)} is needed", self.remedy)


def _named(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    return str(getattr(hint, "__name__", hint)) if isinstance(hint, type) else str(hint)
