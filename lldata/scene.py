"""One scene as it is stored: its frames, its record, and the digests that identify both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lldata.audit import Finding
from lldata.frame import Frame


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
    # further files that hold shorts, of a scene too large for one: names, bytes and sha256
    parts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Pixels:
    """The frames of one scene, by name, and its references with what is known of each."""

    short: dict[str, Frame] = field(default_factory=dict)
    long: dict[str, Frame] = field(default_factory=dict)
    reference: dict[str, NDArray[np.uint16]] = field(default_factory=dict)  # (H, W, 3)
    reference_facts: dict[str, dict[str, Any]] = field(default_factory=dict)


def canonical_json(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _array_digest(array: NDArray[Any]) -> str:
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def content_digest(scene: SceneFile, pixels: Pixels) -> str:
    """Return the digest of a scene's mosaics, frame fields and pairing.

    Independent of the dataset's name, paths, order, compression, dates, versions and status. A
    ready reference is content; a rendered one follows from its mosaic and has its own digest.
    """
    frames = {
        kind: {n: [f.metadata(), _array_digest(f.mosaic)] for n, f in getattr(pixels, kind).items()}
        for kind in ("short", "long")
    }
    ready = {
        name: _array_digest(picture)
        for name, picture in pixels.reference.items() if name not in pixels.long
    }  # fmt: skip
    keys = ("pair", "short", "long", "reference", "ratio", "iso", "exposure_s")
    pairing = sorted([row[k] for k in keys] for row in scene.pairs)
    body = [scene.scene, scene.group, scene.split, frames, ready, pairing]
    return hashlib.sha256(canonical_json(body)).hexdigest()


def reference_digest(pixels: Pixels) -> str:
    """Return the digest of a scene's references, rendered or ready."""
    body = {name: _array_digest(picture) for name, picture in pixels.reference.items()}
    return hashlib.sha256(canonical_json(body)).hexdigest()


def combined_digest(digests: Mapping[str, str]) -> str:
    """Return the digest of many scenes, name -> digest."""
    return hashlib.sha256(canonical_json(sorted(digests.items()))).hexdigest()
