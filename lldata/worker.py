"""What a process that runs units is made into: bounded, quiet, with one native thread."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from lldata.interrupts import interrupts_kept

NATIVE_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SAFE_PATH = "PYTHONSAFEPATH"  # no module comes from the current folder
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Let processes and threads started inside never see Ctrl-C; ours comes when the block ends.

    A terminal sends it to every process, also to one that has not come to ignore it yet. A
    blocked signal stays blocked in what is started, from the first instruction on.
    """
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    with environment():
        resource_tracker.ensure_running()  # its start would let interrupts through
    with interrupts_kept():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def enter(memory_bytes: int) -> None:
    """Prepare a worker: bound its memory, leave Ctrl-C to the parent, silence native libraries.

    LibRaw writes its complaints straight to the terminal; ours travel back as exceptions.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 2)
    if os.name == "posix":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let the next scene have the memory of the last one.

    glibc gives every large array back to the system, and fetching fresh pages for the next one
    takes up to 0.4 s a scene of 12 megapixels.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(AttributeError):  # a C library without it
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_MMAP_MAX, 0)
            libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


@contextlib.contextmanager
def environment() -> Iterator[None]:
    """Let processes started inside use one OpenMP thread each, and no module of the current folder.

    Compressed RAF decoding is not reproducible otherwise (LibRaw issue 845), and the variable is
    only read when the native library is loaded. multiprocessing starts its own by `python -c`,
    which would run whatever lies beside a dataset under the name of a module.
    """
    names = (*NATIVE_THREADS, _SAFE_PATH)
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
