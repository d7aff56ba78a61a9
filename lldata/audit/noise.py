"""How noisy the reference itself is, and the PSNR that this leaves to a perfect method.

Gain and read noise come from takes of one exposure where a scene has them, else from the shorts
against their long, whose noise is small in their scale; the noise of the long follows.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lldata.audit import Finding, Status
from lldata.audit.evidence import Pair, Scene
from lldata.frame import Frame
from lldata.noise import photon_transfer
from lldata.noise.headroom import ceiling_db
from lldata.noise.photon_transfer import Points, Transfer
from lldata.render import effective_white

MEANING = (
    "The reference is a photograph too and has noise of its own, measured from the frames of the "
    "scene. The number is the PSNR, in dB, that the noiseless scene itself would score against "
    "it: no method can be told from a perfect one beyond that. A warning says that the reference "
    "is nearly as noisy as the results it shall judge: shoot a longer exposure at a lower ISO, or "
    "average several."
)

_STILL_PX = 0.25  # packed pixels; a scene that moved further leaves its edges in a difference
_LEAST_RATIO = 8.0  # from here the long's own read noise is nothing in the short's scale
_SURE_GAIN = 0.25  # half width of its interval, relative
_SAMPLED = 2**19  # photosites looked at in a frame


@dataclass(frozen=True)
class Noise:
    """What was measured of one scene's sensor and reference."""

    source: str
    gain: float  # DN per electron
    read_sigma: float  # DN, row noise excluded
    ceiling_db: float
    at_least: bool  # the ceiling is no lower than this

    def as_json(self) -> dict[str, Any]:
        """Return it as a scene's file keeps it."""
        return {
            "source": self.source, "gain_dn_per_electron": self.gain,
            "read_noise_dn": self.read_sigma, "ceiling_db": self.ceiling_db,
        }  # fmt: skip


def audit(pair: Pair) -> Finding:
    """Turn the PSNR that the reference's noise leaves into a finding."""
    limit, found = pair.scene.protocol.limits.headroom_warn_db, pair.scene.once(of_scene)
    if isinstance(found, str):
        return pair.finding("noise", "unknown", None, limit, found)
    ceiling = f"{found.ceiling_db:.1f} dB"
    if found.at_least:
        said = f"a perfect method scores {ceiling} or more: the noise was not told from texture"
        status: Status = "pass" if found.ceiling_db >= limit else "unknown"
        return pair.finding("noise", status, found.ceiling_db, limit, said)
    said = (
        f"a perfect method scores {ceiling} against this reference; gain {found.gain:.3g} DN per "
        f"electron, read noise {found.read_sigma:.2f} DN, {found.source}"
    )
    status = "pass" if found.ceiling_db >= limit else "warn"
    return pair.finding("noise", status, found.ceiling_db, limit, said)


def of_scene(scene: Scene) -> Noise | str:
    """Measure a scene's noise, or say why that cannot be done."""
    long, lit = scene.long, scene.long_blocks
    if long is None or lit is None:
        return "a ready reference does not tell the noise of its sensor"
    every = max(1, long.mosaic.size // _SAMPLED)
    for source, sets in (
        ("by its takes", _takes(scene, every)),
        ("by the shorts against the long", _against(scene, every)),
    ):
        found = photon_transfer.transfer(sets) if sets else None
        if found is not None and _is_sure(found):
            return _noise(scene, found, source, at_least=False)
    greens = photon_transfer.points_of_greens(long, every)
    found = photon_transfer.transfer([greens]) if greens else None
    if found is None or found.gain.value <= 0:
        return "neither its frames nor its greens tell the noise of the sensor"
    return _noise(scene, found, "by the greens of the long", at_least=True)


def _is_sure(found: Transfer) -> bool:
    gain = found.gain
    return gain.value > 0 and gain.high - gain.value < _SURE_GAIN * gain.value


def _takes(scene: Scene, every: int) -> list[Points]:
    """Return the points of all neighbouring takes of one exposure that did not drift."""
    sets: dict[tuple[float, float], list[Pair]] = defaultdict(list)
    for pair in scene.pairs:
        sets[pair.short.exposure_s, pair.short.iso].append(pair)
    told = [
        photon_transfer.points((one.short, other.short), every)
        for takes in sets.values()
        for one, other in itertools.pairwise(takes)
        if _iso_of_long(one, scene) and _still(one, other)
    ]
    return [points for points in told if points is not None and points.one_picture]


def _still(one: Pair, other: Pair) -> bool:
    if one.shift is None or other.shift is None:
        return one.comparable and other.comparable
    away = np.hypot(one.shift.y_px - other.shift.y_px, one.shift.x_px - other.shift.x_px)
    return bool(away < _STILL_PX)


def _against(scene: Scene, every: int) -> list[Points]:
    told = []
    for pair in scene.pairs:
        ratios = _ratios(pair)
        moved = pair.shift is not None and np.hypot(pair.shift.y_px, pair.shift.x_px) > _STILL_PX
        if scene.long is not None and ratios and not moved and _iso_of_long(pair, scene):
            told.append(photon_transfer.points_against(pair.short, scene.long, ratios, every))
    return [points for points in told if points is not None]


def _ratios(pair: Pair) -> Sequence[float]:
    """Return the measured ratio of every channel, () where one is unknown or too small."""
    ratios = [response.a * pair.ratio for response in pair.responses if response is not None]
    complete = len(ratios) == len(pair.responses) and min(ratios, default=0) >= _LEAST_RATIO
    return ratios if complete else ()


def _iso_of_long(pair: Pair, scene: Scene) -> bool:
    return scene.long is not None and abs(pair.short.iso / scene.long.iso - 1) < 0.01


def _noise(scene: Scene, found: Transfer, source: str, *, at_least: bool) -> Noise:
    long, lit = scene.long, scene.long_blocks
    assert isinstance(long, Frame) and lit is not None  # noqa: S101, PT018
    read = max(found.read_variance.value, 0.0)
    variance = found.gain.value * np.maximum(lit.mean, 0) + read
    ceiling = ceiling_db(long, lit, effective_white(long), variance)
    return Noise(source, found.gain.value, float(np.sqrt(read)), ceiling, at_least)
