"""Checks of the values that `--set key=value` gives to a method."""

from __future__ import annotations

import sys
from typing import Any

from lldata.errors import MethodError

_LARGEST = sys.float_info.max


def choose(option: str, value: object, choices: tuple[object, ...]) -> None:
    """Check that an option has one of its values.

    Raises
    ------
    MethodError
        If it has another.
    """
    if value not in choices:
        raise MethodError(
            f"--set {option}",
            f"it is {value!r}",
            f"it can be {', '.join(map(str, choices))}",
            "Choose one of these",
        )


def flag(option: str, value: object) -> bool:
    """Return the value of an option that is on or off.

    Raises
    ------
    MethodError
        If it is neither true nor false: "no" and "off" are text, which counts as true.
    """
    if not isinstance(value, bool):
        raise MethodError(
            f"--set {option}", f"it is {value!r}", "it is true or false", "Correct the value"
        )
    return value


def number(option: str, value: object, low: float, high: float = _LARGEST) -> float:
    """Return the value of a numeric option, which must lie in [low, high].

    Raises
    ------
    MethodError
        If it is no number, or outside.
    """
    limits = f"from {low:g} to {high:g}" if high < _LARGEST else f"of at least {low:g}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise MethodError(
            f"--set {option}",
            f"it is {value!r}",
            f"it is a number {limits}",
            "Correct the value",
        )
    return float(value)


def whole(option: str, value: Any, low: int, high: float = _LARGEST) -> int:
    """Return the value of a whole-numbered option, which must lie in [low, high].

    Raises
    ------
    MethodError
        If it is no whole number, or outside.
    """
    number(option, value, low, high)
    if value != int(value):
        raise MethodError(
            f"--set {option}", f"it is {value!r}", "it is a whole number", "Correct the value"
        )
    return int(value)
