"""Pairs of ready pictures, as LOL has them: found by their names, audited, stored as they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lldata import raw, store, upkeep
from lldata.audit import Finding, worst
from lldata.errors import FrameError, MetadataError
from lldata.measures import fingerprint
from lldata.pairing import Find, SceneFiles, folders_with
from lldata.protocol import PictureProtocol
from lldata.reading.picture_files import PictureFile, read_picture
from lldata.scene import Pixels, SceneFile
from lldata.sets import picture_audits
from lldata.sets.job import Outcome, SceneJob, left_out
from lldata.sets.picture_evidence import PicturePair

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def safe_name(stem: str) -> str:
    """Return a file stem as a scene's name: letters, digits, - and _, others become -."""
    return _UNSAFE.sub("-", stem).strip("-") or "-"


def find(src: Path, protocol: PictureProtocol) -> list[Find]:
    """Return the pairs in each folder of `src`, itself included, that holds both folders.

    Raises
    ------
    FrameError
        If `src` is no folder or none holds both.
    """
    names = (protocol.files.low, protocol.files.normal)
    folders = folders_with(
        src,
        names,
        "pictures",
        "the dark pictures lie in one and the normally lit ones in the other",
    )
    return [_in_folder(folder, protocol) for folder in folders]


def _in_folder(folder: Path, protocol: PictureProtocol) -> Find:
    low, normal = (
        by_stem(sorted((folder / name).iterdir()), protocol.files.extensions)
        for name in (protocol.files.low, protocol.files.normal)
    )
    stems = sorted(low.keys() | normal.keys())
    scenes, findings = [], []
    scene_names = unique_names(stems)
    for stem in stems:
        name = scene_names[stem]
        problem = _problem(low.get(stem, []), normal.get(stem, []), protocol)
        if not problem and name is None:
            problem = f"another picture's name differs from {stem} in special characters only"
        if problem or name is None:
            findings.append(unusable(name or safe_name(stem), f"{problem}; the scene is left out"))
        else:
            scenes.append(SceneFiles(name, "", name, folder, normal[stem][0], (low[stem][0],)))
    return Find(folder, scenes, findings)


def by_stem(paths: Iterable[Path], extensions: Sequence[str]) -> dict[str, list[Path]]:
    """Return stem -> picture files of that stem."""
    allowed = {f".{e.lower()}" for e in extensions}
    found: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if path.suffix.lower() in allowed and path.name[0] != ".":
            found[path.stem].append(path)
    return found


def unique_names(stems: Iterable[str]) -> dict[str, str | None]:
    """Return stem -> scene name, None where two stems would give one (case counts as equal)."""
    taken: dict[str, list[str]] = defaultdict(list)
    for stem in stems:
        taken[safe_name(stem).casefold()].append(stem)
    return {
        stem: safe_name(stem) if len(same) == 1 else None
        for same in taken.values()
        for stem in same
    }


def unusable(scene: str, message: str) -> Finding:
    """Return the finding that costs a scene by what names alone tell."""
    return Finding(scene, "", "metadata", "quarantine", None, None, message)


def _problem(low: list[Path], normal: list[Path], protocol: PictureProtocol) -> str | None:
    for paths, other, folder in (
        (low, normal, protocol.files.low), (normal, low, protocol.files.normal)
    ):  # fmt: skip
        if len(paths) > 1:
            return f"two pictures in {folder}/: " + ", ".join(p.name for p in paths)
        if not paths:
            return f"{other[0].name} has no picture of its name in {folder}/"
    return None


def run_scene(job: SceneJob[PictureProtocol]) -> Outcome:
    """Read, audit and (with a folder) store one pair; runs in a disposable process.

    A picture that cannot be read costs its scene: it is left out, with a finding that says why.
    """
    files = job.files
    try:
        low, normal = read_picture(files.shorts[0]), read_picture(files.long)
    except MetadataError as error:
        return left_out(files.scene, "metadata", error)
    except FrameError as error:
        return left_out(files.scene, "integrity", error)
    name = f"{files.scene}/{files.scene}"
    pair = PicturePair(files.scene, name, low, normal, job.protocol.limits)
    findings = tuple(audit(pair) for audit in picture_audits.AUDITS) if job.audits else ()
    if job.folder is None:
        facts = facts_of(files, {files.shorts[0]: low, files.long: normal})
        return Outcome(files.scene, "checked", findings, 1, facts)
    row = pair_row(files, worst([f.status for f in findings]) if findings else "unknown")
    if findings and pair.shift_px is not None:
        row["shift_y_px"], row["shift_x_px"] = pair.shift_px
    scene = scene_file(job, row, findings, {files.shorts[0]: low, files.long: normal})
    pixels = Pixels(low={files.scene: low.pixels}, normal={files.scene: normal.pixels})
    published = upkeep.publish_scene(job.folder, scene, pixels)
    return Outcome(files.scene, "stored", findings, 1, file=published.file)


def pair_row(files: SceneFiles, status: str) -> dict[str, Any]:
    """Return the pair table's row of a picture pair: nothing is known of its exposures."""
    return {
        "pair": f"{files.scene}/{files.scene}", "scene": files.scene, "group": files.group,
        "short": files.scene, "long": "", "reference": files.scene, "split": files.split,
        "ratio": None, "iso": None, "exposure_s": None, "shift_y_px": None, "shift_x_px": None,
        "status": status,
    }  # fmt: skip


def scene_file(
    job: SceneJob[Any],
    row: dict[str, Any],
    findings: tuple[Finding, ...],
    read: Mapping[Path, PictureFile],
) -> SceneFile:
    """Return the record of a scene of pictures, from the files it was read from."""
    sources = {}
    for path, one in read.items():
        status = raw.check_regular(path)
        key = f"{path.parent.name}/{path.name}"
        sources[key] = {
            "sha256": one.sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns,
        }  # fmt: skip
    return SceneFile(
        scene=job.files.scene, group=job.files.group, split=job.files.split, camera="",
        protocol=job.protocol.name, protocol_text=job.protocol.text, synthetic=False,
        origin=job.origin, pairs=(row,), findings=findings, sources=sources,
        versions=store.software_versions(), kind="pictures",
        facts=facts_of(job.files, read),
    )  # fmt: skip


def facts_of(files: SceneFiles, read: Mapping[Path, PictureFile]) -> dict[str, dict[str, Any]]:
    """Return what the files of a scene say, and what their pictures are recognised by."""
    facts = {}
    for path, one in read.items():
        known = fingerprint.of_picture(one.pixels)
        if path != files.long:  # the dark picture looks like its noise
            del known["thumbnail"]
        facts[f"{path.parent.name}/{path.name}"] = {**one.facts(), "sha256": one.sha256, **known}
    return facts
