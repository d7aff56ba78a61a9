"""Ctrl-C held back while processes are started: one that comes half-way leaves some unknown."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupts_kept() -> Iterator[None]:
    """Let a Ctrl-C come when the block ends, whichever thread the system has taken it to.

    A signal that the main thread blocks goes to a thread that does not, such as the one that draws
    a progress bar; Python then interrupts the main thread all the same.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
