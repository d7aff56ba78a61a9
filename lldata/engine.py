"""Run idempotent units of work, each in a disposable process, on this machine or on a cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from lldata.errors import LowLightError
from lldata.interrupts import interrupts_kept

Result = TypeVar("Result")

GIBIBYTE = 2**30
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
_LOADED = "lldata.sets.examine"  # by the server once, instead of by every worker
_COMMANDS = "lldata.cli"  # what every worker of a command imports to know its main module
NATIVE_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SAFE_PATH = "PYTHONSAFEPATH"  # no module comes from the current folder


@dataclass(frozen=True)
class Unit:
    """One idempotent piece of work: `function(*args)`, known by its key."""

    key: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()


class WorkerError(LowLightError):
    """The process of a unit was killed, crashed, or ran past its time or memory."""


@dataclass(frozen=True)
class Local:
    """Processes on this machine: one death or one overrun costs one unit, never the others."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    timeout_s: float = 600.0  # per unit
    memory_bytes: int = 8 * GIBIBYTE  # address space of a worker; not enforced on macOS, Windows


@dataclass(frozen=True)
class Dask:
    """A dask.distributed cluster: as many units at once as its workers have threads."""

    address: str  # of the scheduler, tcp://HOST:PORT
    timeout_s: float = 600.0  # per unit
    memory_bytes: int = 8 * GIBIBYTE  # address space of each unit's process


Engine = Local | Dask


def named(text: str, workers: int | None = None) -> Engine:
    """Return the engine of an option `--engine local|dask=ADDRESS` and `--workers N`.

    Raises
    ------
    LowLightError
        If it names neither, or workers are counted for a cluster.
    """
    kind, _, address = text.partition("=")
    if kind == "dask" and address and workers is None:
        return Dask(address)
    if kind == "dask" and address:
        raise LowLightError(
            f"--workers {workers}",
            "it counts processes of this machine",
            "a cluster has its own workers",
            "Leave it out, or start as many dask workers",
        )
    if text != "local":
        raise LowLightError(
            f"--engine {text}",
            "there is no such engine",
            "the engines are local and dask=ADDRESS",
            "Write for example --engine dask=tcp://127.0.0.1:8786",
        )
    _context()
    return Local() if workers is None else Local(workers=workers)


def _context() -> Any:
    """Return how processes are started, and begin where that takes time.

    On Linux a server that has loaded what scenes need forks them: the fork of a process that
    never started a thread. macOS's libraries do not survive a fork, Windows has none.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_LOADED, *({_COMMANDS} & sys.modules.keys())])
    with _environment(), interrupts_held():
        forkserver.ensure_running()
    return context


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

    with _environment():
        resource_tracker.ensure_running()  # its start would let interrupts through
    with interrupts_kept():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _enter(memory_bytes: int, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the server that forked this may be older
    enter(memory_bytes)


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
def _environment() -> Iterator[None]:
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


def lost(unit: Unit, found: str) -> WorkerError:
    """Return what is said of a unit whose process ended before it."""
    return WorkerError(
        unit.key,
        found,
        "sound files and enough memory let it end by itself",
        "Check the file, it may be damaged, or use fewer --workers",
    )


def too_large(unit: Unit, memory_bytes: int) -> WorkerError:
    """Return what is said of a unit that asked for more than its memory."""
    return lost(unit, f"it needs more than {memory_bytes / GIBIBYTE:g} GiB of memory")


def _outcome(unit: Unit, future: Future[Any], engine: Local) -> Any:
    try:
        return future.result()
    except TimeoutError:
        return lost(unit, f"it took longer than {engine.timeout_s:g} s")
    except (ProcessExpired, CancelledError) as error:
        return lost(unit, f"its process ended with code {getattr(error, 'exitcode', None)}")
    except MemoryError:
        return too_large(unit, engine.memory_bytes)
    except Exception as error:  # noqa: BLE001  # every failure of a unit is that unit's result
        return error


def run_units(units: Iterable[Unit], engine: Engine | None = None) -> Iterator[tuple[Unit, Any]]:
    """Run units and yield each with its result, or with the error that ended it, as they end.

    Parameters
    ----------
    units : read lazily, so that any number of them needs little memory
    engine : where and within which limits; by default all cores of this machine

    Yields
    ------
    (unit, result) where the result of a failed unit is the exception (`WorkerError` for a crash,
    a time-out or an exhausted memory). Closing the iterator stops the workers.
    """
    if isinstance(engine, Dask):
        from lldata import cluster

        return cluster.run_units(units, engine)
    return _run_local(units, engine or Local())


def _run_local(units: Iterable[Unit], engine: Local) -> Iterator[tuple[Unit, Any]]:
    waiting = iter(units)
    environment = dict(os.environ) | dict.fromkeys(NATIVE_THREADS, "1")
    with (
        _environment(),
        ProcessPool(
            max_workers=engine.workers,
            context=_context(),
            initializer=_enter,
            initargs=(engine.memory_bytes, environment),
        ) as pool,
    ):
        running: dict[Future[Any], Unit] = {}
        try:
            while True:
                for unit in islice(waiting, 2 * engine.workers - len(running)):
                    with interrupts_held():  # the first call starts the pool's threads
                        future: Future[Any] = pool.schedule(
                            unit.function, args=unit.args, timeout=engine.timeout_s
                        )
                    running[future] = unit
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    unit = running.pop(future)
                    yield unit, _outcome(unit, future, engine)
        except BaseException:  # interrupted, or closed: what runs is not waited for
            pool.stop()  # type: ignore[no-untyped-call]
            raise


def run_isolated(
    function: Callable[..., Result],
    *args: Any,
    timeout_s: float = 60.0,
    memory_bytes: int = 4 * GIBIBYTE,
) -> Result:
    """Return `function(*args)`, computed in a disposable process; its first argument names it.

    Raises
    ------
    WorkerError
        If the process crashed or ran past its time or memory.
    """
    engine = Local(workers=1, timeout_s=timeout_s, memory_bytes=memory_bytes)
    ((_, result),) = run_units([Unit(str(args[0]), function, args)], engine)
    if isinstance(result, BaseException):
        raise result
    return result  # type: ignore[no-any-return]
