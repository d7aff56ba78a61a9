"""The pictures of a bundle, pair by pair, in a disposable process: read, scored, compared."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eval.metrics import find_metrics
from eval.metrics.pixels import to_uint8
from eval.running.pictures import Bytes
from eval.submission.bundle import Member, opened, picture_content
from eval.submission.likeness import fitted_nearness, nearness
from eval.submission.zip_layout import refuse
from eval.verification.recompute import score_again
from lldata.clip_sample import clip_reference
from lldata.reading.picture_files import decode_picture, stated_size
from lldata.sample import pair_row, reference_picture
from lldata.store import Store, open_store

_PLAIN = {b"IHDR", b"IDAT", b"IEND"}  # chunks that hold a picture, and nothing else

Files = tuple[tuple[str, Member], ...]  # of one pair: its picture, or a clip's frames


@dataclass(frozen=True)
class Task:
    """What a pair is judged by."""

    bundle: Path
    files: Files
    dataset: Path
    metrics: tuple[str, ...]
    rendering: Literal["short", "amplified"] | None
    rivals: tuple[tuple[str, Path, Files], ...]  # entry, its bundle and its files of the pair


@dataclass(frozen=True)
class Judged:
    """What was found of a pair's pictures."""

    scores: Mapping[str, float]
    identical: bool
    output_sha256: str | None
    to_reference: float | None  # dB after the best gain and offset; None: it is too flat
    to_rivals: Mapping[str, float]  # entry -> dB


def judge(pair: str, task: Task) -> Judged:
    """Score the pictures of a pair and compare them with the reference and other entries.

    Raises
    ------
    LowLightError
        If a picture is not the one its manifest names, no plain 8-bit RGB PNG, or of another size.
    """
    store = open_store(task.dataset)
    metrics = find_metrics(task.metrics)
    scored = score_again(store, pair, _frames(task.bundle, task.files), metrics, task.rendering)
    own = [_frames(task.bundle, task.files), _references(store, pair)]
    near = [fitted_nearness(output, truth) for output, truth in zip(*own, strict=False)]
    known = [value for value in near if value is not None]
    return Judged(
        scored.scores,
        scored.identical,
        scored.output_sha256,
        min(known, default=None),
        {name: _apart(task, path, files) for name, path, files in task.rivals},
    )


def _apart(task: Task, path: Path, files: Files) -> float:
    both = zip(_frames(task.bundle, task.files), _frames(path, files), strict=False)
    return min(nearness(mine, theirs) for mine, theirs in both)


def _references(store: Store, pair: str) -> Iterable[Bytes]:
    row = pair_row(store, pair)
    if store.kind != "clips":
        return [to_uint8(reference_picture(store, row))]
    truths: Any = clip_reference(store, row) or ()
    return (to_uint8(truth.transpose(1, 2, 0)) for truth in truths)


def _frames(bundle: Path, files: Files) -> Iterator[Bytes]:
    with opened(bundle) as archive:
        for name, told in files:
            content = picture_content(archive, bundle, name, told)
            yield plain_png(bundle, name, content, (told.height, told.width))


def plain_png(bundle: Path, name: str, content: bytes, size: tuple[int, int]) -> Bytes:
    """Return the pixels (H, W, 3) of a PNG, whose header is checked before anything is decoded.

    Raises
    ------
    LowLightError
        If it is no PNG of 8-bit RGB of this size, is cut or damaged, or holds more than pixels.
    """
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        refuse(bundle, f"{name!r} is no PNG", "outputs are 8-bit RGB PNG files")
    if kinds := _kinds(content) - _PLAIN:
        refuse(bundle, f"{name!r} holds {sorted(kinds)[0]!r}", "a picture alone is expected")
    where = Path(f"{bundle.name}: {name}")
    found = stated_size(where, content)
    if found != size:
        refuse(
            bundle, f"{name!r} is {found[1]}x{found[0]}", f"its manifest says {size[1]}x{size[0]}"
        )
    pixels = decode_picture(where, content).pixels
    if pixels.dtype != "uint8":
        refuse(bundle, f"{name!r} has 16 bits", "outputs are 8-bit RGB PNG files")
    return pixels


def _kinds(content: bytes) -> set[bytes]:
    """Return the kinds of a PNG's chunks, of a damaged one those before its end."""
    kinds, at = set(), 8
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        kinds.add(kind)
        at += 12 + length
    return kinds
