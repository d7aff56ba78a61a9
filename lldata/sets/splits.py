"""Which split a scene belongs to: list files where there are any, else the protocol's rule.

Scenes of one group show one place, so a rule gives them one split; a list that divides a group is
obeyed and reported.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lldata.audit import Finding
from lldata.engine import Engine, Unit, run_units
from lldata.errors import FrameError, LowLightError
from lldata.pairing import SceneFiles
from lldata.protocol import Protocol
from lldata.reading.clip_frames import file_status
from lldata.sets import listing
from lldata.sets.job import left_out
from lldata.stated import stated
from lldata.store import Store
from lldata.upkeep import file_digest

_MUCH = 1 << 28  # bytes to hash that are worth the start of workers
_log = logging.getLogger(__name__)
_SHARES = (("train", 80), ("val", 90), ("test", 100))  # per cent, up to


def assigned(
    scenes: Sequence[SceneFiles],
    protocol: Protocol,
    src: Path,
    lists: Path | None,
    engine: Engine | None = None,
) -> tuple[list[SceneFiles], list[Finding]]:
    """Return the scenes with their splits, and what the lists say against them.

    Parameters
    ----------
    scenes : their split is the one their names say, "" where names say none
    src : the folder that was ingested; where `lists` is None, the lists count that lie in it,
        beside the frames or in its parent, whichever first names one of these frames
    lists : a folder of list files
    engine : that hashes many or large sources, where the protocol divides by their sha256

    Returns
    -------
    Listed scenes have their list's split, others of a listed group the group's, and the rest the
    protocol's; one whose source would decide and cannot be read is left out, with a finding.
    Warnings say which scenes no list names (where the lists are all there are), which listed
    frames are missing, and which groups are divided.

    Raises
    ------
    FrameError
        If two lists put one scene into two splits, or `lists` names no frame of these scenes.
    """
    rows = listing.rows_about(scenes, protocol, src, lists)
    named = listing.lines_of(scenes, rows)
    by_list = {scene: listing.one_split(scene, lines) for scene, lines in named.items()}
    groups = {
        g: splits.pop() for g, splits in _splits_of_groups(scenes, by_list).items()
        if len(splits) == 1
    }  # fmt: skip
    rest = [s for s in scenes if s.scene not in by_list and s.group not in groups]
    by_rule, unread = _by_rule(rest, protocol, engine)
    lost = {finding.scene for finding in unread}
    scenes = [s for s in scenes if s.scene not in lost]
    rest = [s for s in rest if s.scene not in lost]
    result = [
        replace(
            s, split=by_list.get(s.scene) or groups.get(s.group) or by_rule[s.scene],
            listed=tuple(x for x in named.get(s.scene, ()) if x.iso is not None),
        )
        for s in scenes
    ]  # fmt: skip
    findings = unread + listing.missing(result, rows, src) + _divided_groups(result)
    whatever_is_left_is_test = protocol.splits.rule == "all_test"
    if whatever_is_left_is_test and all(row.split != "test" for row in rows):
        return result, findings
    said = "no list names it; by the protocol it goes to"
    return result, findings + [
        listing.warning(s.scene, f"{said} {by_rule[s.scene]}") for s in rest if rows
    ]


# ---- the protocol's rule


def only_split(dataset: Store) -> str:
    """Return a sentence on a dataset that hashes put into one split whole, else ""."""
    rule = stated(dataset, "splits.rule", str)
    found = set(dataset.pairs["split"])
    if rule != "sha256" or len(found) != 1:
        return ""
    groups = dataset.scenes["group"].nunique()
    return (
        f"{dataset.name}: all {len(dataset.pairs)} pairs ({groups} place{'s' * (groups > 1)}) are "
        f"of split {found.pop()} (without lists the sha256 of the source decides). To divide them "
        "otherwise, ingest under another name with --lists DIR: train.txt, val.txt and test.txt "
        "in it name the scenes."
    )


def _by_rule(
    scenes: Sequence[SceneFiles], protocol: Protocol, engine: Engine | None
) -> tuple[dict[str, str], list[Finding]]:
    """Return scene -> split by the protocol's rule, and why some have none."""
    rule = protocol.splits.rule
    if rule == "leading_digit":
        return {s.scene: s.split for s in scenes}, []
    if rule == "all_test":
        return dict.fromkeys((s.scene for s in scenes), "test"), []
    groups: dict[str, list[SceneFiles]] = defaultdict(list)
    for scene in sorted(scenes, key=lambda s: s.scene, reverse=True):
        groups[scene.group].append(scene)
    decided: dict[str, str] = {}
    unread: list[Finding] = []
    while waiting := [each[-1] for group, each in groups.items() if each and group not in decided]:
        for scene, digest in _source_digests(waiting, engine):
            if isinstance(digest, str):
                decided[scene.group] = by_digest(digest)
            else:  # the next of its group decides
                groups[scene.group].remove(scene)
                unread += left_out(scene.scene, "integrity", digest).findings
    return {s.scene: decided[s.group] for each in groups.values() for s in each}, unread


def _source_digests(
    scenes: Sequence[SceneFiles], engine: Engine | None
) -> Iterator[tuple[SceneFiles, str | LowLightError]]:
    """Yield each scene and its source's sha256, or why it has none.

    Little is hashed here, sooner than a worker has started; much by the workers.
    """
    if engine is None or sum(_size(s) for s in scenes) < _MUCH:
        for scene in scenes:
            try:
                yield scene, source_digest(scene)
            except FrameError as error:
                yield scene, error
        return
    by_name = {s.scene: s for s in scenes}
    for done, (unit, result) in enumerate(
        run_units((Unit(s.scene, source_digest, (s,)) for s in scenes), engine), 1
    ):
        if isinstance(result, BaseException) and not isinstance(result, LowLightError):
            raise result
        _log.info("sha256 of the sources: %d/%d", done, len(scenes))
        yield by_name[unit.key], result


def _size(scene: SceneFiles) -> int:
    with contextlib.suppress(OSError):  # who reads it says what is wrong
        return _source(scene).stat().st_size
    return 0


def _source(scene: SceneFiles) -> Path:
    path = scene.long
    return min(m for m in scene.members if path in m.parents) if path.is_dir() else path


def source_digest(scene: SceneFiles) -> str:
    """Return the sha256 that identifies a scene's place: of its longest exposure's file.

    Of a folder of frames it is the first frame's.

    Raises
    ------
    FrameError
        If that is no file, or cannot be read.
    """
    path = _source(scene)
    file_status(path)
    try:
        return file_digest(path)
    except OSError as error:
        raise FrameError(
            path,
            f"it cannot be read ({os.strerror(error.errno or 0).lower()})",
            "a readable file is needed",
            "Change its rights, or copy it again",
        ) from error


def by_digest(sha256: str) -> str:
    """Return the split of a source photograph by its sha256: 80 % train, 10 % val, 10 % test."""
    place = int(sha256[:8], 16) % 100
    return next(name for name, end in _SHARES if place < end)


# ---- groups


def _splits_of_groups(
    scenes: Sequence[SceneFiles], splits: Mapping[str, str]
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for s in scenes:
        if s.scene in splits:
            found[s.group].add(splits[s.scene])
    return found


def _divided_groups(scenes: Sequence[SceneFiles]) -> list[Finding]:
    splits = _splits_of_groups(scenes, {s.scene: s.split for s in scenes})
    return [
        listing.warning(
            s.scene,
            f"its group {s.group} is divided between {' and '.join(sorted(splits[s.group]))}: "
            "the same place is in both",
        )
        for s in scenes if len(splits[s.group]) > 1
    ]  # fmt: skip
