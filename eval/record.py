"""The record: one method's scores on one track, one JSON file, from which tables are recomputed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

from eval.strict_json import file_content, strict_object
from eval.typed import checked
from lldata import publish
from lldata.console import to_json
from lldata.errors import ScoreError

FORMAT = 1
_NO_ROWS = '\n  "rows": []'

Level = Literal["reported", "recomputed", "rerun"]
ReferenceUse = Literal["none", "mean", "histogram", "degradation"]


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
    output_sha256: str | None = None  # of what was scored in 8 bits: pictures.pixels_sha256


@dataclass(frozen=True)
class MetricUse:
    """A metric as a record used it."""

    definition: str  # id of the definition
    unit: str
    better: Literal["higher", "lower", "none"]


@dataclass(frozen=True)
class Outside:
    """What is told of a method whose program is not in the toolkit; None: not told."""

    source: str | None = None  # where it is published
    licence: str | None = None


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
    domain: Literal["raw", "srgb", "clip"] | None  # None: of an outside method
    input: Literal["short", "amplified"] | None  # the rendering a picture method was given
    reference_use: ReferenceUse | None  # None: an outside method does not say
    metrics: Mapping[str, MetricUse]  # in the order asked for; the first is the main one
    digest: str
    reference_digest: str
    synthetic: bool
    distinct_sources: int | None  # photographs a simulated dataset was made from
    pairs_sha256: str  # of the sorted ids of the pairs scored
    weights_sha256: str | None
    trained_on: tuple[str, ...] | None  # dataset/split, empty for nothing; None: not known
    trained_on_digest: str | None  # of that dataset as it was then
    seed: int | None
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
    outside: Outside | None = None  # None: a method of the toolkit
    format: int = FORMAT

    @property
    def oracle(self) -> bool:
        """Whether the method looked at the reference, or nobody says that it did not."""
        return self.reference_use != "none"

    @property
    def file_name(self) -> str:
        """METHOD--LABEL, the name of its folder or file."""
        return f"{self.method}--{self.label}"

    @property
    def run_name(self) -> str:
        """METHOD (LABEL), as sentences call it; METHOD where the label says nothing."""
        return self.method if self.label == "default" else f"{self.method} ({self.label})"

    def document(self) -> dict[str, Any]:
        """Return the record as its file holds it: plain values, the format first."""
        document = {"format": self.format, **{f.name: getattr(self, f.name) for f in fields(self)}}
        document["metrics"] = {name: vars(use) for name, use in self.metrics.items()}
        document["rows"] = [vars(row) for row in self.rows]
        document["outside"] = None if self.outside is None else vars(self.outside)
        return document

    def pieces(self) -> Iterator[str]:
        """Yield the text of its file, a row at a time: what a text of all takes is many rows'."""
        rest = replace(self, rows=()).document()
        before, after = to_json(rest).split(_NO_ROWS)  # no text has a line break in JSON
        yield before + _NO_ROWS[:-1]
        for number, row in enumerate(self.rows):
            text = to_json({field.name: getattr(row, field.name) for field in fields(row)})
            yield ("," if number else "") + f"\n{text}".replace("\n", "\n    ")
        yield ("\n  ]" if self.rows else "]") + after + "\n"

    def write(self, path: Path) -> Path:
        """Write the record as strict JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        publish.write_replacing(path, map(str.encode, self.pieces()))
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
        return cls.parse(path, file_content(path))

    @classmethod
    def parse(cls, where: object, content: bytes) -> Self:
        """Return the record that is the content of a file; `where` names it in errors.

        Raises
        ------
        ScoreError
            As `read`.
        """
        document = strict_object(where, content)
        found = document.get("format")
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= FORMAT:
            raise ScoreError(
                where,
                f"its format is {found!r}",
                f"this version reads records up to format {FORMAT}",
                "Upgrade lowlight-toolkit" if isinstance(found, int) else "It is no record",
            )
        record: Self = checked(cls, document, str(where))
        return record


def pairs_sha256(pairs: Iterable[str]) -> str:
    """Return the hash that names a set of pairs: of their sorted ids, one a line."""
    return hashlib.sha256("\n".join(sorted(pairs)).encode()).hexdigest()
