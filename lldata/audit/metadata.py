"""Whether short and long were taken as the protocol says, by what their files say."""

from __future__ import annotations

import math
from pathlib import Path

from lldata.audit import Finding, Status, settings
from lldata.audit.evidence import Pair
from lldata.frame import Frame
from lldata.protocol import RawProtocol

MEANING = (
    "What the files say of camera, lens, exposure, colour, packing and in-camera processing is "
    "compared inside each pair and with the protocol. Quarantine means that the exposure ratio or "
    "the picture itself is not what it should be (ISO, aperture, size, camera); a warning means "
    "that a setting differs or helps nobody (white balance, lossy files, noise reduction, the "
    "short taken first). Set the camera as the message says and shoot the scene again."
)
_SAME = 0.01  # relative; rational tags of equal settings differ by less


def audit(pair: Pair) -> Finding:
    """Compare a pair's frames with each other and with the protocol.

    Differences that change the exposure ratio or the picture (ISO, aperture, size, CFA, camera)
    put the pair in quarantine; levels, names and lenses that disagree are warnings.
    """
    scene, protocol, ratio, size = pair.scene, pair.scene.protocol, pair.ratio, pair.scene.size
    short, long = (pair.path, pair.short), (scene.files.long, scene.long)
    long_exposure_s = scene.long_exposure_s
    grave = _between(short[1], long[1]) + _against(short[1], protocol)
    mild = _names(short, long, protocol) + _levels(short[1], protocol)
    if long[1] is not None:
        grave += _against(long[1], protocol)
        mild += _levels(long[1], protocol)
    if short[1].mosaic.shape != size:
        grave.append(f"the short has {_size(short[1])} photosites, the long {size[0]}x{size[1]}")
    if ratio > protocol.exposure.ratio_cap * (1 + protocol.limits.name_exposure):
        mild.append(
            f"the ratio is {ratio:.0f}, methods amplify by {protocol.exposure.ratio_cap:g} at most"
        )
    if long_exposure_s <= short[1].exposure_s:
        grave.append(
            f"the long exposure ({long_exposure_s:g} s) is no longer than the short "
            f"({short[1].exposure_s:g} s)"
        )
    if scene.files.scene in protocol.splits.known_bad and not short[1].synthetic:
        grave.append("the protocol lists this scene as known bad")
    mild += settings.disagreements(pair)
    status: Status = "quarantine" if grave else "warn" if mild else "pass"
    said = list(dict.fromkeys(grave + mild))
    message = "; ".join(said) if said else "camera, ISO, aperture, levels and names agree"
    untold = settings.untold(pair)
    if untold:
        message += f" (the files do not tell {', '.join(untold)})"
    return pair.finding("metadata", status, float(len(said)), 0.0, message)


def _between(short: Frame, long: Frame | None) -> list[str]:
    if long is None:
        return []
    said = []
    if not math.isclose(short.iso, long.iso, rel_tol=_SAME):
        said.append(f"ISO {short.iso:g} in the short, {long.iso:g} in the long")
    if (
        short.f_number
        and long.f_number
        and not math.isclose(short.f_number, long.f_number, rel_tol=_SAME)
    ):
        said.append(f"f/{short.f_number:g} in the short, f/{long.f_number:g} in the long")
    for name in ("camera", "cfa"):
        if getattr(short, name) != getattr(long, name):
            said.append(f"{name} {getattr(short, name)} and {getattr(long, name)}")
    return said


def _size(frame: Frame) -> str:
    return "x".join(map(str, frame.mosaic.shape))


def _against(frame: Frame, protocol: RawProtocol) -> list[str]:
    said = []
    if not protocol.matches_camera(frame.camera):
        said.append(
            f"the camera is {frame.camera}, the protocol's {protocol.camera.make} "
            f"{'/'.join(protocol.camera.models)}"
        )
    if not protocol.matches_iso(frame.iso):
        allowed = "/".join(map(str, protocol.camera.iso_exif))
        said.append(f"ISO is {frame.iso:g}, the protocol's {allowed}")
    if protocol.camera.cfa != "any" and sorted(frame.cfa) != sorted(protocol.camera.cfa):
        said.append(f"the CFA is {frame.cfa}, the protocol's {protocol.camera.cfa}")
    return said


def _levels(frame: Frame, protocol: RawProtocol) -> list[str]:
    said, camera, limits = [], protocol.camera, protocol.limits
    black, white = camera.black_level, camera.white_level
    if black != "any":
        off = max(frame.black_level, key=lambda level: abs(level - black))
        if abs(off - black) > limits.level_dn:
            said.append(f"the black level is {off:g} DN, the protocol's {black:g}")
    if white != "any" and abs(frame.white_level - white) > limits.white_level_dn:
        said.append(
            f"the white level is {frame.white_level} DN, the protocol's {camera.white_level}"
        )
    return said


def _names(
    short: tuple[Path, Frame], long: tuple[Path, Frame | None], protocol: RawProtocol
) -> list[str]:
    said = []
    for path, frame in (short, long):
        if frame is None:
            continue
        named = float((protocol.parse_name(path.stem) or {}).get("exposure_s", "nan"))
        if abs(named / frame.exposure_s - 1) > protocol.limits.name_exposure:
            said.append(f"{path.name} was exposed {frame.exposure_s:g} s by its EXIF, which counts")
        if (
            protocol.camera.lenses
            and frame.lens
            and not any(lens.casefold() in frame.lens.casefold() for lens in protocol.camera.lenses)
        ):
            said.append(
                f"the lens is {frame.lens}, the protocol's {' or '.join(protocol.camera.lenses)}"
            )
    return said
