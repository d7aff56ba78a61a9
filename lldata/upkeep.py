"""Keep a dataset's folder: publish scenes, rebuild the index, verify both.

A scene is committed by the one step that gives its file its name; the index is a cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lldata import publish, seal, store
from lldata.audit import Finding, duplicates
from lldata.errors import StoreError
from lldata.locks import locked
from lldata.measures.likeness import Print, prints, recognisable
from lldata.outputs import card
from lldata.scene import (
    Pixels,
    SceneFile,
    array_digest,
    content_digest,
    drawn_facts,
    reference_digest,
)
from lldata.store import (
    Store,
    part_path,
    read_clip,
    read_pixels,
    read_scene,
    scene_bytes,
    scene_path,
)

ClipFrames = Iterator[tuple[str, NDArray[np.uint16]]]
_Read = dict[Path, tuple[tuple[int, int, int] | None, tuple[SceneFile, int, str]]]
_log = logging.getLogger(__name__)


def _divided(pixels: Pixels) -> list[Pixels]:
    """Return a scene's pixels as at most 1 GiB a file: all but the shorts lie in the first.

    Raises
    ------
    StoreError
        If one frame, or the long with its reference, exceeds that alone.
    """
    size = sum(f.mosaic.nbytes for f in pixels.long.values())
    size += sum(p.nbytes for kind in store.PICTURES for p in getattr(pixels, kind).values())
    parts = [replace(pixels, short={})]
    for name, frame in pixels.short.items():
        if size + frame.mosaic.nbytes > store.LARGEST_PIXELS and (
            parts[-1].short or len(parts) == 1
        ):
            parts.append(Pixels())
            size = 0
        size += frame.mosaic.nbytes
        if size > store.LARGEST_PIXELS:
            raise StoreError(
                name,
                f"one frame has {size / 2**30:.1f} GiB",
                "a scene file holds at most 1 GiB of pixels",
                "Crop the frames",
            )
        parts[-1].short[name] = frame
    return parts


class Published(NamedTuple):
    """A scene that stands in a dataset's folder."""

    scene: SceneFile  # with its digests
    size: int  # of its file, bytes
    sha256: str  # of its file

    @property
    def file(self) -> tuple[int, str]:
        """What an index says of the file: its bytes and sha256."""
        return self.size, self.sha256


def publish_scene(folder: Path, scene: SceneFile, pixels: Pixels) -> Published:
    """Write one scene into a dataset's folder.

    A scene of more than 1 GiB of pixels has further files for its shorts, written first: the
    scene exists once its own file does.

    Raises
    ------
    StoreError
        If the dataset already has another scene of that name, or one frame is too large.
    """
    path = scene_path(folder, scene.scene)
    first, *further = _divided(pixels)
    if not further and not path.exists() and not part_path(path, 2).exists():
        with ThreadPoolExecutor(1) as beside:  # hashed while the pixels are compressed
            digested = beside.submit(_digested, scene, pixels)
            data = scene_bytes(digested.result, first)
        return _write_scene(path, digested.result(), data)
    complete = _digested(scene, pixels)
    if path.exists():
        return _standing(path, complete)
    with _sole_writer(path):
        if path.exists():
            return _standing(path, complete)
        parts = []
        for number, part in enumerate(further, 2):
            data = scene_bytes(complete, part)
            publish.write_replacing(part_path(path, number), data)
            parts.append({
                "number": number, "short": sorted(part.short), "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            })  # fmt: skip
        complete = replace(complete, parts=tuple(parts))
        return _write_scene(path, complete, scene_bytes(complete, first))


def _digested(scene: SceneFile, pixels: Pixels) -> SceneFile:
    """Return a scene with its digests."""
    return replace(
        scene, content=content_digest(scene, pixels), references=reference_digest(pixels)
    )


@contextlib.contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Be the one writer of a scene's further parts; those that it does not name go in the end."""
    with locked(path.with_name(f".{path.stem}.parts.lock"), keep=False):
        try:
            yield
        finally:
            parts = (part for scene, part in store.part_entries(path.parent) if scene == path.stem)
            for stray in _unnamed(path, parts):
                stray.unlink(missing_ok=True)


def _unnamed(path: Path, parts: Iterable[Path]) -> list[Path]:
    """Return which of some files are no part of a scene; none where it cannot be read."""
    try:
        known = read_scene(path).parts if path.exists() else ()
    except StoreError:  # who verifies the scene says so
        return []
    return sorted(set(parts) - {part_path(path, part["number"]) for part in known})


def stray_parts(path: Path) -> list[str]:
    """Return which parts in a dataset's folder no scene names: nothing, or sentences."""
    by_scene: dict[str, list[Path]] = defaultdict(list)
    for scene, part in store.part_entries(path / "scenes"):
        by_scene[scene].append(part)
    return [
        f"{stray.name} is part of no scene, left by an ingest that was stopped: ingest the scene "
        "again, or delete it while no ingest runs"
        for scene, parts in sorted(by_scene.items())
        for stray in _unnamed(scene_path(path, scene), parts)
    ]


def _write_scene(path: Path, complete: SceneFile, data: memoryview) -> Published:
    with ThreadPoolExecutor(1) as beside:  # hashed while the disk is waited for
        digest = beside.submit(lambda: hashlib.sha256(data).hexdigest())
        if not publish.write_once(path, data):
            return _standing(path, complete)
        return Published(complete, len(data), digest.result())


def publish_clip(folder: Path, scene: SceneFile, frames: ClipFrames) -> Published:
    """Write a scene of clips into a dataset's folder, at most 1 GiB of pixels at a time.

    Parameters
    ----------
    scene : its `clip` says frames, height and width of each clip
    frames : (name, frame (H, W, 3) uint16) in order, each clip whole after the other

    Raises
    ------
    StoreError
        If the dataset already has another scene of that name, or frames are missing.
    """
    path = scene_path(folder, scene.scene)
    with _sole_writer(path):
        standing = path.exists()
        parts: list[dict[str, Any]] = []
        digests: dict[str, list[str]] = {name: [] for name in scene.clip}
        held: dict[str, list[NDArray[np.uint16]]] = {}
        size = 0
        for name, frame in frames:
            if held and size + frame.nbytes > store.LARGEST_PIXELS and not standing:
                parts.append(_publish_part(path, scene, held, digests, len(parts) + 2))
                held, size = {}, 0
            digests[name].append(array_digest(frame))
            if not standing:
                held.setdefault(name, []).append(frame)
                size += frame.nbytes
        _check_counts(scene, digests)
        complete = replace(
            scene, parts=tuple(parts), content=content_digest(scene, Pixels(), digests),
            references=reference_digest(Pixels()),
        )  # fmt: skip
        if standing:
            return _standing(path, complete)
        return _write_scene(path, complete, scene_bytes(complete, Pixels(), held))


def _check_counts(scene: SceneFile, digests: Mapping[str, list[str]]) -> None:
    for name, facts in scene.clip.items():
        if len(digests[name]) != facts["frames"]:
            raise StoreError(
                f"{scene.scene}: {name}", f"{len(digests[name])} frames were given",
                f"{facts['frames']} were announced", "Restore the missing frames",
            )  # fmt: skip


def _publish_part(
    path: Path,
    scene: SceneFile,
    held: Mapping[str, list[NDArray[np.uint16]]],
    digests: Mapping[str, list[str]],
    number: int,
) -> dict[str, Any]:
    data = scene_bytes(scene, Pixels(), held)
    publish.write_replacing(part_path(path, number), data)
    return {
        "number": number, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        "clip": {n: [len(digests[n]) - len(each), len(each)] for n, each in held.items()},
    }  # fmt: skip


def _standing(path: Path, complete: SceneFile) -> Published:
    """Return the scene that another writer stored, if it is the same."""
    standing = read_scene(path)
    if (standing.content, standing.references) != (complete.content, complete.references):
        raise StoreError(
            path,
            "another writer stored a different scene of that name",
            "one name stands for one scene",
            "Rename one, or ingest into another dataset",
        )
    return Published(standing, path.stat().st_size, file_digest(path))


def build_index(
    path: Path,
    created: str,
    scene_findings: Iterable[Finding] = (),
    written: Mapping[str, tuple[int, str]] | None = None,
) -> None:
    """Rebuild a dataset's index and cards from its scene files.

    Most is read before the lock is taken; under it only what another writer has changed since.

    Parameters
    ----------
    path : the dataset's folder
    created : ISO 8601 date of the dataset's first ingest; an older index keeps its own
    scene_findings : about whole scenes, also those that were not stored; an older index's stay
        unless these are about the same scene or the scene has been stored since
    written : scene -> bytes and sha256 of its file, where this ingest has them at hand

    Raises
    ------
    StoreError
        If there are no scenes, or a scene file differs from the older index and is damaged.
    """
    written = written or {}
    stamp, older = _stamp(path / "dataset.h5"), _older_index(path)
    read = _entries(path, older, written, {})
    near = neighbours(path)
    with locked(path / ".lock"):
        for folder in (path, path / "scenes"):
            publish.remove_leftovers(folder)
        if stamp != _stamp(path / "dataset.h5"):
            older = _older_index(path)
        entries = [entry for _, entry in _entries(path, older, written, read).values()]
        whole = list(scene_findings)
        if older is not None:
            created = older.created
            stored = {scene.scene for scene, _, _ in entries}
            told = [f for f in older.findings if f.check != "duplicates"]  # found anew below
            whole += _still_true(told, whole, entries, stored)
        whole += _duplicates(path, [scene for scene, _, _ in entries], near)
        data = store.index_bytes(path, created, entries, whole)
        publish.write_replacing(path / "dataset.h5", seal.sealed(data))
        card.write_cards(Store(path))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what is another once a file has been replaced, None where there is none."""
    with contextlib.suppress(FileNotFoundError):
        status = path.stat()
        return status.st_size, status.st_mtime_ns, status.st_ino
    return None


def _entries(
    path: Path, older: Store | None, written: Mapping[str, tuple[int, str]], read: _Read
) -> _Read:
    """Return scene file -> its stamp and its entry of the index; what was `read` is not again."""
    files = sorted(scene_path(path, e.name.removesuffix(".h5")) for e in store.scene_entries(path))
    if not files:
        raise StoreError(
            path,
            "it has no scenes",
            "an index needs at least one",
            "Ingest a folder of frames first",
        )
    indexed = {} if older is None else {n: (size, d) for n, size, d in older.scene_files()}
    index = _stamp(path / "dataset.h5")
    entries: _Read = {}
    for file in files:
        stamp = _stamp(file)
        if file in read and read[file][0] == stamp:
            entries[file] = read[file]
            continue
        known = written.get(file.stem)
        if known is None or known[0] != file.stat().st_size:
            known = _as_indexed(file, indexed.get(file.stem), since_ns=index[1] if index else 0)
        entries[file] = stamp, (_of_index(file), *known)
    return entries


def _of_index(path: Path) -> SceneFile:
    """Return what an index holds of a scene: of thousands, little may be in memory at once."""
    scene = read_scene(path)
    text = sys.intern(scene.protocol_text)
    facts = {**recognisable(scene.facts), **drawn_facts(scene.facts)}
    return replace(scene, facts=facts, protocol_text=text)


def _duplicates(path: Path, scenes: list[SceneFile], near: list[Print]) -> list[Finding]:
    mine = [
        p for s in scenes for p in prints(path.name, s.scene, s.group, s.split, s.origin, s.facts)
    ]
    if not mine:
        return []
    return duplicates.audit(mine, near, limit_in(scenes[0].protocol_text))


def neighbours(but: Path | None = None) -> list[Print]:
    """Return the prints of the datasets under the home folder, but one; unread ones are logged."""
    found: list[Print] = []
    for name in store.datasets():
        folder = store.home() / name
        if but is not None and folder.resolve() == but.resolve():
            continue
        try:
            found += Store(folder).prints()
        except StoreError as error:
            _log.warning("%s is not searched for duplicates: %s", name, error)
    return found


def limit_in(protocol_text: str) -> float | None:
    """Return the likeness that a protocol's text calls one photograph, None where it calls none."""
    try:
        limits = tomllib.loads(protocol_text).get("limits", {})
        limit = limits.get("similarity_warn")
        return None if limit is None else float(limit)
    except (ValueError, TypeError, AttributeError) as error:
        _log.warning("the protocol's similarity_warn cannot be read (%s): no looks compared", error)
        return None


def _older_index(path: Path) -> Store | None:
    """Return the index that stands, or None: it is a cache, a damaged one is simply rebuilt."""
    if not (path / "dataset.h5").is_file():
        return None
    try:
        if wrong := verify_index(path):
            raise StoreError(path, wrong[0], "it is whole", "It is made anew")
        index = Store(path)
        _ = index.findings
    except StoreError as error:
        _log.warning("the old index cannot be read and is made anew: %s", error)
        return None
    return index


def _as_indexed(path: Path, known: tuple[int, str] | None, since_ns: int) -> tuple[int, str]:
    """Return a scene file's bytes and sha256: as indexed, so that damage stays visible to verify.

    A file newer than the index that is whole by its own digests has replaced the one it knew.
    """
    status = path.stat()
    if known is None:
        return status.st_size, file_digest(path)
    if status.st_mtime_ns > since_ns:
        found = status.st_size, file_digest(path)
        if found != known and not verify_content(path):
            _log.warning("%s is newer than the index and whole: the index takes it", path)
            return found
    if status.st_size != known[0]:
        raise StoreError(
            path,
            f"it has {status.st_size} bytes",
            f"the index says {known[0]} and a stored scene never changes",
            store.RESTORE,
        )
    return known


def _still_true(
    older: Iterable[Finding],
    newer: list[Finding],
    entries: list[tuple[SceneFile, int, str]],
    stored: set[str],
) -> list[Finding]:
    """Return an older index's findings about whole scenes that nothing has replaced since."""
    told = {f for scene, _, _ in entries for f in scene.findings} | set(newer)
    retold = {f.scene for f in newer}
    return [
        f
        for f in older
        if not f.pair
        and f not in told
        and f.scene not in retold
        and not (f.scene in stored and f.status == "quarantine")  # left out then, stored now
    ]


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_index(path: Path) -> list[str]:
    """Return what is wrong with a dataset's index: nothing, or sentences.

    The sha256 of the index follows its last byte, where HDF5 does not look: of scene files the
    index knows the sha256, of the index nobody else does.
    """
    if seal.holds(path / "dataset.h5"):
        return []
    return [f"the index is damaged; lldata index {path.name} rebuilds it"]


def verify_scene(path: Path, size: int, sha256: str, *, deep: bool) -> list[str]:
    """Return what is wrong with one scene file: nothing, or sentences."""
    if not path.is_file():
        return ["the file is missing"]
    if path.stat().st_size != size:
        return [f"the file has {path.stat().st_size} bytes, the index says {size}"]
    if file_digest(path) != sha256:
        return ["the file's sha256 differs from the index"]
    try:
        wrong = [
            f"part {part['number']} of the scene is missing or damaged"
            for part in read_scene(path).parts
            if not _is_whole(part_path(path, part["number"]), part)
        ]
    except StoreError as error:
        return [str(error)]
    return wrong or (verify_content(path) if deep else [])


def verify_content(path: Path) -> list[str]:
    """Return what differs between a scene's pixels and its digests: nothing, or sentences.

    `path` is the scene's file, or its place in a packed one.
    """
    try:
        scene, pixels = read_scene(path), read_pixels(path)
        clip: dict[str, list[str]] = {name: [] for name in scene.clip}
        for name, _, frame in read_clip(path, scene):
            clip[name].append(array_digest(frame))
    except StoreError as error:
        return [str(error)]
    wrong = []
    if content_digest(scene, pixels, clip) != scene.content:
        wrong.append("its mosaics or frame fields differ from their digest")
    if reference_digest(pixels) != scene.references:
        wrong.append("its references differ from their digest")
    return wrong


def _is_whole(path: Path, part: Mapping[str, Any]) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == part["size"]
        and file_digest(path) == part["sha256"]
    )
