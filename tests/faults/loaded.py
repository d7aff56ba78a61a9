"""A program that has loaded all that a run needs, and forks a process for each that is asked of it.

Loading takes longer than a small run: faults strike the work of it instead, and many more do.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOADED = ("eval.cli", "eval.run", "baselines.classical.gamma", "rich.progress", "rich.table")


@dataclass
class Forked:
    """A run in a process of its own, which leads a session."""

    pid: int
    _status: Any  # what its parent tells of it, a line each: its process, its exit code
    _said: int  # what it says

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code, less than 0 of a signal, and what it said."""
        code = int(self._status.readline())
        self._status.close()
        os.set_blocking(self._said, False)  # workers that outlive it have it open, too
        said = bytearray()
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._said, 1 << 16):
                said += piece
        os.close(self._said)
        return code, said.decode()


class Loaded:
    """The program, as those see it who ask."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> Forked:
        """Start `lleval` with some arguments; return once it is about to read them."""
        status, theirs = os.pipe()
        said, saying = os.pipe()
        asked = json.dumps({"words": list(words), "environment": dict(environment)})
        socket.send_fds(self._requests, [asked.encode()], [theirs, saying])
        os.close(theirs)
        os.close(saying)
        told = os.fdopen(status)
        pid = int(told.readline())
        assert os.read(said, 1) == b"\n"
        return Forked(pid, told, said)


@contextlib.contextmanager
def loaded() -> Iterator[Loaded]:
    """Have the program at hand, until the block ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.faults.loaded", str(theirs.fileno())]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    server = subprocess.Popen(
        command, cwd=ROOT, pass_fds=[theirs.fileno()], env=os.environ | {"PYTHONPATH": path}
    )
    theirs.close()
    try:
        yield Loaded(ours)
    finally:
        ours.close()
        server.wait()


def serve(requests: socket.socket) -> None:
    """Load, and fork a process for each request, until nobody can ask any more."""
    for module in LOADED:
        importlib.import_module(module)
    from eval.metrics import metrics
    from eval.pages.page import _environment

    metrics()
    _environment().get_template("report.html.j2")
    while True:
        asked, descriptors, _, _ = socket.recv_fds(requests, 1 << 16, 2)
        if not asked:
            return
        attendant = os.fork()
        if not attendant:
            requests.close()
            _attend(json.loads(asked), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _attend(asked: Any, status: int, said: int) -> None:
    """Fork the run, tell its process and wait to tell its end."""
    pid = os.fork()
    if not pid:
        os.close(status)
        _work(asked, said)
    os.close(said)
    os.write(status, f"{pid}\n".encode())
    how = os.waitpid(pid, 0)[1]
    os.write(status, f"{os.waitstatus_to_exitcode(how)}\n".encode())
    os._exit(0)


def _work(asked: Any, said: int) -> None:
    """Be the command line, in a session of its own."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for ours, standard in ((nothing, 0), (nothing, 1), (said, 2)):
        os.dup2(ours, standard)
    os.environ.clear()
    os.environ.update(asked["environment"])
    importlib.import_module("tests.faults.inject.sitecustomize")
    from eval.cli import app

    sys.argv = ["lleval", *asked["words"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.write(2, b"\n")
    app()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
