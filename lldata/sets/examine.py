"""Examine one scene: read its frames, audit them and, when asked, store them.

This is the unit of work of `ingest`; it runs in a disposable process.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata import raw, render, store, upkeep
from lldata.audit import Finding, alignment, exposure, focus, integrity, metadata, noise, worst
from lldata.audit.evidence import Pair, Scene
from lldata.errors import FrameError, MetadataError
from lldata.frame import Frame
from lldata.measures import fingerprint
from lldata.pairing import SceneFiles
from lldata.protocol import RawProtocol
from lldata.reading import coding
from lldata.scene import Pixels, SceneFile
from lldata.sets import listing
from lldata.sets.job import Outcome, SceneJob, left_out

SAME_RENDER = 1 / 65535  # mean difference up to which a wrapped mosaic renders as its original


AUDITS = (  # each: pair -> finding
    integrity.audit, metadata.audit, alignment.audit, exposure.audit, focus.audit, noise.audit,
)  # fmt: skip
Facts = dict[str, dict[str, Any]]  # file name -> what it tells


def run_scene(job: SceneJob[RawProtocol]) -> Outcome:
    """Read, audit and (with a folder) store one scene; runs in a disposable process.

    A frame that cannot be read costs its scene: it is left out, with a finding that says why.
    """
    name = job.files.scene
    try:
        pixels, facts = _read(job)
        rows, findings = _audit(job, pixels, facts)
        if job.folder is None:
            return Outcome(name, "checked", tuple(findings), len(rows), facts)
        scene = replace(_scene_file(job, pixels, rows, findings), facts=facts)
    except MetadataError as error:
        return left_out(name, "metadata", error)
    except FrameError as error:
        return left_out(name, "integrity", error)
    published = upkeep.publish_scene(job.folder, scene, pixels)
    return Outcome(name, "stored", tuple(findings), len(rows), file=published.file)


def _read(job: SceneJob[RawProtocol]) -> tuple[Pixels, Facts]:
    files, told = job.files, Facts()
    shorts = {path.stem: _decode(path, told, deep=job.deep).frame for path in files.shorts}
    if files.ready:
        picture, sha256 = _ready_reference(files.long)
        told[files.long.name] = {"sha256": sha256}
        facts = {f"reference/{files.long.stem}": {"origin": "ready", "sha256": sha256}}
        return Pixels(shorts, {}, {files.long.stem: picture}, facts=facts), told
    developed = job.folder is not None or job.check_render
    long, _, rendered = _decode(files.long, told, deep=job.deep, developed=developed)
    if not any(map(any, long.colour_matrix)):  # LibRaw converts by one that it does not show
        matrix = render.measured_matrix(files.long)
        long = replace(long, colour_matrix=matrix)
        shorts = {n: replace(f, colour_matrix=matrix) for n, f in shorts.items()}
    if rendered is None:
        return Pixels(shorts, {files.long.stem: long}), told
    known = {"origin": "rendered", "effective_white": render.effective_white(long)}
    return Pixels(
        shorts, {files.long.stem: long}, {files.long.stem: rendered},
        facts={f"reference/{files.long.stem}": known},
    ), told  # fmt: skip


def _decode(path: Path, told: Facts, *, deep: bool, developed: bool = False) -> raw.Capture:
    """Read a frame, noting what its file tells; twice where asked or known to be unsteady."""
    capture = raw.capture(path, developed=developed)
    frame, facts, _ = capture
    twice = deep or facts["compression"].startswith(coding.FUJI)
    told[path.name] = {**facts, "decoded_twice": twice, "sha256": frame.sha256}
    if twice and not np.array_equal(raw.decode(path).mosaic, frame.mosaic):
        raise FrameError(
            path,
            "decoded twice it gives different pixels",
            "a sound file decodes alike",
            "Copy it from the card again",
        )
    return capture


def _ready_reference(path: Path) -> tuple[NDArray[np.uint16], str]:
    """Read a 16-bit RGB picture, (H, W, 3), and the sha256 of its file."""
    raw.check_regular(path)
    try:
        data = path.read_bytes()
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        picture = None
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
    return np.ascontiguousarray(picture[..., ::-1]), hashlib.sha256(data).hexdigest()


def _audit(
    job: SceneJob[RawProtocol], pixels: Pixels, facts: Facts
) -> tuple[list[dict[str, Any]], list[Finding]]:
    scene = Scene(job.files, job.protocol, pixels, facts)
    rows, findings = [], listing.against_lists(job.files, pixels)
    for pair in scene.pairs:
        said = [audit(pair) for audit in AUDITS] if job.audits else []
        findings += said
        rows.append(_row(pair, [f.status for f in said] or ["unknown"], measured=job.audits))
    if job.audits:
        _recognise(scene, facts)
        _note_noise(scene, facts)
    if job.check_render and scene.long is not None:
        picture = pixels.reference[job.files.long.stem]
        findings.append(_render_finding(job.files, scene.long, picture))
    return rows, findings


def _recognise(scene: Scene, facts: Facts) -> None:
    """Note what every frame of a scene is recognised by elsewhere."""
    for pair in scene.pairs:
        facts[pair.path.name]["pixels"] = fingerprint.pixels_digest(pair.short.mosaic)
    long = scene.long
    seen = next(iter(scene.pixels.reference.values())) if long is None else long.mosaic
    facts[scene.files.long.name] |= {
        "pixels": fingerprint.pixels_digest(seen),
        "thumbnail": fingerprint.thumbnail(scene.long_green),
    }


def _note_noise(scene: Scene, facts: Facts) -> None:
    """Note the gain and read noise that were measured, where the simulator and readers look."""
    found = scene.once(noise.of_scene)
    if isinstance(found, noise.Noise):
        facts[scene.files.long.name]["noise"] = found.as_json()


def _row(pair: Pair, statuses: list[Any], *, measured: bool) -> dict[str, Any]:
    files, shift = pair.scene.files, pair.shift if measured else None
    long = files.long.stem
    return {
        "pair": pair.name, "scene": files.scene, "group": files.group, "short": pair.path.stem,
        "long": "" if files.ready else long, "reference": long, "split": files.split,
        "ratio": pair.ratio, "iso": pair.short.iso, "exposure_s": pair.short.exposure_s,
        "shift_y_px": shift.y_px if shift else None, "shift_x_px": shift.x_px if shift else None,
        "status": worst(statuses),
    }  # fmt: skip


def _render_finding(files: SceneFiles, long: Frame, picture: NDArray[np.uint16]) -> Finding:
    difference = render.crop_difference(long, picture)
    if difference > SAME_RENDER:
        difference = render.wrap_difference(files.long, long, original=picture)
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
    job: SceneJob[RawProtocol], pixels: Pixels, rows: list[dict[str, Any]], findings: list[Finding]
) -> SceneFile:
    files = job.files
    frames = [*pixels.short.values(), *pixels.long.values()]
    ready = [facts["sha256"] for facts in pixels.facts.values() if "sha256" in facts]
    digests = [f.sha256 for f in pixels.short.values()]
    digests += [f.sha256 for f in pixels.long.values()] or ready
    sources = {}
    for path, sha256 in zip((*files.shorts, files.long), digests, strict=True):
        status = raw.check_regular(path)
        sources[f"{path.parent.name}/{path.name}"] = {
            "sha256": sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns,
        }  # fmt: skip
    return SceneFile(
        scene=files.scene, group=files.group, split=files.split, camera=frames[0].camera,
        protocol=job.protocol.name, protocol_text=job.protocol.text,
        synthetic=any(f.synthetic for f in frames), origin=job.origin, pairs=tuple(rows),
        findings=tuple(findings), sources=sources, versions=store.software_versions(),
    )  # fmt: skip
