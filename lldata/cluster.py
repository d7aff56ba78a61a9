"""Units on a dask.distributed cluster, each in a disposable process beside its dask worker.

What a unit itself does wrong costs that unit; a dask worker that dies costs nothing, its units go
to others. Workers read and write the same paths as the program that submits, on shared storage.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from lldata.child import Answer, Child
from lldata.errors import LowLightError
from lldata.units import Dask, Unit, lost, too_large

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 10.0
_AHEAD = 2  # units submitted for each thread of the cluster
_log = logging.getLogger(__name__)


def run_units(units: Iterable[Unit], engine: Dask) -> Iterator[tuple[Unit, Any]]:
    """Run units on a cluster: what `engine.run_units` does for this engine.

    Raises
    ------
    LowLightError
        If the extra is missing, no scheduler answers or it is lost, or workers lack lldata.
    """
    waiting = iter(units)
    running: dict[Future, Unit] = {}
    with _connected(engine) as client:
        from distributed import as_completed

        done = as_completed(loop=client.loop)
        try:
            while True:
                for unit in islice(waiting, max(_ahead(client, engine) - len(running), 0)):
                    future = client.submit(
                        _call, unit, engine.timeout_s, engine.memory_bytes, pure=False
                    )
                    running[future] = unit
                    done.add(future)
                if not running:
                    return
                future = next(done)
                unit = running.pop(future)
                yield unit, _outcome(unit, future, engine)
        finally:
            with contextlib.suppress(OSError):  # the scheduler may be what is lost
                client.cancel(list(running))


@contextlib.contextmanager
def _connected(engine: Dask) -> Iterator[Client]:
    try:
        from distributed import Client
    except ImportError as error:
        raise LowLightError(
            _where(engine),
            "the package distributed is not installed",
            "the extra cluster brings it",
            "pip install 'lowlight-toolkit[cluster]'",
        ) from error
    with _one_line(), _client(Client, engine) as client:
        if not client.nthreads():
            _log.warning("%s: it has no workers; the work waits for the first", engine.address)
        yield client


def _client(kind: type[Client], engine: Dask) -> Client:
    try:
        return kind(engine.address, timeout=_CONNECT_S, set_as_default=False)
    except Exception as error:  # whatever else answers there is read as if it were dask
        raise LowLightError(
            _where(engine),
            f"no scheduler answers ({error})",
            "a dask scheduler is needed there",
            "Start one with dask scheduler, or correct the address (tcp://HOST:8786)",
        ) from error


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """Silence the page that dask's client logs of a scheduler that has gone; we say it."""
    log = logging.getLogger("distributed.client")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _ahead(client: Client, engine: Dask) -> int:
    """Return how many units are submitted at a time; workers come and go."""
    try:
        return max(_AHEAD * int(sum(client.nthreads().values())), 1)
    except OSError as error:
        raise _gone(engine) from error


def _gone(engine: Dask) -> LowLightError:
    return LowLightError(
        _where(engine),
        "the scheduler has gone",
        "it stays until the work is done",
        "What is finished is kept: start it again and repeat the command",
    )


def _where(engine: Dask) -> str:
    return f"--engine dask={engine.address}"


def _call(unit: Unit, timeout_s: float, memory_bytes: int) -> Answer:
    """Run one unit: this is what dask workers execute."""
    from distributed import get_worker

    idle: list[tuple[int, Child]] = get_worker().extensions.setdefault("lldata", [])
    while True:
        child = _idle(idle, memory_bytes)
        used = child is not None
        child = child or Child(memory_bytes)
        answer = child.call(unit.function, unit.args, timeout_s)
        if child.alive:
            idle.append((memory_bytes, child))
        if not (used and child.ended_idle):
            return answer


def _idle(idle: list[tuple[int, Child]], memory_bytes: int) -> Child | None:
    """Take a process of this bound that waits for a call, if there is one; end one that is none.

    Threads of one dask worker share the list: one that it held when it was looked at may be gone.
    """
    try:
        bound, child = idle.pop()
    except IndexError:
        return None
    if bound == memory_bytes and child.alive:
        return child
    child.close()
    return None


def _outcome(unit: Unit, future: Future, engine: Dask) -> Any:
    from distributed import KilledWorker

    if future.status == "finished":
        answer: Answer = future.result()
        if answer.lost is not None:
            return lost(unit, answer.lost)
        if answer.out_of_memory:
            return too_large(unit, engine.memory_bytes)
        return answer.result if answer.error is None else answer.error
    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            return lost(unit, "every dask worker that took it died")
        raise LowLightError(
            _where(engine),
            f"a worker cannot run {unit.key} ({type(error).__name__}: {error})",
            "every worker has the same lldata installed",
            "Install it there",
        ) from error
    raise _gone(engine)
