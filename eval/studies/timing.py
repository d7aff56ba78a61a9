"""Seconds of a method beside those printed, and what the printed ones would take of a card."""

from __future__ import annotations

from decimal import Decimal

from baselines import method as methods
from eval.profile import Profile, profile
from eval.random_light import Size, sample_for
from eval.studies.reported import Reported, Timing

TERA = 1e12


def frame_of(table: Reported) -> Size:
    """Return the size of the frame that a table of seconds is about."""
    timing = table.timing
    if timing is None or len(timing.size) != 2:
        raise ValueError(f"{table.name} does not say which frame was timed")
    return timing.size[0], timing.size[1]


def measured(name: str, size: Size, table: Reported, device: str) -> tuple[Profile, int | None]:
    """Return what a method costs on a frame, and its operations on the frame of the paper.

    Raises
    ------
    MethodError
        If the method or the device cannot be had, or the frame does not fit into memory.
    """
    cost = profile(name, size, device=device)
    if cost.flops is None or size == frame_of(table):
        return cost, cost.flops
    from eval.flops import flops_of  # needs torch, which classical methods do without

    method = methods.build(name)
    return cost, flops_of(method, sample_for(method, frame_of(table)))


def implied_tops(operations: int | None, seconds: Decimal | None) -> float | None:
    """Return the 10^12 operations a second that printed seconds would take."""
    if operations is None or seconds is None:
        return None
    return operations / TERA / float(seconds)


def possible(implied: float | None, timing: Timing) -> bool | None:
    """Whether a card can do so many 10^12 operations a second; None where it is not known."""
    return None if implied is None else implied <= float(timing.peak_tops)
