from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.run import run
from eval.running.settings import Settings
from lldata import cluster, ingest, store
from lldata.child import Child
from lldata.engine import Dask, Local, Unit, named, run_units
from lldata.errors import LowLightError
from tests.captures import light, write_scene
from tests.stores import night

distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")


@contextlib.contextmanager
def started(kind: str, folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard"]
    where = ["--scheduler-file", str(folder / "scheduler.json")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*command, *where, *options], cwd=folder, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


SCHEDULER = ("scheduler", "--host", "127.0.0.1", "--port", "0")
WORKER = ("worker", "--nthreads", "1", "--no-nanny")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A scheduler and two workers, processes of this machine, and their folder."""
    folder = tmp_path_factory.mktemp("cluster")
    with contextlib.ExitStack() as processes:
        for what in (SCHEDULER, WORKER, WORKER):
            processes.enter_context(started(what[0], folder, *what[1:]))
        yield folder


@pytest.fixture
def dask(folder: Path) -> Dask:
    return Dask(address(folder), timeout_s=60.0)


def address(folder: Path) -> str:
    file, deadline = folder / "scheduler.json", time.monotonic() + 60
    while not (file.is_file() and file.stat().st_size):
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.05)
    return str(json.loads(file.read_text())["address"])


def test_every_unit_comes_back_with_its_own_result(dask: Dask):
    units = [Unit(str(i), pow, (2, i)) for i in range(40)]
    assert {u.key: r for u, r in run_units(units, dask)} == {str(i): 2**i for i in range(40)}


def test_a_death_a_hang_an_error_and_a_hog_cost_one_unit_each(folder: Path):
    calls = {"a": (pow, (2, 3)), "b": (signal.raise_signal, (signal.SIGKILL,)),
             "c": (time.sleep, (60,)), "d": (int, ("x",)), "e": (bytearray, (2**33,)),
             "f": (pow, (2, 4))}  # fmt: skip
    units = [Unit(key, *call) for key, call in calls.items()]
    engine = Dask(address(folder), timeout_s=8.0, memory_bytes=2 * 2**30)
    results = {u.key: r for u, r in run_units(units, engine)}
    assert (results["a"], results["f"]) == (8, 16)
    assert "ended with code -9" in str(results["b"])
    assert "longer than 8 s" in str(results["c"])
    assert isinstance(results["d"], ValueError)
    assert "2 GiB of memory" in str(results["e"])


def test_a_process_that_another_thread_of_the_worker_takes_costs_nothing():
    class Emptied(list[tuple[int, Child]]):
        def __bool__(self) -> bool:  # as it was before the other thread took its one
            return True

    assert cluster._idle(Emptied(), 2**31) is None


def test_a_process_of_another_bound_is_ended_and_one_of_this_is_used():
    small, large = Child(2**31), Child(2**32)
    idle = [(2**31, small), (2**32, large)]
    with contextlib.closing(large):
        assert cluster._idle(idle, 2**32) is large
        assert cluster._idle(idle, 2**32) is None
        assert not small.alive


def test_units_are_read_as_the_cluster_takes_them(dask: Dask):
    read: list[int] = []

    def units() -> Iterator[Unit]:
        for i in range(100):
            read.append(i)
            yield Unit(str(i), pow, (2, i))

    stream = run_units(units(), dask)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(read) < 10


def test_ingest_stores_what_the_local_engine_stores(dask: Dask, tmp_path: Path):
    for number in (1, 2):
        write_scene(tmp_path / "card", f"{number:05}", light(number), (0.1,))
    digests = {}
    for name, engine in {"here": Local(workers=1), "there": dask}.items():
        (dataset,) = ingest.prepare(tmp_path / "card", "sid_sony", name, engine)
        states = [outcome.state for outcome in ingest.ingest(dataset, engine, deep=False)]
        assert states == ["stored"] * 2
        stored = store.open_store(name)
        digests[name] = (stored.digest, stored.reference_digest, list(stored.pairs["status"]))
    assert digests["here"] == digests["there"]


def test_a_run_scores_what_it_scores_here_into_the_folder_named_here(
    dask: Dask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    night(store.home() / "night", "train test test test")
    monkeypatch.chdir(tmp_path)
    settings = Settings("gamma", "night", metrics=("psnr_float", "ssim"))
    here = run(replace(settings, out=Path("here"))).record
    there = run(replace(settings, out=Path("there"), engine=f"dask={dask.address}")).record
    assert [replace(row, seconds=None) for row in there.rows] == [
        replace(row, seconds=None) for row in here.rows
    ]
    assert (there.timing["workers"], there.timing["alone"]) == (None, False)
    for path in sorted((tmp_path / "here" / "outputs").rglob("*.png")):
        twin = tmp_path / "there" / path.relative_to(tmp_path / "here")
        assert twin.read_bytes() == path.read_bytes()


def test_a_pair_that_fails_there_ends_the_run_with_its_error(dask: Dask, tmp_path: Path):
    dataset = night(tmp_path / "night", "train test")
    settings = Settings("scaled", dataset.path, engine=f"dask={dask.address}", out=tmp_path / "out")
    store.scene_path(dataset.path, "00002").unlink()
    with pytest.raises(LowLightError, match="00002"):
        run(settings)


def test_a_worker_that_is_killed_costs_no_unit(folder: Path, dask: Dask):
    stream = run_units([Unit(str(i), time.sleep, (0.2,)) for i in range(24)], dask)
    with started(WORKER[0], folder, *WORKER[1:]), distributed.Client(dask.address) as client:
        client.wait_for_workers(3, timeout=60)
        finished = [next(stream)[0].key for _ in range(12)]
    assert sorted(finished + [u.key for u, r in stream if r is None], key=int) == [
        str(i) for i in range(24)
    ]


def test_a_scheduler_that_dies_is_said_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with (
        started(SCHEDULER[0], tmp_path, *SCHEDULER[1:]) as scheduler,
        started(WORKER[0], tmp_path, *WORKER[1:]),
    ):
        units = [Unit(str(i), time.sleep, (0.5,)) for i in range(20)]
        stream = run_units(units, Dask(address(tmp_path)))
        next(stream)
        scheduler.kill()
        with pytest.raises(LowLightError, match="the scheduler has gone"):
            list(stream)
    assert not [r for r in caplog.records if r.name.startswith("distributed")]


def test_an_address_where_nothing_answers_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.3)
    with pytest.raises(LowLightError, match=r"dask=tcp://127\.0\.0\.1:9: no scheduler answers"):
        list(run_units([Unit("1", pow, (2, 2))], named("dask=tcp://127.0.0.1:9")))


def test_an_address_where_something_else_answers_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(cluster, "_CONNECT_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as line:
                        line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9)
                        line.recv(2**16)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(LowLightError, match="no scheduler answers"):
            list(run_units([Unit("1", pow, (2, 2))], named(f"dask=tcp://127.0.0.1:{port}")))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LowLightError, match="pip install 'lowlight-toolkit\\[cluster\\]'"):
        list(run_units([Unit("1", pow, (2, 2))], named("dask=tcp://127.0.0.1:9")))
