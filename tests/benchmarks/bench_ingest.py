"""Time ingest against the bare work on the same files, in turns, medians; print JSON.

The bare work is one plain script: read, sha256, rawpy decode, LibRaw's picture of the long
frames, compressed HDF5. It runs alone; as several processes at once, which is what the cores of
this machine can do; and with the digests besides that the store's contract demands: of every
mosaic, every reference, and the bytes of every file. All are processes of their own, timed from
their start to their end, and write into memory where the system has such a folder: a disk's speed
is not what is compared. A longer folder, the same files under more names, shows what starting
costs.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Any

WORK = Path(__file__)
PR_SET_CHILD_SUBREAPER = 36
BARE = ("bare", "bare-digests")
TOUCHED = 8 << 30  # bytes
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108  # no disk's speed


def bare(src: Path, out: Path, share: int, shares: int, *, digests: bool) -> None:
    """Do what no ingest can leave out, file by file, scene by scene."""
    import h5py
    import hdf5plugin
    import numpy as np
    import rawpy

    from lldata.render import POSTPROCESS

    folder = next(p for p in src.iterdir() if p.is_dir())
    for long in sorted((folder / "long").iterdir())[share::shares]:
        scene = long.name.split("_")[0]
        arrays: dict[str, Any] = {}
        for path in [*sorted((folder / "short").glob(f"{scene}_*")), long]:
            data = path.read_bytes()
            hashlib.sha256(data).hexdigest()
            with rawpy.imread(io.BytesIO(data)) as raw:
                arrays[path.stem] = raw.raw_image_visible.copy()
                if path == long:
                    arrays["reference"] = raw.postprocess(**POSTPROCESS)
        with h5py.File(out / f"{scene}.h5", "w") as file:
            for name, array in arrays.items():
                file.create_dataset(
                    name, data=np.asarray(array), chunks=(256, 256, 3)[: array.ndim],
                    fletcher32=True, **hdf5plugin.Bitshuffle(cname="lz4"),
                )  # fmt: skip
        if digests:
            for array in arrays.values():
                hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
            hashlib.sha256((out / f"{scene}.h5").read_bytes()).hexdigest()


def ingest(src: Path, workers: int, *, audits: bool) -> None:
    """Ingest the folder as the command does."""
    from lldata.engine import named

    engine = named("local", workers)
    from lldata import ingest as work  # while the server of the workers starts, as the command

    for dataset in work.prepare(src, None, "bench", engine):
        for outcome in work.ingest(dataset, engine, deep=False, audits=audits):
            if outcome.state != "stored":
                sys.exit(f"{outcome}")


def captures(folder: Path, scenes: int, copies: int, size: str) -> Path:
    """Simulate captures, each scene under several names (hard links: other names, same bytes)."""
    once, src = folder / "once", folder / f"times{copies}"
    if not once.is_dir():
        command = ["simulate", "canon6d_iso12600", str(once), "--scenes", str(scenes)]
        lldata = [sys.executable, "-c", "from lldata.cli import app; app()"]
        subprocess.run([*lldata, *command, "--size", size], check=True, capture_output=True)
    if not src.is_dir():
        shutil.copytree(once, src, copy_function=os.link)
        for path in sorted(src.rglob("*.DNG")):
            for copy in range(1, copies):
                name = f"{path.name[0]}{copy}{path.name[2:]}"
                path.with_name(name).hardlink_to(path)
    return src


def touch_memory() -> None:
    """Use free memory before a run, at most half of it.

    A virtual machine hands free memory back to its host; fetching it again takes up to eight
    times as long as writing to it.
    """
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    size = min(TOUCHED, free // 2)
    subprocess.run([sys.executable, "-c", f"b'1' * {size}"], check=True)


def timed(home: Path, *arguments: object) -> tuple[float, float]:
    """Return the seconds, by the clock and of all cores, that this file takes as a process."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    touch_memory()
    environment = os.environ | {"LLDATA_HOME": str(home), "OMP_NUM_THREADS": "1"}
    shares = int(str(arguments[-1])) if arguments[0] in BARE else 1
    start, before = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
    processes = [
        subprocess.Popen([sys.executable, str(WORK), *map(str, arguments), str(i)], env=environment)
        for i in range(shares)
    ]
    codes = [process.wait() for process in processes]
    seconds = time.perf_counter() - start
    with contextlib.suppress(ChildProcessError):  # the server of the workers ends after them
        while True:
            os.wait()
    after = getrusage(RUSAGE_CHILDREN)
    if any(codes):
        sys.exit(f"{arguments}: exit codes {codes}")
    return seconds, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(
    src: Path, home: Path, rounds: int, cores: int, without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the medians of some rounds, each doing everything once, and how they compare."""
    works: dict[str, tuple[object, ...]] = {
        "bare": ("bare", src, home, 1),
        "bare_side_by_side": ("bare", src, home, cores),
        "digests": ("bare-digests", src, home, 1),
        "digests_side_by_side": ("bare-digests", src, home, cores),
        "ingest_one_worker": ("plain", src, 1),
        "ingest": ("plain", src, cores),
        "ingest_with_audits": ("audited", src, cores),
    }
    taken: dict[str, list[tuple[float, float]]] = {n: [] for n in works if n not in without}
    for _ in range(rounds):
        for name, values in taken.items():
            values.append(timed(home, *works[name]))
    seconds = {name: median(wall for wall, _ in values) for name, values in taken.items()}
    core = {name: median(cpu for _, cpu in values) for name, values in taken.items()}
    pairs = len(list(src.rglob("short/*.DNG")))
    found = {
        "pairs": pairs, "scenes": len(list(src.rglob("long/*.DNG"))),
        "seconds": seconds, "core_seconds": core,
        "seconds_over": {
            "one_worker_over_bare": seconds["ingest_one_worker"] / seconds["bare"],
            "one_worker_over_digests": seconds["ingest_one_worker"] / seconds["digests"],
            "over_bare_divided_by_workers": seconds["ingest"] * cores / seconds["bare"],
            "over_bare_side_by_side": seconds["ingest"] / seconds["bare_side_by_side"],
            "over_digests_side_by_side": seconds["ingest"] / seconds["digests_side_by_side"],
        },
        "core_seconds_over": {
            "bare": core["ingest"] / core["bare"], "digests": core["ingest"] / core["digests"],
        },
        "runs": taken,
    }  # fmt: skip
    if "ingest_with_audits" in core:
        audits = core["ingest_with_audits"] - core["ingest"]
        found["audit_core_seconds_a_pair"] = audits / pairs
    return found


def main() -> None:
    """Do one of the works, or measure all of them and print one JSON document."""
    if sys.argv[1:2] and sys.argv[1] in BARE:
        work, src, out, shares, share = sys.argv[1:]
        return bare(Path(src), Path(out), int(share), int(shares), digests=work == "bare-digests")
    if sys.argv[1:2] in (["plain"], ["audited"]):
        return ingest(Path(sys.argv[2]), int(sys.argv[3]), audits=sys.argv[1] == "audited")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="2848x4272")
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--copies", type=int, default=2, help="names that each scene gets")
    parser.add_argument("--longer", type=int, default=6, help="names in the longer folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="keep the captures here and use them again")
    parser.add_argument("--home", type=Path, default=MEMORY, help="where datasets are written")
    asked = parser.parse_args()
    from eval.machine import hardware, software

    if sys.platform == "linux":  # so that the orphaned server's time is counted here
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    with (
        tempfile.TemporaryDirectory() as temporary,
        tempfile.TemporaryDirectory(dir=asked.home) as written,
    ):
        folder = asked.folder or Path(temporary)
        home = Path(written) / "home"
        taken = captures(folder, asked.scenes, asked.copies, asked.size)
        found = measure(taken, home, asked.rounds, asked.workers)
        taken = captures(folder, asked.scenes, asked.longer, asked.size)
        longer = measure(taken, home, 1, asked.workers, without=("ingest_with_audits",))
    report = {
        "what": "ingest of simulated captures against the bare work on the same files",
        "peer": "one plain script: read, sha256, rawpy decode and render, h5py Bitshuffle-LZ4",
        "size": asked.size, "workers": asked.workers, **found, "longer": longer,
        "load": list(os.getloadavg()),
        "software": software(), "hardware": hardware("cpu"),
    }  # fmt: skip
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return None


if __name__ == "__main__":
    main()
