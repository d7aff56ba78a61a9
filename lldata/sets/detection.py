"""Under which protocol frames were taken: camera and ISO decide, then the folder's name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lldata.audit import Finding
from lldata.errors import LowLightError, ProtocolError
from lldata.pairing import SceneFiles
from lldata.protocol import RawProtocol


@dataclass(frozen=True)
class Header:
    """What decides a frame's protocol, and its place among others."""

    camera: str
    iso: float
    exposure_s: float
    time: str | None  # ISO 8601, camera clock

    def __str__(self) -> str:
        """Return it for people: camera, ISO."""
        return f"{self.camera or 'an unnamed camera'}, ISO {self.iso:g}"


def matches(header: Header, protocol: RawProtocol) -> bool:
    """Whether a frame's camera and ISO are those of a protocol."""
    return protocol.matches_camera(header.camera) and protocol.matches_iso(header.iso)


def choose(
    src: Path,
    scenes: Mapping[str, Sequence[SceneFiles]],
    headers: Mapping[Path, Header],
    unread: Sequence[Exception],
    protocols: Mapping[str, RawProtocol],
) -> tuple[dict[str, list[SceneFiles]], list[Finding]]:
    """Give every scene the protocol that most of its frames match.

    Parameters
    ----------
    src : the folder, for messages
    scenes : protocol -> the scenes that its file names find
    headers : of the RAW frames that could be read
    unread : why others could not

    Returns
    -------
    protocol -> its scenes, and a finding for each scene whose frames, and whose folder's frames,
    match none. Frames decide (camera and ISO); equal counts go to the protocol that names the
    folder, then to the one that most scenes of the folder have.

    Raises
    ------
    ProtocolError
        If no protocol matches, or several do equally; what is wrong with the first frame if none
        can be read.
    """
    votes: dict[tuple[Path, str], Counter[str]] = defaultdict(Counter)
    found: dict[tuple[Path, str], dict[str, SceneFiles]] = defaultdict(dict)
    for name, items in scenes.items():
        for scene in items:
            key = (scene.folder, scene.scene)
            found[key][name] = scene
            count = sum(matches(headers[p], protocols[name]) for p in scene.files if p in headers)
            if count:
                votes[key][name] = count
    majority: dict[Path, Counter[str]] = defaultdict(Counter)
    for (folder, _), counter in votes.items():
        majority[folder].update(_leaders(counter, folder, protocols))
    chosen: dict[str, list[SceneFiles]] = defaultdict(list)
    lost = []
    for (folder, name), options in found.items():
        leaders = _leaders(votes[folder, name], folder, protocols)
        if len(leaders) != 1:
            leaders = [n for n in _most(majority[folder]) if not leaders or n in leaders]
        if len(leaders) > 1:
            raise _undecided(src, sorted(leaders))
        if leaders and leaders[0] in options:
            chosen[leaders[0]].append(options[leaders[0]])
        else:
            lost.append(_lost(next(iter(options.values())), headers))
    if not chosen:
        if unread and not headers:
            raise _unusable(unread)
        raise _unmatched(src, headers, protocols)
    return dict(chosen), lost


def _lost(scene: SceneFiles, headers: Mapping[Path, Header]) -> Finding:
    seen = " and ".join(sorted({str(headers[p]) for p in scene.files if p in headers}))
    message = (
        f"{scene.folder}: its frames ({seen or 'none could be read'}) match no protocol; the scene "
        "is left out"
    )
    return Finding(scene.scene, "", "metadata", "quarantine", None, None, message)


def _most(counter: Counter[str]) -> list[str]:
    top = max(counter.values(), default=0)
    return [name for name, count in counter.items() if count == top]


def _leaders(
    counter: Counter[str], folder: Path, protocols: Mapping[str, RawProtocol]
) -> list[str]:
    leaders = _most(counter)
    named = [n for n in leaders if folder.name in protocols[n].files.folders]
    return named or leaders


def _undecided(src: Path, names: Sequence[str]) -> ProtocolError:
    return ProtocolError(
        src,
        f"its frames match {' and '.join(names)} equally",
        "one protocol is needed",
        f"Name it: --protocol {names[0]}",
    )


def _unusable(unread: Sequence[Exception]) -> Exception:
    """Return why no frame of a folder can be used: the first one's reason, and how many more."""
    first = unread[0]
    if len(unread) > 1 and isinstance(first, LowLightError):
        return first.and_more(f"and {len(unread) - 1} more of its frames cannot be used")
    return first


def _unmatched(
    src: Path, headers: Mapping[Path, Header], protocols: Mapping[str, RawProtocol]
) -> ProtocolError:
    seen = sorted({str(header) for header in headers.values()})
    known = ", ".join(sorted(protocols))
    return ProtocolError(
        src,
        f"its frames are from {'; '.join(seen[:3])}",
        f"the protocols are {known}",
        "Name one with --protocol, or add the camera's to capture_protocols/",
    )
