"""A process killed inside any step of publishing a scene leaves the scene whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lldata import store, upkeep
from lldata.scene import content_digest
from tests.unit.test_store import pixels, scene

ROOT = Path(__file__).parents[2]
# The Nth call of a step ends the process, a write after half of its bytes.
CHILD = """
import io, os, pathlib, signal, sys
sys.path.insert(0, {root!r})
from tests.unit.test_store import pixels, scene
from lldata import publish, upkeep, store
left = {steps}

def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def before(name):
    real = getattr(os, name)
    def call(*arguments, **more):
        step()
        return real(*arguments, **more)
    setattr(os, name, call)

real_open = pathlib.Path.open
def opened(self, mode="r", *arguments, **more):
    file = real_open(self, mode, *arguments, **more)
    if mode != "wb":
        return file
    real_write = file.write
    class Half:
        def __enter__(self): return self
        def __exit__(self, *error): file.close()
        def write(self, data):
            real_write(bytes(data)[: len(data) // 2]); file.flush(); step()
            real_write(bytes(data)[len(data) // 2 :]); file.flush(); step()
        def flush(self): file.flush()
        def fileno(self): return file.fileno()
    return Half()

folder = pathlib.Path({folder!r})
upkeep.publish_scene(folder, scene("00001"), pixels(1))
pathlib.Path.open = opened
for name in ("fsync", "link", "unlink", "replace"):
    before(name)
upkeep.publish_scene(folder, scene("00002"), pixels(2))
upkeep.build_index(folder, "now")
print("finished")
"""


@pytest.mark.parametrize("steps", range(1, 15))
def test_a_kill_inside_any_step_leaves_whole_scenes(tmp_path: Path, steps: int):
    folder = tmp_path / "d"
    code = CHILD.format(root=str(ROOT), steps=steps, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode == -9) != ("finished" in done.stdout), done.stderr
    for seed in (1, 2):
        path = store.scene_path(folder, f"{seed:05d}")
        if seed == 1 or path.exists():
            assert store.read_scene(path).content == content_digest(
                scene(f"{seed:05d}"), store.read_pixels(path)
            )
    # whoever comes next finishes the work
    upkeep.publish_scene(folder, scene("00002"), pixels(2))
    upkeep.build_index(folder, "now")
    opened = store.Store(folder)
    assert sorted(opened.scenes["scene"]) == ["00001", "00002"]
    assert not opened.stale()


def test_the_steps_cover_the_whole_publishing(tmp_path: Path):
    code = CHILD.format(root=str(ROOT), steps=15, folder=str(tmp_path / "d"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "finished" in done.stdout, done.stderr
