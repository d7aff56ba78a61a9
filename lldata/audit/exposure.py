"""Whether the long really got `ratio` times the light of the short, and follows it to the top.

In each CFA channel a line through block means gives the true ratio and the error of the black
level; blocks that show less light than the line have passed the sensor's knee. Clipping and the
white point of the long's render belong to it. The gravest of these decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lldata.audit import BESIDES, Finding, Status, worst
from lldata.audit.evidence import Pair
from lldata.measures.registration import SAME_PLACE
from lldata.measures.response import SURE, Response
from lldata.protocol import Limits

MEANING = (
    "The long exposure is compared with the short one, block by block and colour by colour: how "
    "much more light it really got, whether both count from the same black, and up to which "
    "brightness it follows the light. A warning says that exposure time, black level or "
    "highlights are off but usable; a pair in quarantine has a wrong exposure or a long frame "
    "that is mostly saturated. Shoot the scene again with the times of its file names, and with "
    "a shorter long exposure where the highlights are lost."
)


class _Verdict(NamedTuple):
    """What one measurement says; where it decides it opens the message by its reason."""

    status: Status
    measured: float | None
    limit: float
    text: str
    reason: str = ""  # the failing figure, its limit and what to do first


def audit(pair: Pair) -> Finding:
    """Turn ratio, black level, linearity, clipping and white point of a pair into a finding."""
    limits = pair.scene.protocol.limits
    verdicts = [check(pair, limits) for check in _CHECKS]
    status = worst([verdict.status for verdict in verdicts])
    gravest = next(verdict for verdict in verdicts if verdict.status == status)
    opening = gravest.reason if status in ("warn", "quarantine") else ""
    rest = [verdict.text for verdict in verdicts if verdict.text]
    if opening:
        rest = [verdict.text for verdict in verdicts if verdict.text and verdict is not gravest]
    said = BESIDES.join(filter(None, (opening, "; ".join(rest))))
    return pair.finding("exposure", status, gravest.measured, gravest.limit, said)


def _ratio(pair: Pair, limits: Limits) -> _Verdict:
    channels = _measured(pair, limits.exposure_quarantine)
    if isinstance(channels, str):
        return _Verdict("unknown", None, limits.exposure_warn, channels)
    sure = [max(abs(np.log(c.a)) - SURE * c.error / c.a, 0.0) for _, c in channels]
    _, off = channels[int(np.argmax(sure))]
    told = ", ".join(f"{letter} {c.a:.3f} ± {c.error:.3f}" for letter, c in channels)
    status, limit = _judged(
        float(np.expm1(max(sure))), limits.exposure_warn, limits.exposure_quarantine
    )
    text = f"the measured ratio is {told} of the nominal one"
    reason = (
        f"the long got {off.a:.2f} times the light that its exposure claims against the short's "
        f"(limit {limit:.0%} off; {text}). Compare times, aperture and lamps of both"
    )
    return _Verdict(status, abs(off.a - 1), limit, text, reason)


def _black(pair: Pair, limits: Limits) -> _Verdict:
    limit, channels = limits.black_offset_dn, _measured(pair, limits.exposure_quarantine)
    if isinstance(channels, str):
        return _Verdict("pass", None, limit, "")
    sure = [max(abs(c.offset_dn) - SURE * c.offset_error_dn, 0.0) for _, c in channels]
    _, off = channels[int(np.argmax(sure))]
    told = ", ".join(f"{letter} {c.offset_dn:+.2f}" for letter, c in channels)
    text = f"the short counts from a black off by {told} DN"
    reason = (
        f"{text} (limit {limit:g}). Look for stray light and dark frames taken off in the camera"
    )
    status: Status = "warn" if max(sure) >= limit else "pass"
    return _Verdict(status, abs(off.offset_dn), limit, text, reason)


def _measured(pair: Pair, largest_error: float) -> list[tuple[str, Response]] | str:
    """Return letter and response of every channel that tells its ratio, or why none does."""
    if pair.scene.long is None:
        return "a ready reference holds no linear long exposure to measure"
    if not pair.in_place:
        if pair.scene.clipped >= pair.scene.protocol.limits.clipped_quarantine:
            return "too much of the long is clipped to measure the ratio"
        away = pair.shift is not None and pair.shift.agreement < SAME_PLACE
        return f"short and long show {'different places' if away else 'the same place shifted'}"
    told = [
        (letter, found)
        for letter, found in zip("RGBG", pair.responses, strict=False)
        if found is not None and SURE * found.error / found.a < np.log1p(largest_error)
    ]
    return told or "too little light in the short to measure the ratio"


def _linearity(pair: Pair, limits: Limits) -> _Verdict:
    knee = pair.scene.knee
    if knee is None:
        said = "" if pair.scene.long is None else "too noisy to tell whether the long is linear"
        return _Verdict("pass", None, limits.linearity_warn, said)
    if knee.level_dn is None:
        return _Verdict("pass", 0.0, limits.linearity_warn, "the long follows the light")
    status, limit = _judged(knee.share, limits.linearity_warn, limits.linearity_quarantine)
    text = (
        f"{knee.share:.0%} of the long shows less light than there was: it follows up to "
        f"{knee.level_dn:.0f} DN above black only ({'RGBG'[knee.channel]})"
    )
    reason = f"{text} (limit {limit:.0%}). Shorten the long exposure"
    return _Verdict(status, knee.share, limit, text, reason)


def _clipping(pair: Pair, limits: Limits) -> _Verdict:
    share = pair.scene.clipped
    status, limit = _judged(share, limits.clipped_warn, limits.clipped_quarantine)
    if pair.scene.long is None and status == "warn":
        status = "pass"  # a ready picture is clipped by its curve, not only by the sensor
    text = f"{share:.1%} of the long is clipped"
    reason = f"{text} (limit {limit:.0%}). Shorten the long exposure"
    return _Verdict(status, share, limit, text, reason)


def _white(pair: Pair, limits: Limits) -> _Verdict:
    change = pair.scene.white_change
    text = f"the reference is rendered {change:.1%} brighter than exposed"
    reason = (
        f"{text} (limit {limits.effective_white:.0%}): nothing in the long reaches white, so "
        "LibRaw makes its brightest pixel white. Nothing need be shot again; let a highlight reach "
        "white in the next shoot"
    )
    status: Status = "warn" if change > limits.effective_white else "pass"
    return _Verdict(status, change, limits.effective_white, text if change > 0 else "", reason)


def _judged(value: float, warn: float, quarantine: float) -> tuple[Status, float]:
    """Return what a value means and the limit that says so."""
    if value >= quarantine:
        return "quarantine", quarantine
    return ("warn" if value >= warn else "pass"), warn


_CHECKS: tuple[Callable[[Pair, Limits], _Verdict], ...] = (
    _ratio, _black, _linearity, _clipping, _white,
)  # fmt: skip
