"""Unpaired clips in low light and normally lit: found by their folders, audited, stored in pieces.

A scene's folder holds low and target, each a folder of frames or a video. A simulated scene also
has truth, what the low clip would be without darkness and noise; methods never see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lldata import store, upkeep
from lldata.audit import Finding, worst
from lldata.errors import FrameError, MetadataError
from lldata.pairing import SceneFiles
from lldata.protocol import ClipProtocol
from lldata.reading.clip_files import TRUTH_CLIP, clips_of, source_of
from lldata.reading.clip_frames import Clip, file_status, frames
from lldata.scene import SceneFile
from lldata.sets.clip_audits import AUDITS, ClipPair, Measured, measure
from lldata.sets.job import Outcome, SceneJob, left_out

_SECONDS_PER_MB = 4.0  # of files: the slowest, 8K video, takes a tenth of it


def longest_s(files: SceneFiles) -> float:
    """Return the seconds after which a scene's process must hang: by the bytes it reads."""
    return _SECONDS_PER_MB / 1e6 * sum(p.stat().st_size for p in files.files if p.is_file())


def run_scene(job: SceneJob[ClipProtocol]) -> Outcome:
    """Read, audit and (with a folder) store one scene; runs in a disposable process.

    Its clips are read twice, once to audit and count, once to store: never more than one file of
    the store is held in memory. A frame that cannot be read costs the scene.
    """
    name = job.files.scene
    try:
        clips = clips_of(job.files, job.protocol)
        measured = {n: measure(clip, twice=job.deep) for n, clip in clips.items()}
        _check_truth(name, measured)
        pair = ClipPair(name, job.protocol, clips, measured)
        findings = tuple(audit(pair) for audit in AUDITS) if job.audits else ()
        if job.folder is None:
            return Outcome(name, "checked", findings, 1)
        scene = _scene_file(job, pair, findings)
        published = upkeep.publish_clip(job.folder, scene, _unchanged(clips, measured))
    except MetadataError as error:
        return left_out(name, "metadata", error)
    except FrameError as error:
        return left_out(name, "integrity", error)
    return Outcome(name, "stored", findings, 1, file=published.file)


def _check_truth(scene: str, measured: Mapping[str, Measured]) -> None:
    truth, low = measured.get(TRUTH_CLIP), measured["low"]
    if truth is not None and (truth.count, truth.size) != (low.count, low.size):
        raise MetadataError(
            f"{scene}: {TRUTH_CLIP}", f"it has {truth.count} frames of {truth.size} pixels",
            f"the low clip has {low.count} of {low.size}", "Simulate the scene again",
        )  # fmt: skip


def _unchanged(
    clips: Mapping[str, Clip], measured: Mapping[str, Measured]
) -> Iterator[tuple[str, NDArray[np.uint16]]]:
    """Yield every frame of every clip, as long as the files are those that were audited."""
    for name, clip in clips.items():
        for frame, digest in zip(frames(clip), measured[name].digests, strict=False):
            if frame.sha256 != digest:
                raise FrameError(
                    f"{clip.name}/{frame.where}", "it changed while it was read",
                    "files rest while they are ingested", "Ingest the folder again",
                )  # fmt: skip
            yield name, frame.pixels


def _scene_file(
    job: SceneJob[ClipProtocol], pair: ClipPair, findings: tuple[Finding, ...]
) -> SceneFile:
    files, origin = job.files, source_of(job.files, job.protocol)
    status = worst([f.status for f in findings]) if job.audits else "unknown"
    return SceneFile(
        scene=files.scene, group=files.group, split=files.split, camera="",
        protocol=job.protocol.name, protocol_text=job.protocol.text, synthetic=bool(origin),
        origin=origin, pairs=(_row(files, pair, status),), findings=findings,
        sources=_sources(pair), versions=store.software_versions(), kind="clips",
        clip={name: each.record() for name, each in pair.measured.items()},
    )  # fmt: skip


def _row(files: SceneFiles, pair: ClipPair, status: str) -> dict[str, Any]:
    """Return the row of the pair table: no long, no ratio, as nothing is registered."""
    return {
        "pair": f"{files.scene}/low", "scene": files.scene, "group": files.group, "short": "low",
        "long": "", "reference": TRUTH_CLIP if TRUTH_CLIP in pair.clips else "",
        "split": files.split, "ratio": None, "iso": None, "exposure_s": None,
        "shift_y_px": None, "shift_x_px": None, "status": status,
    }  # fmt: skip


def _sources(pair: ClipPair) -> dict[str, dict[str, Any]]:
    sources = {}
    for name, clip in pair.clips.items():
        digests = pair.measured[name].digests
        if clip.video:
            digests = [upkeep.file_digest(clip.files[0])]
        for path, sha256 in zip(clip.files, digests, strict=True):
            size, mtime_ns = file_status(path)
            sources[f"{path.parent.name}/{path.name}"] = {
                "sha256": sha256, "size": size, "mtime_ns": mtime_ns,
            }  # fmt: skip
    return sources
