"""One scene as it is stored: its frames, its record, and the digests that identify both."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lldata.audit import Finding
from lldata.frame import Frame

DRAWN = ("alpha", "gamma", "noise_sigma")  # facts of a picture that was darkened by a formula
Picture = NDArray[Any]  # (H, W, 3) uint8 or uint16


@dataclass(frozen=True)
class SceneFile:
    """What one scene file holds besides the pixels of its frames."""

    scene: str
    group: str
    split: str
    camera: str
    protocol: str
    protocol_text: str
    synthetic: bool
    origin: str  # the photograph a simulated scene was made from; "" for captures
    pairs: tuple[dict[str, Any], ...]  # rows of the pair table
    findings: tuple[Finding, ...]
    sources: dict[str, dict[str, Any]]  # file name -> sha256, size, mtime_ns
    versions: dict[str, str]
    content: str = ""  # digest of mosaics, frame fields and pairing
    references: str = ""  # digest of the rendered references
    kind: str = "raw"  # raw, pictures or clips
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)  # file name -> what it tells
    clip: dict[str, dict[str, Any]] = field(default_factory=dict)  # low, target: frames, height, …
    # further files that hold shorts or frames of clips, of a scene too large for one: what is in
    # each, bytes and sha256
    parts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Pixels:
    """The frames and pictures of one scene, by name, and what is known of each picture.

    Clips are not among them: they are written and read frame by frame.
    """

    short: dict[str, Frame] = field(default_factory=dict)
    long: dict[str, Frame] = field(default_factory=dict)
    reference: dict[str, NDArray[np.uint16]] = field(default_factory=dict)  # (H, W, 3)
    low: dict[str, Picture] = field(default_factory=dict)  # (H, W, 3) uint8 or uint16
    normal: dict[str, Picture] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)  # "KIND/NAME" -> facts


def finite(value: Any) -> float | None:
    """Return a finite number as a float, None for all else; a file may say anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def drawn_facts(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return of the facts of a scene's files what was drawn for its dark pictures."""
    return {name: drawn for name, told in facts.items() if (drawn := _drawn(told))}


def drawn_ranges(facts: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Return the least and the greatest value of each parameter, {} where nothing was drawn.

    Parameters
    ----------
    facts : of pictures; those that do not say what was drawn are left out
    """
    known = [drawn for told in facts if (drawn := _drawn(told))]
    if not known:
        return {}
    return {key: [min(d[key] for d in known), max(d[key] for d in known)] for key in DRAWN}


def _drawn(told: Mapping[str, Any]) -> dict[str, float]:
    """Return what was drawn for a picture; {} if one parameter is missing or no finite number."""
    found = {key: number for key in DRAWN if (number := finite(told.get(key))) is not None}
    return found if len(found) == len(DRAWN) else {}


def canonical_json(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def array_digest(array: NDArray[Any]) -> str:
    """Return the sha256 of an array's type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def content_digest(
    scene: SceneFile, pixels: Pixels, clip: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Return the digest of a scene's mosaics or pictures, frame fields and pairing.

    `clip` gives the `array_digest` of every frame of its clips, by name.

    Independent of the dataset's name, paths, order, compression, dates, versions and status. A
    ready reference is content; a rendered one follows from its mosaic and has its own digest.
    """
    frames = {
        kind: {n: [f.metadata(), array_digest(f.mosaic)] for n, f in getattr(pixels, kind).items()}
        for kind in ("short", "long")
    }
    ready = {
        name: array_digest(picture)
        for name, picture in pixels.reference.items() if name not in pixels.long
    }  # fmt: skip
    keys = ("pair", "short", "long", "reference", "ratio", "iso", "exposure_s")
    pairing = sorted([row[k] for k in keys] for row in scene.pairs)
    body = [scene.scene, scene.group, scene.split, frames, ready, pairing]
    if scene.kind != "raw":
        pictures = {
            kind: {n: [array_digest(p), pixels.facts.get(f"{kind}/{n}", {})]
                   for n, p in getattr(pixels, kind).items()}
            for kind in ("low", "normal")
        }  # fmt: skip
        body += [scene.kind, pictures, {name: list(each) for name, each in (clip or {}).items()}]
    return hashlib.sha256(canonical_json(body)).hexdigest()


def reference_digest(pixels: Pixels) -> str:
    """Return the digest of a scene's references, rendered or ready."""
    body = {name: array_digest(picture) for name, picture in pixels.reference.items()}
    return hashlib.sha256(canonical_json(body)).hexdigest()


def combined_digest(digests: Mapping[str, str]) -> str:
    """Return the digest of many scenes, name -> digest."""
    return hashlib.sha256(canonical_json(sorted(digests.items()))).hexdigest()
