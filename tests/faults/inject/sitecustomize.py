"""Let one I/O step of a tree of Python processes fail, or end them all in the middle of it.

Python imports a module of this name at its start from PYTHONPATH. The steps are counted across
processes by the bytes of the file $FAULT_COUNTER; step $FAULT_AT (0: none) does $FAULT_ACTION:
`kill` (half a write is on the disk by then), or an errno's name, which is raised. No file may be
larger than $FAULT_LIMIT bytes.
"""

from __future__ import annotations

import errno
import os
import pathlib
import signal
import stat
from typing import Any


def _count() -> bool:
    """Count one step; whether it is the chosen one."""
    descriptor = _open(os.environ["FAULT_COUNTER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        _write(descriptor, b"x")
        return os.lseek(descriptor, 0, os.SEEK_CUR) == int(os.environ["FAULT_AT"])
    finally:
        os.close(descriptor)


def _fail() -> None:
    action = os.environ["FAULT_ACTION"]
    if action == "kill":
        os.killpg(os.getpgid(0), signal.SIGKILL)
    number = getattr(errno, action)
    raise OSError(number, os.strerror(number))


def _before(name: str) -> None:
    real = getattr(os, name)

    def call(*arguments: Any, **more: Any) -> Any:
        if _count():
            _fail()
        return real(*arguments, **more)

    setattr(os, name, call)


def _fsync(descriptor: int) -> None:
    if _count():
        _fail()
    _real_fsync(descriptor)


def _halved(descriptor: int, data: Any) -> int:
    """Write to a regular file in two halves, each a step; anything else as ever."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return _write(descriptor, data)
    view = memoryview(data)
    if _count():
        _write(descriptor, view[: len(view) // 2])
        _fail()
    return _write(descriptor, data)


class _Halves:
    """A file opened for writing whose writes are steps."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if _count():
            self._file.write(view[: len(view) // 2])
            self._file.flush()
            _fail()
        return int(self._file.write(data))

    def __enter__(self) -> _Halves:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _path_open(self: pathlib.Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
    file = _real_path_open(self, mode, *arguments, **more)
    ours = "w" in mode or "x" in mode
    return _Halves(file) if ours and "b" in mode else file


_open, _write, _real_fsync, _real_path_open = os.open, os.write, os.fsync, pathlib.Path.open
if "FAULT_AT" in os.environ:
    os.fsync, os.write = _fsync, _halved
    pathlib.Path.open = _path_open  # type: ignore[method-assign]
    for _name in ("link", "replace", "rename", "unlink"):
        _before(_name)
if "FAULT_LIMIT" in os.environ:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FAULT_LIMIT"]),) * 2)
