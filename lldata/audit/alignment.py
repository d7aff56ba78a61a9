"""Whether short and long show the same place, and how far one is shifted against the other."""

from __future__ import annotations

import numpy as np

from lldata.audit import Finding, Status
from lldata.audit.evidence import Pair
from lldata.registration import SAME_PLACE, SEARCH_PX


def audit(pair: Pair) -> Finding:
    """Turn a measured shift into a finding.

    A band that is all noise, a long that is mostly clipped, or a shift whose error reaches the
    quarantine limit, is unknown.
    """
    limits, shift = pair.scene.protocol.limits, pair.shift

    def finding(status: Status, measured: float | None, limit: float, message: str) -> Finding:
        return pair.finding("alignment", status, measured, limit, message)

    if not pair.comparable:
        return finding("unknown", None, limits.shift_quarantine_px, "short and long differ in size")
    if shift is None:
        return finding(
            "unknown",
            None,
            limits.shift_quarantine_px,
            "the short shows no structure above its noise",
        )
    if pair.scene.clipped >= limits.clipped_quarantine:
        return finding(
            "unknown",
            None,
            limits.shift_quarantine_px,
            f"{pair.scene.clipped:.1%} of the long is clipped",
        )
    if shift.agreement < SAME_PLACE:
        return finding(
            "quarantine",
            shift.agreement,
            SAME_PLACE,
            f"short and long show two different places, or moved more than {SEARCH_PX} px: "
            f"agreement {shift.agreement:.2f} at the best shift. Shoot the scene again",
        )
    size = float(np.hypot(shift.y_px, shift.x_px))
    where = (
        f"the long lies {shift.y_px:+.2f} rows, {shift.x_px:+.2f} columns from the short "
        f"(packed px, ± {shift.error_px:.2f}; agreement {shift.agreement:.2f})"
    )
    if size >= limits.shift_quarantine_px:
        return finding("quarantine", size, limits.shift_quarantine_px, where)
    if shift.error_px >= limits.shift_quarantine_px:
        return finding(
            "unknown", size, limits.shift_quarantine_px, f"{where}: too little structure to be sure"
        )
    if size >= limits.shift_warn_px:
        return finding("warn", size, limits.shift_warn_px, where)
    return finding("pass", size, limits.shift_warn_px, where)
