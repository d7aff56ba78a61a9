"""Run idempotent units of work, each in a disposable process, on this machine or on a cluster."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from itertools import islice
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from lldata import cluster
from lldata.errors import LowLightError
from lldata.units import GIBIBYTE, Dask, Engine, Local, Unit, WorkerError, lost, too_large
from lldata.worker import NATIVE_THREADS, enter, environment, interrupts_held

__all__ = [
    "GIBIBYTE", "Dask", "Engine", "Local", "Unit", "WorkerError", "named", "run_isolated",
    "run_units",
]  # fmt: skip

Result = TypeVar("Result")

_LOADED = "lldata.sets.examine"  # by the server once, instead of by every worker
_COMMANDS = "lldata.cli"  # what every worker of a command imports to know its main module


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
    with environment(), interrupts_held():
        forkserver.ensure_running()
    return context


def _enter(memory_bytes: int, variables: dict[str, str]) -> None:
    os.environ.update(variables)  # the server that forked this may be older
    enter(memory_bytes)


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
        return cluster.run_units(units, engine)
    return _run_local(units, engine or Local())


def _run_local(units: Iterable[Unit], engine: Local) -> Iterator[tuple[Unit, Any]]:
    waiting = iter(units)
    own = dict(os.environ) | dict.fromkeys(NATIVE_THREADS, "1")
    with (
        environment(),
        ProcessPool(
            max_workers=engine.workers,
            context=_context(),
            initializer=_enter,
            initargs=(engine.memory_bytes, own),
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
