"""Time the leaderboard of 500 records of 600 rows: its build, and how soon its pages are there.

Run it as `python tests/benchmarks/bench_site.py [--records 500] [--tracks 10]`. No peer builds such
a site: the figures are held against 20 s for the build and 1 s for a page opened from disk. What a
reader does on the page of a track is timed until the next frame is drawn.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from eval.machine import hardware, software
from eval.record import Record
from eval.site.build import build
from tests.records import record, rows

GROUPS = 200  # of three pairs each
VISITS = 5
FIND = """{
  const find = document.querySelector("[name=find]");
  find.value = %r;
  find.dispatchEvent(new Event("input", { bubbles: true }));
}"""
DONE = {
    "sort": "document.querySelector('#board th[data-key=method] button').click()",
    "filter": FIND % "lime",
    "filter_none": FIND % "",
    "choose": "document.querySelector('#board .pick').click()",
}
UNTIL_DRAWN = """new Promise((done) => requestAnimationFrame(() => {
  const began = performance.now();
  %s;
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
}))"""
METHODS = ("sid", "amplify", "gamma", "lime", "bm3d", "nlm", "clahe", "msr", "ssr", "dong")


def rival(track: int, number: int) -> Record:
    """Return the record of one of many methods of a track, no two alike."""
    made = (
        replace(row, scores={"psnr": max(row.scores["psnr"] or 0, 1.0),
                             "ssim": max(row.scores["ssim"] or 0, -1.0)})
        for row in rows(20 + number / 40, GROUPS, seed=1000 * track + number)
    )  # fmt: skip
    return record(
        tuple(made), track=f"set{track}.test", dataset=f"set{track}", label=f"run{number}",
        method=METHODS[number % len(METHODS)], seed=number,
        timing={"median_s": number / 100 + 0.01},
    )  # fmt: skip


def pages(site: Path) -> list[Path]:
    """Return one page of each kind."""
    kinds = ("tracks", "compare", "entries", "methods", "reported")
    return [site / "index.html", *(next((site / kind).glob("*.html")) for kind in kinds)]


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


def loaded(site: Path) -> dict[str, float]:
    """Return the median seconds until a page opened from disk is complete, by its kind."""
    found = {}
    with browser() as opened:
        for address in pages(site):
            times = []
            for _ in range(VISITS):
                page = opened.new_page()
                page.goto(address.as_uri())
                ends = "performance.getEntriesByType('navigation')[0].loadEventEnd"
                times.append(page.evaluate(ends) / 1000)
                page.close()
            kind = address.parent.name if address.parent != site else "front"
            found[kind] = round(median(times), 3)
    return found


def used(site: Path) -> dict[str, float]:
    """Return the median seconds that each thing takes which a reader does on a track's page."""
    times: dict[str, list[float]] = {name: [] for name in DONE}
    with browser() as opened:
        page = opened.new_page()
        page.goto(next((site / "tracks").glob("*.html")).as_uri())
        for _ in range(VISITS):
            for name, script in DONE.items():
                times[name].append(page.evaluate(UNTIL_DRAWN % script) / 1000)
    return {name: round(median(each), 3) for name, each in times.items()}


def measured(records: int, tracks: int, folder: Path) -> dict[str, Any]:
    """Build a site twice, the second time without a change, and open its pages."""
    paths = [
        rival(track, number).write(folder / "records" / f"{track}-{number}.json")
        for track in range(tracks)
        for number in range(records // tracks)
    ]
    seconds = []
    for _ in range(2):
        began, worked = time.perf_counter(), time.process_time()
        build(paths, folder / "site")
        seconds.append((time.perf_counter() - began, time.process_time() - worked))
    files = [path for path in (folder / "site").rglob("*") if path.is_file()]
    return {
        "records": len(paths),
        "rows_each": 3 * GROUPS,
        "tracks": tracks,
        "build_s": round(seconds[0][0], 2),
        "build_cpu_s": round(seconds[0][1], 2),
        "build_unchanged_s": round(seconds[1][0], 2),
        "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "load_s": loaded(folder / "site"),
        "used_s": used(folder / "site"),
    }


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--tracks", type=int, nargs="*", default=[10, 1])
    chosen = parser.parse_args()
    found = []
    for tracks in chosen.tracks:
        with tempfile.TemporaryDirectory() as folder:
            found.append(measured(chosen.records, tracks, Path(folder)))
    told = {"sites": found, "hardware": hardware("cpu"), "software": software()}
    json.dump(told, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
