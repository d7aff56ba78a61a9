"""A disposable process that runs units for a program that must not fork, such as a dask worker.

`Child` starts it and talks to it, `serve` is what it does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from lldata import worker

_IDLE_S = 60.0  # after which a process without a call ends by itself
_PROGRAM = "from lldata.child import serve; serve()"


class Answer(NamedTuple):
    """What became of one call."""

    result: Any = None
    error: Exception | None = None  # of the function
    lost: str | None = None  # why there is neither: too slow, or the process ended
    out_of_memory: bool = False


class Child:
    """A process with bounded memory that runs one call after the other."""

    def __init__(self, memory_bytes: int) -> None:
        self._connection, theirs = Pipe()
        command = [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), str(memory_bytes)]
        environment = os.environ | dict.fromkeys(worker.NATIVE_THREADS, "1")
        with theirs, worker.interrupts_held():
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], timeout_s: float) -> Answer:
        """Run `function(*args)` there; after a lost call the process is gone."""
        try:
            self._connection.send((function, args))
            if not self._connection.poll(timeout_s):
                self.close()
                return Answer(lost=f"it took longer than {timeout_s:g} s")
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            self._connection.close()
            return Answer(lost=f"its process ended with code {self._process.wait()}")
        return answer

    @property
    def alive(self) -> bool:
        """Whether it can take another call."""
        return not self._connection.closed and self._process.poll() is None

    @property
    def ended_idle(self) -> bool:
        """Whether it ended because it had no call, perhaps just as one came."""
        return self._process.poll() == 0

    def close(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        self._connection.close()


def serve() -> None:
    """Answer call after call; end at once, also inside one, when the other side is gone."""
    descriptor, memory_bytes = map(int, sys.argv[1:])
    worker.enter(memory_bytes)
    connection: Connection = Connection(descriptor)
    calls: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = SimpleQueue()

    def receive() -> None:
        while True:
            try:
                calls.put(connection.recv())
            except (EOFError, OSError):
                os._exit(0)
            except Exception as error:  # noqa: BLE001  # what cannot be imported here, say
                calls.put((_refuse, (error,)))

    threading.Thread(target=receive, daemon=True).start()
    with contextlib.suppress(Empty):
        while True:
            _send(connection, _answer(*calls.get(timeout=_IDLE_S)))


def _refuse(error: Exception) -> None:
    raise error


def _send(connection: Connection, answer: Answer) -> None:
    try:
        connection.send(answer)
    except OSError:
        os._exit(0)
    except Exception as error:  # noqa: BLE001  # no other process can have this result
        connection.send(Answer(error=TypeError(str(error))))


def _answer(function: Callable[..., Any], args: tuple[Any, ...]) -> Answer:
    try:
        return Answer(function(*args))
    except MemoryError:
        return Answer(out_of_memory=True)
    except Exception as error:  # noqa: BLE001  # every failure of a unit is that unit's result
        return Answer(error=error)
