"""Time ingest against the bare work on the same files, in turns, medians; print JSON.

The bare work is one plain script: read, sha256, rawpy decode, LibRaw's picture of the long
frames, compressed HDF5. Both are processes of their own, timed from their start to their end, and
write into memory where the system has such a folder: a disk's speed is not what is compared.
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

WORK = Path(__file__)
PR_SET_CHILD_SUBREAPER = 36
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108  # no disk's speed


def bare(src: Path, out: Path, share: int, shares: int) -> None:
    """Do what no ingest can leave out, file by file, scene by scene."""
    import h5py
    import hdf5plugin
    import numpy as np
    import rawpy

    from lldata.render import POSTPROCESS

    folder = next(p for p in src.iterdir() if p.is_dir())
    for long in sorted((folder / "long").iterdir())[share::shares]:
        scene = long.name.split("_")[0]
        arrays = {}
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
    src = folder / "captures"
    if not src.is_dir():
        command = ["simulate", "canon6d_iso12600", str(src), "--scenes", str(scenes)]
        lldata = [sys.executable, "-c", "from lldata.cli import app; app()"]
        subprocess.run([*lldata, *command, "--size", size], check=True, capture_output=True)
        for path in sorted(src.rglob("*.DNG")):
            for copy in range(1, copies):
                name = f"{path.name[0]}{copy}{path.name[2:]}"
                path.with_name(name).hardlink_to(path)
    return src


def timed(home: Path, *arguments: object) -> tuple[float, float]:
    """Return the seconds, by the clock and of all cores, that this file takes as a process."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    environment = os.environ | {"LLDATA_HOME": str(home), "OMP_NUM_THREADS": "1"}
    shares = int(str(arguments[-1])) if arguments[0] == "bare" else 1
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


def measure(src: Path, home: Path, rounds: int, cores: int) -> dict[str, object]:
    """Return the medians of some rounds, each doing everything once."""
    runs = {
        "bare_one_process": ("bare", src, home, 1),
        "bare_side_by_side": ("bare", src, home, cores),
        "ingest_one_worker": ("plain", src, 1),
        "ingest": ("plain", src, cores),
        "ingest_with_audits": ("audited", src, cores),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, arguments in runs.items():
            taken[name].append(timed(home, *arguments))
    seconds = {name: median(wall for wall, _ in values) for name, values in taken.items()}
    core = {name: median(cpu for _, cpu in values) for name, values in taken.items()}
    pairs = len(list(src.rglob("short/*.DNG")))
    return {
        "pairs": pairs,
        "scenes": len(list(src.rglob("long/*.DNG"))),
        "workers": cores,
        "seconds": seconds,
        "core_seconds": core,
        "over_bare_one_worker": seconds["ingest_one_worker"] / seconds["bare_one_process"],
        "over_bare_divided_by_workers": seconds["ingest"] * cores / seconds["bare_one_process"],
        "over_bare_side_by_side": seconds["ingest"] / seconds["bare_side_by_side"],
        "over_bare_core_seconds": core["ingest"] / core["bare_one_process"],
        "audit_core_seconds_a_pair": (core["ingest_with_audits"] - core["ingest"]) / pairs,
        "runs": taken,
    }


def main() -> None:
    """Do one of the works, or measure all of them and print one JSON document."""
    if sys.argv[1:2] == ["bare"]:
        src, out, shares, share = sys.argv[2:]
        return bare(Path(src), Path(out), int(share), int(shares))
    if sys.argv[1:2] in (["plain"], ["audited"]):
        return ingest(Path(sys.argv[2]), int(sys.argv[3]), audits=sys.argv[1] == "audited")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="2848x4272")
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--copies", type=int, default=2, help="names that each scene gets")
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
        src = captures(folder, asked.scenes, asked.copies, asked.size)
        found = measure(src, Path(written) / "home", asked.rounds, asked.workers)
    report = {
        "what": "ingest of simulated captures against the bare work on the same files",
        "peer": "one plain script: read, sha256, rawpy decode and render, h5py Bitshuffle-LZ4",
        "size": asked.size, **found, "load": list(os.getloadavg()),
        "software": software(), "hardware": hardware("cpu"),
    }  # fmt: skip
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return None


if __name__ == "__main__":
    main()
