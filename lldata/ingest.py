"""From a folder of frames to findings (`check`) and to datasets (`ingest`).

The unit of work is a scene: read in a disposable process, audited, built in memory and published
whole. What is stored is skipped when the same folder is ingested again.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata import raw, render, store
from lldata.audit import Finding, alignment, exposure, integrity, metadata, worst
from lldata.engine import Local, Unit, WorkerError, run_units
from lldata.errors import FrameError, MetadataError, StoreError
from lldata.frame import Frame
from lldata.pairing import TRUTH, Header, SceneFiles, capture_folders, choose, find_scenes
from lldata.protocol import Protocol, load, names

SAME_RENDER = 1 / 65535  # mean difference up to which a wrapped mosaic renders as its original


@dataclass(frozen=True)
class SceneJob:
    """One scene to audit and, where a folder is given, to store."""

    files: SceneFiles
    protocol: Protocol
    folder: Path | None
    origin: str  # the photograph a simulated scene was made from
    deep: bool = False
    check_render: bool = False  # of the first scene of a camera


@dataclass(frozen=True)
class Outcome:
    """What became of one scene."""

    scene: str
    state: Literal["stored", "kept", "checked", "left out"]
    findings: tuple[Finding, ...]
    pairs: int = 0


@dataclass(frozen=True)
class Plan:
    """The scenes of one protocol found in a folder, and what their names alone tell."""

    protocol: Protocol
    scenes: tuple[SceneFiles, ...]
    findings: tuple[Finding, ...]
    origins: dict[str, str]


# ---- planning


def plan(src: Path, protocol: str | None, engine: Local) -> list[Plan]:
    """Find the scenes in a folder and the protocols they were taken under.

    Raises
    ------
    FrameError, ProtocolError
        If the folder holds no frames, or no protocol, or several, match them.
    """
    if protocol is not None:
        chosen = load(protocol)
        return [_plan(src, chosen, capture_folders(src, chosen), None)]
    protocols = {name: p for name in names() if (p := load(name)).kind == "paired"}
    folders = capture_folders(src)
    found = {name: _scenes(folders, p)[0] for name, p in protocols.items()}
    headers = _headers({s.scene: s for scenes in found.values() for s in scenes}.values(), engine)
    by_protocol = choose(src, found, headers, protocols)
    return [
        _plan(src, protocols[name], folders, scenes) for name, scenes in sorted(by_protocol.items())
    ]


def _scenes(folders: Sequence[Path], protocol: Protocol) -> tuple[list[SceneFiles], list[Finding]]:
    scenes: list[SceneFiles] = []
    findings: list[Finding] = []
    for folder in folders:
        if all((folder / n).is_dir() for n in (protocol.files.short, protocol.files.long)):
            some, said = find_scenes(folder, protocol)
            scenes += some
            findings += said
    return scenes, findings


def _plan(
    src: Path, protocol: Protocol, folders: Sequence[Path], chosen: Sequence[SceneFiles] | None
) -> Plan:
    scenes, findings = _scenes(folders, protocol)
    if chosen is not None:
        kept = {(s.folder, s.scene) for s in chosen}
        mine = {s.folder for s in chosen}
        others = {s.scene for s in scenes} - {s.scene for s in chosen}
        scenes = [s for s in scenes if (s.folder, s.scene) in kept]
        whole = [f for folder in sorted(mine) for f in find_scenes(folder, protocol)[1]]
        findings = [f for f in whole if f.scene not in others]
    if not scenes:
        said = f" ({findings[0].message})" if findings else ""
        raise FrameError(
            src,
            f"it holds no whole scene of {protocol.name}{said}",
            "names such as 00001_00_0.1s in short/ and 00001_00_10s in long/ are needed",
            f"Rename the files (lldata protocols {protocol.name})",
        )
    twice = [s for s in scenes if sum(o.scene == s.scene for o in scenes) > 1]
    if twice:
        raise FrameError(
            src,
            f"scene {twice[0].scene} is in {' and '.join(sorted({str(s.folder) for s in twice}))}",
            "one name stands for one scene",
            "Rename one, or ingest the folders apart",
        )
    return Plan(protocol, tuple(scenes), tuple(findings), _origins(scenes[0].folder))


def _headers(scenes: Any, engine: Local) -> dict[Path, Header]:
    units = [
        Unit(str(path), raw.read_header, (path,))
        for scene in scenes
        for path in ((scene.shorts[0],) if scene.ready else (scene.long, scene.shorts[0]))
    ]
    return {
        Path(unit.key): Header(*result)
        for unit, result in run_units(units, replace(engine, timeout_s=30.0))
        if not isinstance(result, BaseException)
    }


def _origins(folder: Path) -> dict[str, str]:
    """Return scene -> source photograph of a simulated folder, {} for captures."""
    for parent in (folder, *list(folder.parents)[:_TRUTH_LEVELS]):
        table = parent / TRUTH
        if table.is_file():
            truth = json.loads(table.read_text("utf-8"))
            return {str(k): str(v) for k, v in truth.get("sources", {}).items()}
    return {}


_TRUTH_LEVELS = 2


# ---- one scene


def run_scene(job: SceneJob) -> Outcome:
    """Read, audit and (with a folder) store one scene; runs in a disposable process.

    A frame that cannot be read costs its scene: it is left out, with a finding that says why.
    """
    name = job.files.scene
    try:
        pixels = _read(job)
    except MetadataError as error:
        return _left_out(name, "metadata", error)
    except FrameError as error:
        return _left_out(name, "integrity", error)
    rows, findings = _audit(job, pixels)
    if job.folder is None:
        return Outcome(name, "checked", tuple(findings), len(rows))
    scene = _scene_file(job, pixels, rows, [f for f in findings if f.pair])
    store.publish_scene(job.folder, scene, pixels)
    return Outcome(name, "stored", tuple(findings), len(rows))


def _left_out(scene: str, check: str, error: Exception) -> Outcome:
    finding = Finding(scene, "", check, "quarantine", None, None, f"{error} The scene is left out.")
    return Outcome(scene, "left out", (finding,))


def _read(job: SceneJob) -> store.Pixels:
    files = job.files
    shorts = {path.stem: _decode(path, deep=job.deep) for path in files.shorts}
    if files.ready:
        picture = _ready_reference(files.long, next(iter(shorts.values())))
        return store.Pixels(shorts, {}, {files.long.stem: picture}, {files.long.stem: {
            "origin": "ready", "sha256": _sha256(files.long),
        }})  # fmt: skip
    long = _decode(files.long, deep=job.deep)
    if not any(map(any, long.colour_matrix)):  # LibRaw converts by one that it does not show
        matrix = render.measured_matrix(files.long)
        long = replace(long, colour_matrix=matrix)
        shorts = {n: replace(f, colour_matrix=matrix) for n, f in shorts.items()}
    if job.folder is None:
        return store.Pixels(shorts, {files.long.stem: long})
    facts = {"origin": "rendered", "effective_white": render.effective_white(long)}
    return store.Pixels(
        shorts, {files.long.stem: long}, {files.long.stem: render.render_file(files.long)},
        {files.long.stem: facts},
    )  # fmt: skip


def _decode(path: Path, *, deep: bool) -> Frame:
    frame = raw.decode(path)
    if deep and not np.array_equal(raw.decode(path).mosaic, frame.mosaic):
        raise FrameError(
            path,
            "decoded twice it gives different pixels",
            "a sound file decodes alike",
            "Copy it from the card again",
        )
    return frame


def _ready_reference(path: Path, short: Frame) -> NDArray[np.uint16]:
    """Read a 16-bit RGB picture of the size of the short's mosaic, (H, W, 3)."""
    raw.check_regular(path)
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FrameError(
            path,
            "it cannot be read as a picture",
            "a ready reference is a 16-bit PNG or TIFF",
            "Copy it again",
        )
    if picture.dtype != np.uint16 or picture.ndim != 3 or picture.shape[2] != 3:
        bits, channels = 8 * picture.dtype.itemsize, picture.shape[2] if picture.ndim == 3 else 1
        raise MetadataError(
            path,
            f"it has {bits} bits and {channels} channels",
            "a ready reference has 16 bits and 3 channels",
            "Render it again",
        )
    if picture.shape[:2] != short.mosaic.shape:
        raise MetadataError(
            path,
            f"it has {picture.shape[0]}x{picture.shape[1]} pixels",
            f"the short has {short.mosaic.shape[0]}x{short.mosaic.shape[1]}",
            "Render it in full size, without rotation",
        )
    return np.ascontiguousarray(picture[..., ::-1])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _audit(job: SceneJob, pixels: store.Pixels) -> tuple[list[dict[str, Any]], list[Finding]]:
    files, limits = job.files, job.protocol.limits
    long = next(iter(pixels.long.values()), None)
    greens, clipped = _long_green(job, pixels, long)
    rows, findings = [], []
    for path in files.shorts:
        short = pixels.short[path.stem]
        pair = f"{files.scene}/{path.stem}"
        seconds = long.exposure_s if long else _named_exposure(files.long, job.protocol)
        ratio = exposure_ratio(short, long, seconds)
        halves = alignment.green_halves(short)
        shift = alignment.measure(halves, greens) if halves.shape[1:] == greens.shape else None
        fitted = None
        if long is not None and halves.shape[1:] == greens.shape:
            fitted = exposure.fit(halves.mean(0), greens, ratio)
        frames = {path.name: short} | ({files.long.name: long} if long else {})
        said = [
            integrity.audit(files.scene, pair, frames, decoded_twice=job.deep),
            metadata.audit(files.scene, pair, (path, short), (files.long, long), seconds,
                           job.protocol),
            alignment.audit(files.scene, pair, shift, limits),
            exposure.audit(files.scene, pair, fitted, clipped, shift, limits, ready=files.ready),
        ]  # fmt: skip
        findings += said
        rows.append(_row(job, pair, path, short, ratio, shift, [f.status for f in said]))
    if job.check_render and long is not None:
        findings.append(_render_finding(files, long))
    return rows, findings


def _long_green(
    job: SceneJob, pixels: store.Pixels, long: Frame | None
) -> tuple[NDArray[np.float32], float]:
    """Return the long's green on the mosaic's sites, linear, and its share of clipped values."""
    if long is not None:
        return alignment.green_halves(long).mean(0), exposure.clipped_share(long)
    picture = next(iter(pixels.reference.values()))
    linear = render.linearise(picture[..., 1].astype(np.float32) / np.float32(65535))
    pattern = next(iter(pixels.short.values())).cfa
    green = alignment.green_of_picture(linear.astype(np.float32), pattern)
    return green, float((picture.max(axis=2) == 65535).mean())


def _named_exposure(path: Path, protocol: Protocol) -> float:
    return float((protocol.parse_name(path.stem) or {})["exposure_s"])


def exposure_ratio(short: Frame, long: Frame | None, long_exposure_s: float) -> float:
    """Return t ISO / N^2 of the long over that of the short.

    Without a long frame its ISO and aperture are the short's; an unknown aperture counts as equal.
    """
    iso = short.iso if long is None else long.iso
    known = long is not None and short.f_number and long.f_number
    stops = (short.f_number / long.f_number) ** 2 if known else 1.0  # type: ignore[operator,union-attr]
    return float(long_exposure_s * iso * stops / (short.exposure_s * short.iso))


def _row(
    job: SceneJob,
    pair: str,
    path: Path,
    short: Frame,
    ratio: float,
    shift: alignment.Shift | None,
    statuses: list[Any],
) -> dict[str, Any]:
    long = job.files.long.stem
    return {
        "pair": pair, "scene": job.files.scene, "group": job.files.group, "short": path.stem,
        "long": "" if job.files.ready else long, "reference": long, "split": job.files.split,
        "ratio": ratio, "iso": short.iso, "exposure_s": short.exposure_s,
        "shift_y_px": shift.y_px if shift else None, "shift_x_px": shift.x_px if shift else None,
        "status": worst(statuses),
    }  # fmt: skip


def _render_finding(files: SceneFiles, long: Frame) -> Finding:
    difference = render.wrap_difference(files.long, long)
    if difference <= SAME_RENDER:
        return Finding(
            files.scene,
            "",
            "metadata",
            "pass",
            difference,
            SAME_RENDER,
            f"{long.camera}: mosaics of the store render as LibRaw renders the original",
        )
    return Finding(
        files.scene, "", "metadata", "warn", difference, SAME_RENDER,
        f"{long.camera}: pictures rendered from the store's mosaics differ from LibRaw on the "
        f"original by {difference * 65535:.1f}/65535 in the mean; references are rendered from "
        "the original",
    )  # fmt: skip


def _scene_file(
    job: SceneJob, pixels: store.Pixels, rows: list[dict[str, Any]], findings: list[Finding]
) -> store.SceneFile:
    files = job.files
    frames = [*pixels.short.values(), *pixels.long.values()]
    digests = {p.stem: f.sha256 for p, f in zip(files.shorts, pixels.short.values(), strict=True)}
    sources = {}
    for path in files.files:
        status = path.stat()
        sources[f"{path.parent.name}/{path.name}"] = {
            "sha256": digests.get(path.stem) or _sha256(path),
            "size": status.st_size, "mtime_ns": status.st_mtime_ns,
        }  # fmt: skip
    return store.SceneFile(
        scene=files.scene, group=files.group, split=files.split, camera=frames[0].camera,
        protocol=job.protocol.name, protocol_text=job.protocol.text,
        synthetic=any(f.synthetic for f in frames), origin=job.origin, pairs=tuple(rows),
        findings=tuple(findings), sources=sources, versions=store.software_versions(),
    )  # fmt: skip


# ---- whole folders


def check(plans: Sequence[Plan], engine: Local, *, deep: bool) -> Iterator[Outcome]:
    """Audit the scenes of some plans without storing anything.

    Yields an outcome as each scene is done; what names alone tell comes first.
    """
    for found in plans:
        for finding in found.findings:
            yield Outcome(finding.scene, "left out", (finding,))
        yield from _run(_jobs(found, None, deep=deep), engine)


def _jobs(found: Plan, folder: Path | None, *, deep: bool) -> list[SceneJob]:
    return [
        SceneJob(
            s, found.protocol, folder, found.origins.get(s.scene, ""), deep, check_render=not i
        )
        for i, s in enumerate(found.scenes)
    ]


def _run(jobs: Sequence[SceneJob], engine: Local) -> Iterator[Outcome]:
    units = (Unit(job.files.scene, run_scene, (job,)) for job in jobs)
    for unit, result in run_units(units, engine):
        if isinstance(result, WorkerError):
            yield _left_out(unit.key, "integrity", result)
        elif isinstance(result, BaseException):
            raise result
        else:
            yield result


@dataclass(frozen=True)
class Dataset:
    """One dataset an ingest makes or adds to."""

    name: str
    path: Path
    plan: Plan
    known: frozenset[str]  # scenes stored before, from the same sources


def prepare(src: Path, protocol: str | None, name: str | None, engine: Local) -> list[Dataset]:
    """Decide which datasets a folder gives and which of their scenes are stored already.

    Raises
    ------
    StoreError
        If a stored scene's files have changed, or a dataset was made under another protocol.
    """
    plans = plan(src, protocol, engine)
    datasets = []
    for found in plans:
        label = found.protocol.name
        if name is not None:
            label = name if len(plans) == 1 else f"{name}_{label.partition('_')[2] or label}"
        path = store.home() / store.check_name(label)
        known = {s.scene for s in found.scenes if _stored(path, s, found.protocol)}
        datasets.append(Dataset(label, path, found, frozenset(known)))
    return datasets


def _stored(path: Path, files: SceneFiles, protocol: Protocol) -> bool:
    """Whether a scene stands in the store from these very files."""
    standing = store.scene_path(path, files.scene)
    if not standing.is_file():
        return False
    scene = store.read_scene(standing)
    if scene.protocol != protocol.name:
        raise StoreError(
            path,
            f"it was made under the protocol {scene.protocol}",
            f"these frames come under {protocol.name}",
            "Choose another --name",
        )
    current = {f"{p.parent.name}/{p.name}": p for p in files.files}
    changed = scene.sources.keys() ^ current.keys() or {
        n for n, p in current.items() if not _same_file(p, scene.sources[n])
    }
    if changed:
        raise StoreError(
            f"{path.name}: scene {files.scene}",
            f"{', '.join(sorted(changed))} changed since",
            "a stored scene never changes",
            f"Restore the file, name the new scene otherwise, or delete {standing}",
        )
    return True


def _same_file(path: Path, source: dict[str, Any]) -> bool:
    status = path.stat()
    if status.st_size != source["size"]:
        return False
    return bool(status.st_mtime_ns == source["mtime_ns"] or _sha256(path) == source["sha256"])


def ingest(dataset: Dataset, engine: Local, *, deep: bool) -> Iterator[Outcome]:
    """Store every scene of a prepared dataset that is not there yet, then rebuild its index.

    Yields an outcome as each scene is done. Stopped at any moment, what was stored stays, and
    the next call goes on from there.

    Raises
    ------
    FrameError
        If no scene could be stored and the dataset has none.
    """
    found = dataset.plan
    jobs = [j for j in _jobs(found, dataset.path, deep=deep) if j.files.scene not in dataset.known]
    findings = defaultdict(list)
    for finding in found.findings:
        findings[finding.scene].append(finding)
    for scene in sorted(dataset.known):
        standing = store.read_scene(store.scene_path(dataset.path, scene))
        yield Outcome(scene, "kept", standing.findings, len(standing.pairs))
    failed: list[Finding] = []
    try:
        for outcome in _run(jobs, engine):
            whole = [f for f in outcome.findings if not f.pair]
            findings[outcome.scene] += whole
            failed += whole if outcome.state == "left out" else []
            yield outcome
    finally:
        if any(store.scene_path(dataset.path, s.scene).is_file() for s in found.scenes):
            store.build_index(
                dataset.path, datetime.now(UTC).isoformat(timespec="seconds"),
                [f for said in findings.values() for f in said],
            )  # fmt: skip
    if len(failed) == len(found.scenes):
        raise FrameError(
            f"{dataset.name}: every scene",
            failed[0].message.rstrip("."),
            "at least one scene must be readable",
            "Mend the files named",
        )
