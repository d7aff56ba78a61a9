"""Ingests that are killed, starved and raced, on the command line as a user runs it.

Every function returns how many faults were put in and what they cost: scenes lost, damaged, or
wrongly accepted. Zero everywhere is the promise.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lldata import store, upkeep
from tests.captures import light, write_scene

INJECT = Path(__file__).parent / "inject"
ROOT = Path(__file__).parents[2]
NAME = "night"
SHAPE = (96, 128)
LLDATA = "import sys; from lldata.cli import app; sys.argv[0] = 'lldata'; app()"


@dataclass(frozen=True)
class Field:
    """A dataset of `old` scenes, and a folder with `new` scenes more."""

    home: Path  # holds the dataset of the old scenes
    src: Path  # holds the files of old and new scenes
    old: tuple[str, ...]
    digest: str  # of the dataset that holds them all


def field(folder: Path, old: int, new: int) -> Field:
    """Make captures, a dataset of the first of them, and the digest of all of them."""
    src = folder / "captures"
    names = [f"{number:05d}" for number in range(1, old + new + 1)]
    for name in names[:old]:
        write_scene(src, name, light(int(name), SHAPE))
    home = folder / "home"
    home.mkdir(parents=True)
    if old:
        done(run(home, src))
    for name in names[old:]:
        write_scene(src, name, light(int(name), SHAPE))
    whole = folder / "whole"
    shutil.copytree(home, whole)
    done(run(whole, src))
    return Field(home, src, tuple(names[:old]), store.open_store(whole / NAME).digest)


def command(src: Path, workers: int = 1) -> list[str]:
    """Return the command line of an ingest."""
    options = ("--protocol", "sid_sony", "--name", NAME, "--workers", str(workers))
    return [sys.executable, "-c", LLDATA, "ingest", str(src), *options]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a run under a home folder."""
    path = os.pathsep.join([str(INJECT), str(ROOT)])
    return {**os.environ, "LLDATA_HOME": str(home), "PYTHONPATH": path, **more}


def run(
    home: Path, src: Path, workers: int = 1, timeout_s: float = 120, **faults: str
) -> subprocess.CompletedProcess[str]:
    """Run an ingest to its end, or to the fault."""
    return subprocess.run(
        command(src, workers), env=environment(home, **faults), capture_output=True, text=True,
        timeout=timeout_s, start_new_session=True, check=False,
    )  # fmt: skip


def done(result: subprocess.CompletedProcess[str]) -> None:
    """Insist that a run ended well."""
    assert result.returncode == 0, result.stderr[-2000:]


def count_steps(field: Field, scratch: Path) -> int:
    """Return how many I/O steps the ingest of the new scenes takes."""
    home, counter = scratch / "count", scratch / "count.steps"
    shutil.copytree(field.home, home)
    done(run(home, field.src, FAULT_AT="0", FAULT_ACTION="kill", FAULT_COUNTER=str(counter)))
    return counter.stat().st_size


@dataclass
class Cost:
    """What faults have cost so far."""

    faults: int = 0
    scenes_lost: int = 0  # of those that stood before
    scenes_damaged: int = 0  # stand under their name with other content
    resumes_failed: int = 0  # the next ingest did not end in the whole dataset
    unclear_endings: int = 0  # neither a success nor one line and exit 2

    def none(self) -> bool:
        """Whether nothing was lost, damaged or left unclear."""
        return not any(v for k, v in self.__dict__.items() if k != "faults")


def damage(home: Path, expected: Iterable[str], cost: Cost) -> None:
    """Count the scenes that are missing or not what their record says."""
    folder = home / NAME
    standing = {e.name.removesuffix(".h5") for e in store.scene_entries(folder)}
    cost.scenes_lost += len(set(expected) - standing)
    for scene in standing:
        path = store.scene_path(folder, scene)
        size, sha256 = path.stat().st_size, upkeep.file_digest(path)
        cost.scenes_damaged += bool(upkeep.verify_scene(path, size, sha256, deep=True))


def resume(home: Path, field: Field, cost: Cost) -> None:
    """Ingest again; count it unless the result is the whole dataset."""
    result = run(home, field.src)
    if result.returncode or store.open_store(home / NAME).digest != field.digest:
        cost.resumes_failed += 1


def at_steps(field: Field, scratch: Path, steps: Sequence[int], action: str) -> Cost:
    """Kill an ingest in the middle of each of some I/O steps, or let the step fail."""
    cost = Cost()
    for step in steps:
        home, counter = scratch / f"{action}{step}", scratch / f"{action}{step}.steps"
        shutil.copytree(field.home, home)
        faults = {"FAULT_AT": str(step), "FAULT_ACTION": action, "FAULT_COUNTER": str(counter)}
        result = run(home, field.src, **faults)
        cost.faults += 1
        if action == "kill":
            cost.unclear_endings += result.returncode != -signal.SIGKILL
        else:
            one_line = result.stderr.strip().splitlines()[-1:]
            clear = result.returncode == 2 and "Traceback" not in result.stderr and one_line
            cost.unclear_endings += not (clear or result.returncode == 0)
        damage(home, field.old, cost)
        resume(home, field, cost)
        shutil.rmtree(home)
    return cost


def at_random(field: Field, scratch: Path, kills: int, seed: int, workers: int = 2) -> Cost:
    """Kill whole ingests, workers and all, at random moments."""
    cost, rng = Cost(), random.Random(seed)
    home = scratch / "random"
    shutil.copytree(field.home, home)
    started = time.monotonic()
    done(run(home, field.src, workers))
    whole_s = time.monotonic() - started
    for _ in range(kills):
        shutil.rmtree(home)
        shutil.copytree(field.home, home)
        process = subprocess.Popen(
            command(field.src, workers), env=environment(home), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(rng.uniform(0, whole_s))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        cost.faults += 1
        damage(home, field.old, cost)
        resume(home, field, cost)
    return cost


def size_limits(folder: Path, limits: int) -> Cost:
    """Publish a scene and its index under growing limits on the size of a file."""
    from tests.stores import night

    cost = Cost()
    night(folder / "model", "train test")
    model = folder / "model"
    first, second = (store.scene_path(model, s) for s in ("00001", "00002"))
    scene, pixels = store.read_scene(second), store.read_pixels(second)
    largest = max(second.stat().st_size, (model / "dataset.h5").stat().st_size)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for limit in np.linspace(1, largest * 1.02, limits).astype(int):
            home = folder / "limited"
            target = home / NAME
            (target / "scenes").mkdir(parents=True)
            shutil.copy(first, store.scene_path(target, "00001"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), before[1]))
            try:
                upkeep.publish_scene(target, scene, pixels)
                upkeep.build_index(target, "2026-01-01T00:00:00+00:00")
            except OSError:
                pass
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            cost.faults += 1
            damage(home, ("00001",), cost)
            shutil.rmtree(home)
    finally:
        signal.signal(signal.SIGXFSZ, handler)
    return cost


def at_once(field: Field, scratch: Path, writers: Sequence[int]) -> Cost:
    """Let several ingests of one folder run at once, as many as each entry says."""
    cost = Cost()
    for number, count in enumerate(writers):
        home = scratch / f"race{number}"
        shutil.copytree(field.home, home)
        racing = [
            subprocess.Popen(
                command(field.src), env=environment(home), stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True,
            )
            for _ in range(count)
        ]  # fmt: skip
        for process in racing:
            process.communicate(timeout=300)
            cost.unclear_endings += process.returncode != 0
        cost.faults += 1
        damage(home, field.old, cost)
        whole = store.open_store(home / NAME)
        cost.resumes_failed += whole.digest != field.digest
        shutil.rmtree(home)
    return cost


def as_json(cost: Cost) -> dict[str, int]:
    """Return the figures as JSON values."""
    return json.loads(json.dumps(cost.__dict__))
