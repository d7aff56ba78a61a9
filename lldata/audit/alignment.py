"""Whether short and long show the same place, and how far one is shifted against the other.

The shift settles the status, unless a turn, something that moved in the picture, or the drift of
a scene's shorts weighs more. What cannot be measured is said, and changes no status.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from lldata.audit import Finding, Status, worst
from lldata.audit.evidence import Pair, Scene
from lldata.measures.registration import SAME_PLACE, SEARCH_PX, Shift
from lldata.measures.shift_ceiling import ceiling_db

MEANING = (
    "The long is laid over the short: how far is it shifted or turned, does anything in the "
    "picture move by itself, and do the shorts of a scene drift apart? A warning means that even "
    "a perfect method cannot match the reference pixel by pixel; a quarantined pair would teach "
    "and score nothing but the movement. Weight the tripod, release remotely, wait until nothing "
    "moves in the picture, and shoot the scene again."
)

_EXACT = 0.3  # of the limit for warnings: the standard error up to which a shift is taken as it is
_SURE_SHIFT, _SURE_TURN = 2.0, 3.0  # standard errors
_ADVICE = {
    "warn": "Usable: look at both frames before methods are judged by it",
    "quarantine": "Shoot the scene again",
}
_FEWEST_MOVED = 2  # blocks


class _Said(NamedTuple):
    """What one measurement says of the pair."""

    status: Status
    measured: float | None
    limit: float
    message: str


def audit(pair: Pair) -> Finding:
    """Turn shift, turn, local motion and drift into one finding; the gravest decides.

    A short that is all noise, a long that is mostly clipped, and a shift that is known too badly
    to tell whether it passes are unknown.
    """
    shift, unable = pair.shift, _unable(pair)
    if shift is None or unable:
        limit = pair.scene.protocol.limits.shift_quarantine_px
        return pair.finding("alignment", "unknown", None, limit, unable)
    if shift.agreement < SAME_PLACE:
        return pair.finding("alignment", *_elsewhere(shift))
    parts = _shifted(pair, shift), _turned(pair, shift), _moving(pair), _drifting(pair, shift)
    gravest = worst([part.status for part in parts])
    decides = next(part for part in parts if part.status == gravest)
    message = "; ".join(part.message for part in parts if part.message)
    if gravest in ("warn", "quarantine"):
        message += f". {_ADVICE[gravest]}"
    return pair.finding("alignment", gravest, decides.measured, decides.limit, message)


def _unable(pair: Pair) -> str:
    """Return why the pair cannot be compared; empty if it can."""
    if not pair.comparable:
        return "short and long differ in size"
    if pair.shift is None:
        return "too little of the picture stands above the short's noise and its steps"
    if pair.scene.clipped >= pair.scene.protocol.limits.clipped_quarantine:
        return f"{pair.scene.clipped:.1%} of the long is clipped"
    return ""


def _elsewhere(shift: Shift) -> _Said:
    return _Said(
        "quarantine", shift.agreement, SAME_PLACE,
        f"short and long show two different places, or moved more than {SEARCH_PX} px: "
        f"agreement {shift.agreement:.2f} at the best shift. Shoot the scene again",
    )  # fmt: skip


def _shifted(pair: Pair, shift: Shift) -> _Said:
    limits, size = pair.scene.protocol.limits, float(np.hypot(shift.y_px, shift.x_px))
    said = (
        f"the long lies {shift.y_px:+.2f} rows, {shift.x_px:+.2f} columns from the short "
        f"(packed px, ± {shift.error_px:.2f}; agreement {shift.agreement:.2f})"
    )
    ceiling = ceiling_db(pair.scene.long_green, shift.y_px, shift.x_px)
    if ceiling is not None:
        said += f", which leaves a perfect method {ceiling:.1f} dB"
    if shift.error_px <= _EXACT * limits.shift_warn_px:
        return _graded(size, size, limits.shift_warn_px, limits.shift_quarantine_px, said)
    least = size - _SURE_SHIFT * shift.error_px
    if least >= limits.shift_warn_px:
        return _graded(least, size, limits.shift_warn_px, limits.shift_quarantine_px, said)
    unsure = f"{said}; too little light or structure to be sure"
    return _Said("unknown", size, limits.shift_warn_px, unsure)


def _turned(pair: Pair, shift: Shift) -> _Said:
    limits, error = pair.scene.protocol.limits, shift.rotation_error_deg
    warn, quarantine = limits.rotation_warn_deg, limits.rotation_quarantine_deg
    if _SURE_TURN * error >= quarantine:
        return _Said("pass", None, warn, "a turn cannot be told")
    turn = abs(shift.rotation_deg)
    said = f"turned by {shift.rotation_deg:+.3f}° (± {error:.3f})"
    return _graded(turn - _SURE_TURN * error, turn, warn, quarantine, said)


def _moving(pair: Pair) -> _Said:
    limits, motion = pair.scene.protocol.limits, pair.motion
    warn, quarantine = limits.motion_warn_share, limits.motion_quarantine_share
    if motion is None or motion.share is None:
        return _Said("pass", None, warn, "whether something moves in it cannot be told")
    moved = int(motion.moved.sum())
    said = f"{moved} of {motion.blocks} blocks move otherwise"
    if moved < _FEWEST_MOVED:
        return _Said("pass", motion.share, warn, said)
    said += f", around the {motion.where} of the picture"
    return _graded(motion.share, motion.share, warn, quarantine, said)


def _drifting(pair: Pair, shift: Shift) -> _Said:
    """Judge the spread of the scene's shorts; it weighs on those on the far side from the long."""
    limits, spread = pair.scene.protocol.limits, pair.scene.once(_spread)
    warn, quarantine = limits.drift_warn_px, limits.drift_quarantine_px
    if spread is None:
        return _Said("pass", None, warn, "")
    said = f"the scene's shorts lie {spread:.2f} px apart"
    if np.hypot(shift.y_px, shift.x_px) < spread / 2:
        return _Said("pass", spread, warn, said)
    return _graded(spread, spread, warn, quarantine, said)


def _spread(scene: Scene) -> float | None:
    """Return the largest distance between two shorts whose shift is known well, packed pixels."""
    exact = _EXACT * scene.protocol.limits.drift_warn_px
    at = [
        (pair.shift.y_px, pair.shift.x_px)
        for pair in scene.pairs
        if not _unable(pair) and pair.shift
        and pair.shift.agreement >= SAME_PLACE and pair.shift.error_px <= exact
    ]  # fmt: skip
    distances = [float(np.hypot(*np.subtract(a, b))) for a, b in combinations(at, 2)]
    return max(distances, default=None)


def _graded(least: float, measured: float, warn: float, quarantine: float, said: str) -> _Said:
    """Return what a measurement says by what it is at least."""
    if least >= quarantine:
        return _Said("quarantine", measured, quarantine, said)
    if least >= warn:
        return _Said("warn", measured, warn, said)
    return _Said("pass", measured, warn, said)
