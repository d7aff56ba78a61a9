"""Ingests to put faults into, on the command line as a user runs it.

No scene that stood before may be lost, and none may stand that is damaged or wrongly accepted.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lldata import store, upkeep
from tests.captures import light, write_scene
from tests.faults import striking

INJECT = Path(__file__).parent / "inject"
ROOT = Path(__file__).parents[2]
NAME = "night"
SHAPE = (96, 128)
LLDATA = "import sys; from lldata.cli import app; sys.argv[0] = 'lldata'; app()"


@dataclass
class Cost(striking.Cost):
    """What faults in ingests have cost so far."""

    scenes_lost: int = 0  # of those that stood before
    scenes_damaged: int = 0  # stand under their name with other content


@dataclass
class Started:
    """An ingest in a process of its own, which leads a session."""

    process: subprocess.Popen[str]

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code, less than 0 of a signal, and what it said."""
        said = self.process.communicate(timeout=300)[1]
        return self.process.returncode, said


@dataclass(frozen=True)
class Field:
    """A dataset of some scenes, and a folder with the files of these and of more."""

    home: Path  # holds the dataset of the old scenes
    src: Path  # holds the files of old and new scenes
    digest: str = ""  # of the dataset that holds them all
    seconds: float = 0.0  # that an ingest of the new scenes takes
    workers: int = 1
    refused: str = ""

    def cost(self) -> Cost:
        """Return a count that stands at zero."""
        return Cost()

    def fresh(self, place: Path) -> None:
        """Copy the dataset of the old scenes."""
        shutil.copytree(self.home, place)

    def start(self, place: Path, **faults: str) -> Started:
        """Start an ingest of all scenes under a home folder."""
        options = ("--protocol", "sid_sony", "--name", NAME, "--workers", str(self.workers))
        words = [sys.executable, "-c", LLDATA, "ingest", str(self.src), *options]
        return Started(subprocess.Popen(
            words, env=environment(place, **faults), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        ))  # fmt: skip

    def kept(self, place: Path) -> frozenset[str]:
        """Return the scenes that stand."""
        names = (entry.name for entry in store.scene_entries(place / NAME))
        return frozenset(name.removesuffix(".h5") for name in names)

    def check(self, place: Path, before: frozenset[str], cost: Cost) -> None:
        """Count the scenes that are missing or not what their record says."""
        standing = self.kept(place)
        cost.scenes_lost += len(before - standing)
        for scene in standing:
            path = store.scene_path(place / NAME, scene)
            size, sha256 = path.stat().st_size, upkeep.file_digest(path)
            cost.scenes_damaged += bool(upkeep.verify_scene(path, size, sha256, deep=True))

    def whole(self, place: Path) -> bool:
        """Whether it holds all scenes."""
        return store.open_store(place / NAME).digest == self.digest

    def timed(self, whole: Path) -> Field:
        """Ingest undisturbed, and measure it."""
        started = time.monotonic()
        self.fresh(whole)
        code, said = self.start(whole).end()
        assert code == 0, said[-2000:]
        seconds = time.monotonic() - started
        return replace(self, digest=store.open_store(whole / NAME).digest, seconds=seconds)


def field(folder: Path, old: int, new: int, workers: int = 1) -> Field:
    """Make captures, a dataset of the first of them, and the digest of all of them."""
    src, home = folder / "captures", folder / "home"
    names = [f"{number:05d}" for number in range(1, old + new + 1)]
    for name in names[:old]:
        write_scene(src, name, light(int(name), SHAPE))
    made, empty = Field(home, src, workers=workers), folder / "empty"
    empty.mkdir(parents=True)
    replace(made, home=empty).timed(home)
    for name in names[old:]:
        write_scene(src, name, light(int(name), SHAPE))
    return made.timed(folder / "whole")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a command under a home folder."""
    path = os.pathsep.join([str(INJECT), str(ROOT)])
    return {**os.environ, "LLDATA_HOME": str(home), "PYTHONPATH": path, **more}


def size_limits(folder: Path, limits: int) -> Cost:
    """Publish a scene and its index under growing limits on the size of a file."""
    from tests.stores import night

    cost, limited = Cost(), Field(folder, folder)
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
            limited.check(home, frozenset({"00001"}), cost)
            shutil.rmtree(home)
    finally:
        signal.signal(signal.SIGXFSZ, handler)
    return cost
