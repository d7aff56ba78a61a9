"""Scenes of a camera's own folder, whose file names tell nothing: the order of capture does.

Every protocol of pairs has the photographer take the long exposure first, then at once its shorts.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lldata.audit import Finding
from lldata.pairing import Find, SceneFiles
from lldata.protocol import RawProtocol
from lldata.sets.detection import Header, matches

SPLIT = "train"  # of scenes that no name gives one; nothing of a card is stored


def raw_files(src: Path, protocols: Sequence[RawProtocol]) -> list[Path]:
    """Return the RAW files below a folder whose endings some protocol names."""
    endings = {f".{e.lower()}" for p in protocols for e in p.files.extensions}
    found = (p for p in src.rglob("*") if p.suffix.lower() in endings and p.is_file())
    return sorted(p for p in found if not any(q[0] == "." for q in p.relative_to(src).parts))


def scenes_by_time(
    src: Path,
    headers: Mapping[Path, Header],
    unread: Mapping[Path, Exception],
    protocols: Mapping[str, RawProtocol],
) -> dict[str, list[Find]]:
    """Return protocol -> the scenes that its frames make by the order in which they were taken.

    A frame of one of the protocol's long exposures begins a scene, named by that frame; the short
    ones after it are its shorts. What fits nowhere, and what could not be read, is a finding.

    Parameters
    ----------
    headers : of every frame that could be read
    unread : why others could not
    """
    frames: dict[str, list[Path]] = defaultdict(list)
    findings = [
        _finding(path.stem, "integrity", "quarantine", f"{reason} It is in no scene.")
        for path, reason in unread.items()
    ]
    for path, header in headers.items():
        names = [name for name, protocol in protocols.items() if matches(header, protocol)]
        for name in names:
            frames[name].append(path)
        if not names:
            said = f"{path.name} is of {header}, which no protocol asks for; it is in no scene"
            findings.append(_finding(path.stem, "metadata", "warn", said))
    found = {
        name: [_grouped(src, sorted(some, key=lambda p: _moment(p, headers[p])), headers,
                        protocols[name])]
        for name, some in frames.items()
    }  # fmt: skip
    for name in sorted(found)[:1]:
        (first,) = found[name]
        found[name] = [first._replace(findings=[*findings, *first.findings])]
    return found


def _moment(path: Path, header: Header) -> tuple[str, list[int], str]:
    """Return what orders frames: the camera's clock, within its second the numbers of the name."""
    numbers = [int(digits) for digits in re.findall(r"\d+", path.stem)]
    return header.time or "", numbers, path.name


def _grouped(
    src: Path, paths: Sequence[Path], headers: Mapping[Path, Header], protocol: RawProtocol
) -> Find:
    """Divide frames, in the order of capture, into scenes."""
    scenes: list[tuple[Path, list[Path]]] = []
    findings = []
    for path in paths:
        exposure_s = headers[path].exposure_s
        if _on(exposure_s, protocol.exposure.long_s, protocol):
            scenes.append((path, []))
        elif not _on(exposure_s, protocol.exposure.short_s, protocol):
            said = (
                f"{path.name} was exposed {exposure_s:g} s, neither a long exposure of "
                f"{protocol.name} ({_ladder(protocol.exposure.long_s)}) nor a short one "
                f"({_ladder(protocol.exposure.short_s)}); it is in no scene"
            )
            findings.append(_finding(path.stem, "metadata", "warn", said))
        elif scenes:
            scenes[-1][1].append(path)
        else:
            said = f"no long exposure was taken before {path.name}; it is in no scene"
            findings.append(_finding(path.stem, "metadata", "quarantine", said))
    for long, shorts in scenes:
        if not shorts:
            said = f"no short exposure follows {long.name}"
            findings.append(_finding(long.stem, "metadata", "quarantine", said))
    whole = [
        SceneFiles(long.stem, SPLIT, long.stem, src, long, tuple(shorts))
        for long, shorts in scenes if shorts
    ]  # fmt: skip
    return Find(src, whole, findings)


def _on(exposure_s: float, ladder: Sequence[float], protocol: RawProtocol) -> bool:
    """Whether an exposure is one of a ladder, as nearly as shutter times are what they are called.

    A limit of 7 % tells 1/30 s from 0.04 s; of two rungs that near, either will do.
    """
    limit = protocol.limits.name_exposure
    return any(math.isclose(exposure_s, rung, rel_tol=limit) for rung in ladder)


def _ladder(rungs: Sequence[float]) -> str:
    return ", ".join(f"{rung:g}" for rung in rungs) + " s"


def _finding(scene: str, check: str, status: str, message: str) -> Finding:
    return Finding(scene, "", check, status, None, None, message)  # type: ignore[arg-type]
