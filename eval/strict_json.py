"""JSON that holds no NaN, no infinities, no key twice and no number that is none."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import Any

from lldata.errors import ScoreError


def read_strict_json(path: Path) -> Any:
    """Read a JSON file that must not hold NaN, infinities or a key twice.

    Raises
    ------
    ScoreError
        If it is missing, or not such a file.
    """
    return strict_json(path, file_content(path))


def file_content(path: Path) -> bytes:
    """Return the bytes of a JSON file; ScoreError if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ScoreError(
            path, "there is no such file", "a JSON file is needed", "Correct the path"
        ) from error
    except IsADirectoryError as error:
        raise ScoreError(
            path, "it is a folder", "a JSON file is needed", "Name the file in it"
        ) from error


def strict_json(where: object, content: bytes) -> Any:
    """Return what the content of a JSON file says; `where` names it in errors.

    Raises
    ------
    ScoreError
        If it is not strict.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_bounded_int,
        )
    except (ValueError, RecursionError) as error:
        raise ScoreError(
            where, f"it is no strict JSON ({error})", "a JSON file is needed", "Write it anew"
        ) from error


def strict_object(where: object, content: bytes) -> dict[str, Any]:
    """Return the object of a JSON file.

    Raises
    ------
    ScoreError
        If it is not strict, or no object.
    """
    document = strict_json(where, content)
    if not isinstance(document, dict):
        raise ScoreError(where, "it holds no object", "one is needed", "Write it anew")
    return document


def _unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(items)
    if len(result) != len(items):
        raise ValueError("a key stands in it twice")
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name}")


def _finite_float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def _bounded_int(text: str) -> int:
    value = int(text)
    if abs(value) >= 2**63:
        raise ValueError(f"{text[:20]}… is too large")
    return value
