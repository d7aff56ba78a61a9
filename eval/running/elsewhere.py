"""Pairs in processes of their own: on this machine, or beside the workers of a cluster.

Each computes with one thread, so that scores do not follow the number of workers. A cluster's
workers read and write the same paths: $LLDATA_HOME, the run's folder, and files that are named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselines.method import Method
from eval.machine import software
from eval.running.option_files import files_named
from eval.running.pairs import Finished, Job, accepted, score_pair
from lldata.engine import GIBIBYTE, Dask, Engine, Unit, named, run_units
from lldata.errors import MethodError
from lldata.store import home

TIMEOUT_S = 6 * 3600.0  # of one pair; methods that are fitted to each image take their time
MEMORY_BYTES = 16 * GIBIBYTE  # addresses of one process; torch's libraries alone take 4
THREADS = 1  # of each process, as the engines start them


def engine_of(name: str, workers: int | None) -> Engine | None:
    """Return where the pairs of a run are computed, None for this very process.

    Parameters
    ----------
    name : local or dask=ADDRESS
    workers : processes of this machine; None is not said, and one is this process

    Raises
    ------
    LowLightError
        If there is no such engine, or workers are counted for a cluster.
    """
    if name == "local" and workers in (None, 1):
        return None
    return replace(named(name, workers), timeout_s=TIMEOUT_S, memory_bytes=MEMORY_BYTES)


def workers_of(engine: Engine | None) -> int | None:
    """Return how many pairs are computed at once on the machine of one; None is not known."""
    if engine is None:
        return 1
    return None if isinstance(engine, Dask) else engine.workers


def check_device(method: Method, engine: Engine | None) -> None:
    """Refuse to share out what one process computes best.

    Raises
    ------
    MethodError
        If the method is a network on an accelerator.
    """
    device = str(getattr(method, "device", "cpu"))
    if engine is None or device == "cpu":
        return
    here = f"--engine dask={engine.address}" if isinstance(engine, Dask) else (
        f"--workers {engine.workers}"
    )  # fmt: skip
    raise MethodError(
        here, f"{method.info.name} runs on {device}", "one process feeds an accelerator",
        "Leave it out, or compute on processors with --device cpu",
    )  # fmt: skip


@dataclass(frozen=True)
class Sender:
    """What every worker must have as the program that submits has it."""

    home: str
    software: Mapping[str, str]


def scored_elsewhere(
    job: Job, method: Method, pairs: Iterable[str], engine: Engine
) -> Iterator[Finished]:
    """Yield finished pairs as they end; the first error of one ends the others.

    Parameters
    ----------
    method : as it was made here; where and how precisely it computes is the same everywhere

    Raises
    ------
    LowLightError
        If a pair's process is lost, the cluster is, or a worker has other packages.
    """
    sent, sender = _sent(job, method), Sender(str(home().absolute()), software())
    units = (Unit(pair, score_there, (sent, pair, sender)) for pair in pairs)
    for _, result in run_units(units, engine):
        if isinstance(result, BaseException):
            raise result
        yield result


def score_there(job: Job, pair: str, sender: Sender) -> Finished:
    """Run, score and keep one pair: what a worker does.

    Raises
    ------
    MethodError
        If a package that can change a score has another version here, or as `score_pair`.
    """
    _check_software(pair, sender.software)
    os.environ["LLDATA_HOME"] = sender.home  # this process is the unit's own
    return score_pair(job, pair)


def _check_software(pair: str, expected: Mapping[str, str]) -> None:
    here = software()
    for package in sorted(here.keys() | expected.keys()):
        if here.get(package) != expected.get(package):
            raise MethodError(
                f"pair {pair}", f"its worker has {package} {here.get(package, '(none)')}",
                f"the run began with {package} {expected.get(package, '(none)')}",
                "Install the same packages on every worker",
            )  # fmt: skip


def _sent(job: Job, method: Method) -> Job:
    """Return a job that means the same in another folder and on another machine."""
    return replace(
        job,
        options=() if job.outputs is not None else tuple(_settled(job, method).items()),
        weights=_absolute(job.weights),
        dataset=job.dataset.absolute(),
        folder=job.folder.absolute(),
        outputs=_absolute(job.outputs),
        opened=None,
    )


def _settled(job: Job, method: Method) -> dict[str, Any]:
    """Return the options with whole paths, and where and how precisely a network computes."""
    options = dict(job.options)
    files = {key: str(path.absolute()) for key, path in files_named(job.method, options).items()}
    made = {name: getattr(method, name, None) for name in ("device", "precision")}
    known = accepted(job.method, {}, {k: str(v) for k, v in made.items() if v is not None})
    return options | files | known


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()
