"""Examine one scene: read its frames, audit them and, when asked, store them.

This is the unit of work of `ingest`; it runs in a disposable process.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lldata import raw, render, store, upkeep
from lldata.audit import Finding, alignment, exposure, integrity, metadata, worst
from lldata.errors import FrameError, MetadataError
from lldata.frame import Frame
from lldata.pairing import SceneFiles
from lldata.protocol import Protocol
from lldata.scene import Pixels, SceneFile

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
    state: Literal["stored", "kept", "checked", "left out", "named"]  # named: told by names alone
    findings: tuple[Finding, ...]
    pairs: int = 0


def run_scene(job: SceneJob) -> Outcome:
    """Read, audit and (with a folder) store one scene; runs in a disposable process.

    A frame that cannot be read costs its scene: it is left out, with a finding that says why.
    """
    name = job.files.scene
    try:
        pixels = _read(job)
        rows, findings = _audit(job, pixels)
        if job.folder is None:
            return Outcome(name, "checked", tuple(findings), len(rows))
        scene = _scene_file(job, pixels, rows, findings)
    except MetadataError as error:
        return left_out(name, "metadata", error)
    except FrameError as error:
        return left_out(name, "integrity", error)
    upkeep.publish_scene(job.folder, scene, pixels)
    return Outcome(name, "stored", tuple(findings), len(rows))


def left_out(scene: str, check: str, error: Exception) -> Outcome:
    """Return the outcome of a scene that cannot be stored, its reason as a finding."""
    finding = Finding(scene, "", check, "quarantine", None, None, f"{error} The scene is left out.")
    return Outcome(scene, "left out", (finding,))


def _read(job: SceneJob) -> Pixels:
    files = job.files
    shorts = {path.stem: _decode(path, deep=job.deep) for path in files.shorts}
    if files.ready:
        picture, sha256 = _ready_reference(files.long)
        facts = {files.long.stem: {"origin": "ready", "sha256": sha256}}
        return Pixels(shorts, {}, {files.long.stem: picture}, facts)
    long = _decode(files.long, deep=job.deep)
    if not any(map(any, long.colour_matrix)):  # LibRaw converts by one that it does not show
        matrix = render.measured_matrix(files.long)
        long = replace(long, colour_matrix=matrix)
        shorts = {n: replace(f, colour_matrix=matrix) for n, f in shorts.items()}
    if job.folder is None:
        return Pixels(shorts, {files.long.stem: long})
    known = {"origin": "rendered", "effective_white": render.effective_white(long)}
    return Pixels(
        shorts, {files.long.stem: long}, {files.long.stem: render.render_file(files.long)},
        {files.long.stem: known},
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


def _audit(job: SceneJob, pixels: Pixels) -> tuple[list[dict[str, Any]], list[Finding]]:
    files, limits = job.files, job.protocol.limits
    long = next(iter(pixels.long.values()), None)
    greens, clipped = _long_green(job, pixels, long)
    rows, findings = [], []
    white = _white_change(long) if long is not None else 0.0
    size = _long_size(pixels, long)
    for path in files.shorts:
        short = pixels.short[path.stem]
        pair = f"{files.scene}/{path.stem}"
        seconds = long.exposure_s if long else _named_exposure(files.long, job.protocol)
        ratio = exposure_ratio(short, long, seconds)
        halves = alignment.green_halves(short)
        comparable = halves.shape[1:] == greens.shape
        shift = alignment.measure(halves, greens) if comparable else None
        fitted = exposure.fit(halves.mean(0), greens, ratio) if comparable and long else None
        frames = {path.name: short} | ({files.long.name: long} if long else {})
        said = [
            integrity.audit(files.scene, pair, frames, decoded_twice=job.deep),
            metadata.audit(files.scene, pair, (path, short), (files.long, long), seconds, ratio,
                           size, job.protocol),
            alignment.audit(files.scene, pair, shift, clipped, limits, comparable=comparable),
            exposure.audit(files.scene, pair, fitted, clipped, shift, limits,
                           ready=files.ready, white_change=white),
        ]  # fmt: skip
        findings += said
        rows.append(_row(job, pair, path, short, ratio, shift, [f.status for f in said]))
    if job.check_render and long is not None:
        findings.append(_render_finding(files, long))
    return rows, findings


def _long_green(
    job: SceneJob, pixels: Pixels, long: Frame | None
) -> tuple[NDArray[np.float32], float]:
    """Return the long's green on the mosaic's sites, linear, and its share of clipped values."""
    if long is not None:
        return alignment.green_halves(long).mean(0), exposure.clipped_share(long)
    picture = next(iter(pixels.reference.values()))
    linear = render.linearise(picture[..., 1].astype(np.float32) / np.float32(65535))
    pattern = next(iter(pixels.short.values())).cfa
    green = alignment.green_of_picture(linear.astype(np.float32), pattern)
    return green, float((picture.max(axis=2) == 65535).mean())


def _long_size(pixels: Pixels, long: Frame | None) -> tuple[int, int]:
    pixels_of_long = next(iter(pixels.reference.values())) if long is None else long.mosaic
    height, width = pixels_of_long.shape[:2]
    return height, width


def _white_change(long: Frame) -> float:
    white = long.white_level - min(long.black_level)
    return abs(render.effective_white(long) / white - 1)


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
    job: SceneJob, pixels: Pixels, rows: list[dict[str, Any]], findings: list[Finding]
) -> SceneFile:
    files = job.files
    frames = [*pixels.short.values(), *pixels.long.values()]
    ready = [facts["sha256"] for facts in pixels.reference_facts.values() if "sha256" in facts]
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
