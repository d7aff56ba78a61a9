"""One photograph and its darkened copy as a stored pair: the unit of work of `synthesize`.

What is drawn depends on the seed and the photograph's own pixels only: neither other photographs
nor their order change it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lldata import upkeep
from lldata.audit import Finding, worst
from lldata.errors import FrameError, MetadataError, ProtocolError
from lldata.pairing import Find, SceneFiles, check_folder
from lldata.protocol import SynthesisProtocol
from lldata.reading.picture_files import PictureFile, read_picture
from lldata.scene import Picture, Pixels, array_digest
from lldata.sets import picture_audits
from lldata.sets.job import Outcome, SceneJob, left_out
from lldata.sets.pictures import pair_row, safe_name, scene_file, unique_names, unusable
from lldata.synthesis import retinex
from lldata.synthesis.retinex import Drawn

_ROWS = 256  # darkened at a time, as floats need several times the memory of the picture
_LEAST = {"alpha": 0.0, "gamma": 1e-3, "noise_sigma": 0.0}


@dataclass(frozen=True)
class Seeded(SynthesisProtocol):
    """A protocol of synthesised sets, and the seed of what it draws."""

    seed: int


def find(src: Path, protocol: SynthesisProtocol) -> list[Find]:
    """Return the photographs in `src` and in the folders inside it, a scene each.

    Raises
    ------
    FrameError
        If `src` is no folder, or holds no photograph.
    ProtocolError
        If a range of the protocol is none.
    """
    _check_ranges(protocol)
    check_folder(src, "photographs")
    paths = _photographs(src, protocol)
    if not paths:
        raise FrameError(
            src, "no photograph lies in it",
            f"files ending in {', '.join(protocol.degradation.extensions)} are taken",
            "Put photographs there",
        )  # fmt: skip
    scenes, findings = [], []
    names = unique_names(paths)
    for stem, same in paths.items():
        name = names[stem]
        if name is None or len(same) > 1:
            findings.append(unusable(
                safe_name(stem),
                f"{', '.join(p.name for p in same)}: another photograph has this name; "
                "the scene is left out",
            ))  # fmt: skip
        else:
            scenes.append(SceneFiles(name, "", name, src, same[0], ()))
    return [Find(src, scenes, findings)]


def _photographs(src: Path, protocol: SynthesisProtocol) -> dict[str, list[Path]]:
    """Return path below `src` without its ending -> the files called so."""
    allowed = {f".{e.lower()}" for e in protocol.degradation.extensions}
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(src.rglob("*")):
        below = path.relative_to(src)
        hidden = any(part[0] == "." for part in below.parts)
        if path.suffix.lower() in allowed and not hidden and not path.is_dir():
            found[below.with_suffix("").as_posix()].append(path)
    return found


def _check_ranges(protocol: SynthesisProtocol) -> None:
    for name, least in _LEAST.items():
        found = getattr(protocol.degradation, name)
        if len(found) != 2 or not least <= found[0] <= found[1] < float("inf"):
            raise ProtocolError(
                f"{protocol.name}.toml: degradation.{name}", f"it is {list(found)}",
                f"the least and the greatest value are needed, from {least:g} up",
                "Correct the file",
            )  # fmt: skip


def run_scene(job: SceneJob[SynthesisProtocol]) -> Outcome:
    """Read a photograph, darken it and (with a folder) store both; in a disposable process.

    A photograph that cannot be read costs its scene: it is left out, with a finding that says why.
    """
    files = job.files
    try:
        photograph = read_picture(files.long)
    except MetadataError as error:
        return left_out(files.scene, "metadata", error)
    except FrameError as error:
        return left_out(files.scene, "integrity", error)
    findings = _audit(job, photograph)
    if job.folder is None:
        return Outcome(files.scene, "checked", findings, 1)
    seed = job.protocol.seed if isinstance(job.protocol, Seeded) else 0
    low, drawn = darkened(photograph.pixels, job.protocol, seed)
    facts = {**asdict(drawn), "seed": seed}
    row = pair_row(files, worst([f.status for f in findings]) if job.audits else "unknown")
    scene = scene_file(job, row, findings, {files.long: photograph})
    scene = replace(
        scene, synthetic=True, origin=files.long.relative_to(files.folder).as_posix(),
        facts={**scene.facts, f"low/{files.scene}": facts},
    )  # fmt: skip
    pixels = Pixels(
        low={files.scene: low}, normal={files.scene: photograph.pixels},
        facts={f"low/{files.scene}": facts},
    )  # fmt: skip
    published = upkeep.publish_scene(job.folder, scene, pixels)
    return Outcome(files.scene, "stored", findings, 1, file=published.file)


def darkened(picture: Picture, protocol: SynthesisProtocol, seed: int) -> tuple[Picture, Drawn]:
    """Return a photograph's dark copy, and what was drawn for it.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    seed : with the picture it decides everything that is drawn

    Returns
    -------
    (H, W, 3) uint8 where the protocol says eight_bit, else uint16.
    """
    random = np.random.default_rng((seed, int(array_digest(picture), 16)))
    drawn = retinex.draw(protocol.degradation, random)
    white = np.float32(np.iinfo(picture.dtype).max)
    low = np.empty(picture.shape, np.uint8 if protocol.degradation.eight_bit else np.uint16)
    for top in range(0, len(picture), _ROWS):
        rows = picture[top : top + _ROWS].astype(np.float32) / white
        dark = retinex.darken(rows, drawn, random)
        low[top : top + _ROWS] = np.rint(dark * np.iinfo(low.dtype).max)
    return low, drawn


def _audit(job: SceneJob[Any], photograph: PictureFile) -> tuple[Finding, ...]:
    if not job.audits:
        return ()
    scene = job.files.scene
    counts = {"normal": picture_audits.empty_parts(photograph.pixels)}
    return (picture_audits.integrity_of(scene, f"{scene}/{scene}", counts),)
