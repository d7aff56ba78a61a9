from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import baselines.classical
from baselines import method as methods
from eval.machine import one_algebra_thread, software
from eval.record import Record
from eval.run import run
from eval.running import pairs
from eval.running.elsewhere import Sender, check_device, engine_of, score_there, scored_elsewhere
from eval.running.pairs import Job
from eval.running.plan import make_plan
from eval.running.settings import Settings
from lldata.engine import Dask, Engine, Local, Unit, run_units
from lldata.errors import LowLightError, MethodError
from lldata.store import home
from tests.stores import night

METRICS = (
    "psnr", "ssim", "ms_ssim", "psnr_float", "psnr_y", "delta_e", "loe", "entropy", "colourfulness",
)  # fmt: skip
SLOW = ("bm3d", "ksvd", "dong")  # the same code in any process; measured by hand
CLUSTER = Dask("tcp://there:8786")


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs.stages_of.cache_clear()
    return night(home() / "night", "train test test", shape=(176, 208)).path


def classical() -> Iterator[str]:
    """Yield the classical methods whose extra is installed."""
    for name in methods.names():
        try:
            module = methods.module(name)
        except MethodError:
            continue
        if name not in SLOW and module.__name__.startswith(baselines.classical.__name__):
            yield name


def test_classical_methods_score_the_same_in_any_number_of_processes(tmp_path: Path):
    found = {}
    for where in (1, 2, 3):
        jobs = {name: job(name, tmp_path / f"{where}" / name) for name in classical()}
        sender = Sender(str(home()), software())
        units = [Unit(name, score_there, (one, PAIR, sender)) for name, one in jobs.items()]
        with one_algebra_thread():
            done = run_units(units, Local(where)) if where > 1 else here(units)
            found[where] = {unit.key: result.row.scores for unit, result in done}
    assert len(found[1]) >= 11
    assert found[1] == found[2] == found[3]


def here(units: list[Unit]) -> Iterator[tuple[Unit, Any]]:
    return ((unit, unit.function(*unit.args)) for unit in units)


PAIR = "00002/00002_00_0.1s"


def job(name: str, out: Path) -> Job:
    settings = Settings(name, "night", metrics=METRICS, out=out, limit=1)
    return make_plan(settings, lambda _: None).job


def weights() -> Path:
    """Write small weights of sid as a training on `night` leaves them."""
    pytest.importorskip("torch")
    from baselines.networks import sid
    from baselines.training import weights
    from lldata.store import open_store

    folder = home() / ".weights/sid/night/quick-seed0"
    net = sid.UNet(planes=4, width=4, levels=3)
    sha256 = weights.write(folder / weights.MODEL, net.state_dict())
    weights.write_config(folder, {
        "method": "sid", "preset": "quick", "seed": 0, "trained_on": "night", "split": "train",
        "pairs": ["00001/00001_00_0.1s"], "digest": open_store("night").digest, "sha256": sha256,
    })  # fmt: skip
    return folder


def test_a_network_scores_the_same_in_two_and_three_processes_and_nearly_so_in_one(tmp_path: Path):
    weights()

    def record(workers: int) -> Record:
        settings = Settings("sid", "night", device="cpu", out=tmp_path / str(workers))
        return run(replace(settings, workers=workers)).record

    one, two, three = (record(workers) for workers in (1, 2, 3))
    assert [row.scores for row in two.rows] == [row.scores for row in three.rows]
    for alone, shared in zip(one.rows, two.rows, strict=True):
        assert alone.scores["psnr"] == pytest.approx(shared.scores["psnr"], abs=1e-4)
    assert [(r.timing["threads"], r.timing["workers"]) for r in (two, three)] == [(1, 2), (1, 3)]


def test_pairs_of_a_network_are_kept_for_any_number_of_processes_of_one_thread(tmp_path: Path):
    weights()

    def fingerprint(workers: int | None, engine: str = "local") -> str:
        settings = Settings("sid", "night", device="cpu", workers=workers, engine=engine)
        return make_plan(settings, lambda _: None).job.fingerprint

    assert fingerprint(2) == fingerprint(3) == fingerprint(None, "dask=tcp://there:8786")


@pytest.mark.parametrize(
    ("engine", "flag"), [(Local(2), "--workers 2"), (CLUSTER, "--engine dask=")]
)
def test_an_accelerator_is_not_shared_out(engine: Engine, flag: str):
    class OnCuda:
        info = methods.info("sid")
        device = "cuda"

    check_device(OnCuda(), None)  # type: ignore[arg-type]
    with pytest.raises(MethodError, match=f"{flag}.*: sid runs on cuda, but one process feeds"):
        check_device(OnCuda(), engine)  # type: ignore[arg-type]


def test_a_worker_with_other_packages_is_refused_with_both_versions(tmp_path: Path):
    theirs = Sender(str(home()), software() | {"numpy": "0.1"})
    with pytest.raises(MethodError, match=r"its worker has numpy .*began with numpy 0\.1"):
        score_there(job("gamma", tmp_path), PAIR, theirs)
    with pytest.raises(MethodError, match=r"h5py .*, but the run began with h5py \(none\)"):
        score_there(job("gamma", tmp_path), PAIR, Sender("", {"python": software()["python"]}))


def test_a_worker_is_sent_where_things_are_and_how_the_network_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    weights()
    sent: list[Job] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "eval.running.elsewhere.run_units",
        lambda units, _: sent.extend(u.args[0] for u in units) or (),
    )
    plan = make_plan(Settings("sid", "night", out=Path("out"), device="cpu"), lambda _: None)
    assert list(scored_elsewhere(plan.job, plan.method, [PAIR], CLUSTER)) == []
    (there,) = sent
    assert there.folder == tmp_path / "out"
    assert dict(there.options)["precision"] == plan.method.precision  # type: ignore[attr-defined]
    assert dict(there.options)["device"] == "cpu"
    assert (plan.job.opened, there.opened) == ((plan.method, plan.store), None)


def test_one_worker_is_this_process_and_a_cluster_has_its_own():
    assert engine_of("local", None) is engine_of("local", 1) is None
    assert isinstance(engine_of("local", 2), Local)
    assert isinstance(engine_of("dask=tcp://there:8786", None), Dask)
    with pytest.raises(LowLightError, match="--workers 2: it counts processes of this machine"):
        engine_of("dask=tcp://there:8786", 2)
    with pytest.raises(LowLightError, match="--engine slurm: there is no such engine"):
        engine_of("slurm", None)
