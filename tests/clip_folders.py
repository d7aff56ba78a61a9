"""Small folders of clips for tests, as a photographer would leave them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lldata import ingest, upkeep
from lldata.engine import Local
from lldata.protocol import ClipProtocol, load
from lldata.reading.clip_files import find
from lldata.sets import clips
from lldata.sets.job import Outcome, SceneJob
from lldata.store import Store, open_store
from lldata.synthesis.clips import simulate

UHR = load("uhr_clips")
assert isinstance(UHR, ClipProtocol)


def film(
    seed: int, count: int, white: int = 65535, size: tuple[int, int] = (40, 56)
) -> list[np.ndarray]:
    """Return frames (H, W, 3) uint16 of noise up to a white level."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, white, (*size, 3), np.uint16) for _ in range(count)]


def write_clip(folder: Path, frames: list[np.ndarray], extension: str = "png") -> None:
    """Write frames as f0, f1, ... into a folder."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        assert cv2.imwrite(str(folder / f"f{number}.{extension}"), frame[..., ::-1])


def write_scene(src: Path, scene: str = "Night", **changes: list[np.ndarray]) -> Path:
    """Write a scene of 4 dark and 3 normally lit frames; return its folder."""
    for name, frames in ({"low": film(1, 4, 9000), "target": film(2, 3)} | changes).items():
        write_clip(src / scene / name, frames)
    return src / scene


def run(src: Path, folder: Path | None = None, **options: bool) -> list[Outcome]:
    """Check, or store, every scene found in a folder, in this process."""
    (found,) = find(src, UHR)
    return [clips.run_scene(SceneJob(s, UHR, folder, "", **options)) for s in found.scenes]


def stored(src: Path, folder: Path) -> Store:
    """Store every scene found in a folder and open the dataset."""
    run(src, folder)
    upkeep.build_index(folder, "2026-01-01T00:00:00+00:00")
    return open_store(folder)


def simulated(out: Path, scenes: int = 2, **options: object) -> Path:
    """Write simulated clips of three frames, and two of their target, of 96x128 px."""
    for _ in simulate(UHR, out, scenes=scenes, size=(96, 128), frames=(3, 2), **options):  # type: ignore[arg-type]
        pass
    return out


def ingested(src: Path) -> Store:
    """Ingest a folder in this process and open the dataset."""
    engine = Local(workers=1)
    (dataset,) = ingest.prepare(src, None, None, engine)
    list(ingest.ingest(dataset, engine, deep=False))
    return open_store(dataset.path)
