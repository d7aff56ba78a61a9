from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from lldata import engine, worker
from lldata.engine import Dask, Local, Unit, WorkerError, named, run_isolated, run_units
from lldata.errors import LowLightError


def double(number: int) -> int:
    return 2 * number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def hang(number: int) -> int:
    time.sleep(60)
    return number


def hog(number: int) -> int:
    return len(bytearray(3 * 2**30)) + number


def refuse(number: int) -> int:
    raise ValueError(f"no {number}")


def test_every_unit_comes_back_with_its_own_result():
    units = [Unit(str(i), double, (i,)) for i in range(9)]
    results = {unit.key: result for unit, result in run_units(units, Local(workers=2))}
    assert results == {str(i): 2 * i for i in range(9)}


def test_a_death_a_hang_and_an_error_cost_one_unit_each():
    kinds = {"a": double, "b": die, "c": hang, "d": refuse, "e": double}
    units = [Unit(key, function, (3,)) for key, function in kinds.items()]
    results = {u.key: r for u, r in run_units(units, Local(workers=1, timeout_s=2.0))}
    assert (results["a"], results["e"]) == (6, 6)
    assert "ended with code" in str(results["b"])
    assert "longer than 2 s" in str(results["c"])
    assert str(results["d"]) == "no 3"


@pytest.mark.skipif(os.uname().sysname == "Darwin", reason="macOS bounds no address space")
def test_a_unit_that_takes_too_much_memory_is_stopped():
    with pytest.raises(WorkerError, match="2 GiB of memory"):
        run_isolated(hog, 1, memory_bytes=2 * 2**30)


def test_a_worker_sees_the_environment_of_now(monkeypatch: pytest.MonkeyPatch):
    run_isolated(double, 1)
    monkeypatch.setenv("LLDATA_TEST", "changed since the first worker")
    assert run_isolated(os.getenv, "LLDATA_TEST") == "changed since the first worker"
    assert run_isolated(os.getenv, "OMP_NUM_THREADS") == "1"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which signals are blocked")
def test_ctrl_c_never_reaches_a_worker_or_its_server():
    from multiprocessing import forkserver

    forkserver._forkserver._stop()  # another test may have started it without ours
    run_isolated(double, 1)
    for path in (f"/proc/{forkserver._forkserver._forkserver_pid}/status", "/proc/self/status"):
        (mask,) = (
            line.split()[1] for line in Path(path).read_text().splitlines() if "SigBlk" in line
        )
        assert bool(int(mask, 16) >> (signal.SIGINT - 1) & 1) == ("self" not in path)


def test_what_the_server_of_the_workers_loads_exists():
    for name in (engine._LOADED, engine._COMMANDS):
        assert importlib.util.find_spec(name) is not None


def test_engines_are_named_local_or_dask_with_an_address():
    assert named("local", 3) == Local(workers=3)
    assert named("dask=tcp://10.0.0.1:8786") == Dask("tcp://10.0.0.1:8786")


@pytest.mark.parametrize(("text", "workers", "said"), [
    ("slurm", None, "--engine slurm: there is no such engine"),
    ("dask", None, "--engine dask: there is no such engine"),
    ("dask=", None, "--engine dask=: there is no such engine"),
    ("dask=tcp://h:1", 2, "--workers 2: it counts processes of this machine"),
])  # fmt: skip
def test_other_engines_are_refused(text: str, workers: int | None, said: str):
    with pytest.raises(LowLightError, match=said):
        named(text, workers)


def test_units_are_read_lazily():
    read = []

    def units():
        for i in range(100):
            read.append(i)
            yield Unit(str(i), double, (i,))

    stream = run_units(units(), Local(workers=1))
    next(stream)
    stream.close()
    assert len(read) < 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal masks")
def test_an_interrupt_that_another_thread_takes_comes_when_the_block_ends():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    drawing = threading.Event()
    threading.Thread(target=drawing.wait, daemon=True).start()
    reached = []

    def struck() -> None:
        with worker.interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
            reached.append("the end of the block")

    try:
        with pytest.raises(KeyboardInterrupt):
            struck()
    finally:
        drawing.set()
        signal.signal(signal.SIGINT, before)
    assert reached
