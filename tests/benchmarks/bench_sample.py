"""Time a finished training sample against two peers on the same pixels, in turns; print JSON.

The sample: a 1024x1024 raw crop packed to float32 and its reference in float32, planes first.
The peers: SID's way without its cache (decode the short, develop the long, crop), and the same
work on arrays that lie in memory, twice: in plain NumPy, and by the very functions that finish a
sample of the store. Then the memory of the processes of a training loader over many scenes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import rawpy
from bench_ingest import captures
from many_scenes import dataset

from eval.machine import hardware, software
from lldata import store as stores
from lldata.cfa import normalised_periods
from lldata.render import POSTPROCESS
from lldata.sample import Mosaic, planes_first, read_crop, read_mosaic

SIDE = 1024  # photosites
WORKERS = 4
Crop = tuple[np.ndarray, np.ndarray]


def finished(mosaic: np.ndarray, picture: np.ndarray, black: float, white: float) -> Crop:
    """Pack, scale and put planes first, in plain NumPy."""
    raw = (mosaic.astype(np.float32) - np.float32(black)) / np.float32(white - black)
    packed = np.stack([raw[::2, ::2], raw[::2, 1::2], raw[1::2, 1::2], raw[1::2, ::2]])
    reference = np.ascontiguousarray(picture.astype(np.float32).transpose(2, 0, 1))
    return packed, reference / np.float32(65535)


def finished_alike(mosaic: np.ndarray, picture: np.ndarray, known: Mosaic) -> Crop:
    """Do the same by the functions that a sample of the store is finished by."""
    packed = normalised_periods(mosaic, known.black_level, known.white_level, known.cfa)
    return packed, planes_first(picture)


def places(rows: list[Any], shape: tuple[int, int]) -> Iterator[tuple[Any, int, int]]:
    """Yield random crops: row, top and left in photosites, even."""
    random = np.random.default_rng(0)
    while True:
        y, x = (int(random.integers((side - SIDE) // 2 + 1)) * 2 for side in shape)
        yield rows[random.integers(len(rows))], y, x


def decoded(src: Path, row: Any, y: int, x: int, levels: tuple[float, float]) -> Crop:
    """Make the sample as SID's script does without its cache."""
    where = slice(y, y + SIDE), slice(x, x + SIDE)
    with rawpy.imread(str(next(src.rglob(f"short/{row.short}.*")))) as raw:
        mosaic = raw.raw_image_visible.copy()
    with rawpy.imread(str(next(src.rglob(f"long/{row.reference}.*")))) as raw:
        picture = raw.postprocess(**POSTPROCESS)
    return finished(mosaic[where], picture[where], *levels)


def in_memory(store: stores.Store, rows: list[Any]) -> dict[str, np.ndarray]:
    """Return every mosaic and reference as an array."""
    shorts = {row.short: store.frame(row.scene, row.short).mosaic for row in rows}
    return shorts | {row.reference: store.reference(row.scene, row.reference) for row in rows}


def compared(src: Path, store: stores.Store, samples: int) -> dict[str, Any]:
    """Return the median seconds of a sample from the store and of its peers, equal bit for bit."""
    rows = list(store.usable().itertuples(index=False))
    frame = store.frame(rows[0].scene, rows[0].short)
    levels, held = (frame.black_level[0], frame.white_level), in_memory(store, rows)
    known = {row.short: read_mosaic(store, row) for row in rows}  # as the training's Crops keeps
    seconds: dict[str, list[float]] = {}
    for number, (row, y, x) in enumerate(islice(places(rows, frame.mosaic.shape), samples)):
        where = slice(y, y + SIDE), slice(x, x + SIDE)
        shown = held[row.short][where], held[row.reference][where]
        place = y // 2, x // 2, SIDE // 2
        ways: dict[str, Callable[[], Crop]] = {
            "store": partial(read_crop, store, row, *place, known[row.short]),
            "memory": partial(finished, *shown, *levels),
            "memory_own_code": partial(finished_alike, *shown, known[row.short]),
        }
        if number % (samples // 5) == 0:
            ways["decode_and_render"] = partial(decoded, src, row, y, x, levels)
        for name, taken in in_turns(ways, number).items():
            seconds.setdefault(name, []).append(taken)
    found = {name: median(values) for name, values in seconds.items()}
    return {
        "seconds": found,
        "times_faster_than_decode_and_render": found["decode_and_render"] / found["store"],
        "of_the_speed_in_memory": found["memory"] / found["store"],
        "of_the_speed_in_memory_by_own_code": found["memory_own_code"] / found["store"],
    }


def in_turns(ways: dict[str, Callable[[], Crop]], first: int) -> dict[str, float]:
    """Return the seconds each way takes, the `first` of them first; all must give one crop.

    Who comes after another finds its freed memory, or has to fetch pages.
    """
    names = list(ways)
    seconds: dict[str, float] = {}
    kept: Crop | None = None
    for turn in range(len(names)):
        name = names[(first + turn) % len(names)]
        start = time.perf_counter()
        crop = ways[name]()
        seconds[name] = time.perf_counter() - start
        kept = crop if kept is None else kept
        for one, other in zip(kept, crop, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)
    return seconds


def loaded(scenes: int) -> None:
    """Draw one crop of each scene in a loader of 4 processes; print their memory as JSON."""
    import torch

    from lldata.dataset import Crops

    torch.set_num_threads(1)
    store = stores.open_store("many")
    crops = Crops(store, store.usable("train"), 16, seed=0)
    loader = iter(torch.utils.data.DataLoader(
        crops, batch_size=8, num_workers=WORKERS, sampler=range(scenes), drop_last=True
    ))  # fmt: skip
    start = time.perf_counter()
    next(loader)
    processes = [worker.pid for worker in loader._workers]
    first = [memory(process) for process in processes]
    for _ in range(scenes // 8 - 1 - 2 * WORKERS):
        next(loader)
    seconds = time.perf_counter() - start
    report = {"scenes": scenes, "start": max(first), "end": max(map(memory, processes))}
    json.dump(report | {"samples_a_second": scenes / seconds}, sys.stdout)


def memory(process: int) -> int:
    """Return the largest resident memory that a process has had, bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(s.split()[1]) for s in status.splitlines() if s.startswith("VmHWM")) * 1024


def run(*arguments: object, home: Path) -> str:
    """Run this file as a process of its own; return what it prints."""
    environment = os.environ | {"LLDATA_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def main() -> None:
    """Do one of the works, or measure both and print one JSON document."""
    if sys.argv[1:2] == ["loaded"]:
        loaded(int(sys.argv[2]))
        return
    if sys.argv[1:2] == ["compared"]:
        found = compared(Path(sys.argv[2]), stores.open_store("bench"), int(sys.argv[3]))
        json.dump(found, sys.stdout)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="2848x4272")
    parser.add_argument("--photographs", type=int, default=3, help="scenes of that size")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--scenes", type=int, default=10_000, help="small ones, for the loader")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        src = captures(folder, asked.photographs, 1, asked.size)
        ingest_file = Path(__file__).with_name("bench_ingest.py")
        environment = os.environ | {"LLDATA_HOME": str(folder / "home")}
        command = [sys.executable, str(ingest_file), "plain", str(src), str(os.cpu_count())]
        subprocess.run(command, env=environment, check=True)
        found = json.loads(run("compared", src, asked.samples, home=folder / "home"))
        dataset(folder / "home", asked.scenes)
        loader = json.loads(run("loaded", asked.scenes, home=folder / "home"))
    report = {
        "what": f"a finished training sample, {SIDE}x{SIDE} photosites, of {asked.size} frames",
        "peers": [
            "SID's way without its cache: rawpy decode and render", "plain NumPy in memory",
            "lldata's own packing and scaling in memory",
        ],
        **found, "loader_of_4": loader, "load": list(os.getloadavg()),
        "software": software(), "hardware": hardware("cpu"),
    }  # fmt: skip
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
