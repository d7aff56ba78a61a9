"""The record: one method's scores on one track, one JSON file, from which tables are recomputed."""

from __future__ import annotations

import functools
import hashlib
import json
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from lldata import publish
from lldata.console import to_json
from lldata.errors import ScoreError

FORMAT = 1
_OPTIONAL = ("seconds", "camera", "frames_left_out")  # fields that older records lack

Level = Literal["reported", "recomputed", "rerun"]


@dataclass(frozen=True)
class Row:
    """The scores of one pair."""

    pair: str  # SCENE/SHORT
    group: str
    ratio: float | None  # None: not known, as of ready pictures
    iso: float | None
    split: str
    scores: Mapping[str, float | None]  # None: the score is infinite (identical) or undefined
    identical: bool  # output and reference are equal in 8 bits
    # of one picture, of a clip the mean over its frames: the method and, for one of pictures, the
    # rendering it reads; None: not timed, as another pair was read or scored meanwhile
    seconds: float | None = None
    camera: str | None = None  # make and model; None: not known, as of ready pictures
    # of a clip, by metric: frames of infinite score, as identical ones have, out of its mean
    frames_left_out: Mapping[str, int] | None = None


@dataclass(frozen=True)
class MetricUse:
    """A metric as a record used it."""

    definition: str  # id of the definition
    unit: str
    better: Literal["higher", "lower", "none"]


@dataclass(frozen=True)
class Record:
    """Everything a published number rests on; means and intervals are computed from `rows`."""

    track: str
    dataset: str
    protocol: str
    split: str
    method: str  # as named in the command, e.g. lime@amplified
    label: str  # dataset trained on, or the options; "default" without either
    options: Mapping[str, Any]
    domain: Literal["raw", "srgb", "clip"]
    input: Literal["short", "amplified"] | None  # the rendering a picture method was given
    reference_use: Literal["none", "mean", "histogram", "degradation"]
    metrics: Mapping[str, MetricUse]  # in the order asked for; the first is the main one
    digest: str
    reference_digest: str
    synthetic: bool
    distinct_sources: int | None  # photographs a simulated dataset was made from
    pairs_sha256: str  # of the sorted ids of the pairs scored
    weights_sha256: str | None
    trained_on: tuple[str, ...]  # dataset/split, empty for nothing
    trained_on_digest: str | None  # of that dataset as it was then
    seed: int
    software: Mapping[str, str]
    hardware: Mapping[str, str | int | None]
    timing: Mapping[str, float | int | str | bool | None]
    parameters: int | None
    flops: float | None  # of one picture or frame
    peak_memory_bytes: int | None
    level: Level
    partial: bool  # made with --limit: never ranked
    created: str  # ISO 8601, UTC
    rows: tuple[Row, ...]
    format: int = FORMAT

    @property
    def oracle(self) -> bool:
        """Whether the method looked at the reference or the true degradation."""
        return self.reference_use != "none"

    @property
    def file_name(self) -> str:
        """METHOD--LABEL, the name of its folder or file."""
        return f"{self.method}--{self.label}"

    def document(self) -> dict[str, Any]:
        """Return the record as its file holds it: plain values, the format first."""
        document = {"format": self.format, **{f.name: getattr(self, f.name) for f in fields(self)}}
        document["metrics"] = {name: vars(use) for name, use in self.metrics.items()}
        document["rows"] = [vars(row) for row in self.rows]
        return document

    def write(self, path: Path) -> Path:
        """Write the record as strict JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        publish.write_replacing(path, (to_json(self.document()) + "\n").encode())
        return path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record and check every field.

        Raises
        ------
        ScoreError
            If it is missing, no strict JSON, of a newer format, or a field is missing, unknown
            or of the wrong type.
        """
        document = _strict(path)
        found = document.get("format")
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= FORMAT:
            raise ScoreError(
                path,
                f"its format is {found!r}",
                f"this version reads records up to format {FORMAT}",
                "Upgrade lowlight-toolkit" if isinstance(found, int) else "It is no record",
            )
        record: Self = _checked(cls, document, str(path))
        return record


def pairs_sha256(pairs: Iterable[str]) -> str:
    """Return the hash that names a set of pairs: of their sorted ids, one a line."""
    return hashlib.sha256("\n".join(sorted(pairs)).encode()).hexdigest()


def read_strict_json(path: Path) -> Any:
    """Read a JSON file that must not hold NaN, infinities or a key twice.

    Raises
    ------
    ScoreError
        If it is missing, or not such a file.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_bounded_int,
        )
    except FileNotFoundError as error:
        raise ScoreError(
            path, "there is no such file", "a JSON file is needed", "Correct the path"
        ) from error
    except (ValueError, RecursionError, IsADirectoryError) as error:
        raise ScoreError(
            path, f"it is no strict JSON ({error})", "a JSON file is needed", "Write it anew"
        ) from error


def _strict(path: Path) -> dict[str, Any]:
    document = read_strict_json(path)
    if not isinstance(document, dict):
        raise ScoreError(path, "it holds no object", "a record is one", "It is no record")
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
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return value


def _bounded_int(text: str) -> int:
    value = int(text)
    if abs(value) >= 2**63:
        raise ValueError(f"{text[:20]}… is too large")
    return value


def _checked(cls: Any, document: Mapping[str, Any], where: str) -> Any:
    """Return an instance of the dataclass `cls` whose fields have their declared types."""
    hints = _hints(cls)
    names = {field.name for field in fields(cls)}
    required = {f.name for f in fields(cls) if f.name not in _OPTIONAL}
    for name in sorted(set(document) ^ names):
        if name in required or name in document:
            raise ScoreError(
                where,
                f"the field {name} is {'missing' if name in names else 'unknown'}",
                f"{cls.__name__.lower()}s hold exactly the fields of format {FORMAT}",
                "Write the record with lleval run, and do not edit it",
            )
    values = {
        name: _value(hints[name], value, f"{where}: {name}") for name, value in document.items()
    }
    return cls(**values)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)  # slow, and asked for every row


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for kind in arguments:
            if _fits(kind, value):
                return _value(kind, value, where)
    elif _fits(hint, value):
        if origin is tuple:
            return tuple(
                _value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)
            )
        if hasattr(hint, "__dataclass_fields__"):
            return _checked(hint, value, where)
        if isinstance(value, dict):
            return {
                key: _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()
            }
        return float(value) if hint is float else value
    raise ScoreError(
        where,
        f"it is {json.dumps(value)[:60]}",
        f"its type is {getattr(hint, '__name__', hint)}",
        "Write the record with lleval run, and do not edit it",
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
