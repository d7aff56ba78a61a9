"""Measure the alignment audit on simulated and on real pairs; write the figures and their page.

    python -m tests.benchmarks.study_alignment --tiles FOLDER

Every scene that is done is kept at once, so that a run that was stopped goes on where it was.
Without --tiles the rows of the real tiles that the figures hold already are kept.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lldata.audit import alignment
from lldata.audit.evidence import Scene
from lldata.curve import linearise
from lldata.measures import registration
from lldata.pairing import SceneFiles
from lldata.protocol import load_raw
from lldata.raw import decode
from lldata.scene import Pixels
from tests.benchmarks.alignment_page import page
from tests.benchmarks.alignment_trials import COLUMNS, trials

FIGURES = Path("docs/benchmarks/alignment.json")
PAGE = Path("docs/alignment.md")
TILE_COLUMNS = ("tile", "y_px", "x_px", "still_y_px", "still_x_px", "measured_y_px",
                "measured_x_px", "error_px", "agreement", "status")  # fmt: skip

_BAD_TILES = ("00002", "00003", "00007", "10006", "10007")  # short and long show two places
_PLANTED = 12  # shifts of each tile
_FARTHEST_PX = 32


def main() -> None:
    """Run what is not done yet, then write figures and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=260, help="simulated, of six pairs each")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tiles", type=Path, help="folder of the real Sony tiles")
    asked = parser.parse_args()
    known = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {"tiles": []}
    report = {
        "study": "alignment",
        "columns": COLUMNS,
        "trials": _simulated(asked.scenes, asked.workers),
        "tile_columns": TILE_COLUMNS,
        "tiles": known["tiles"] if asked.tiles is None else tile_rows(asked.tiles),
    }
    FIGURES.write_text(_compact(report), "utf-8")
    PAGE.write_text(page(report), "utf-8")
    _partial().unlink(missing_ok=True)


def _partial() -> Path:
    return FIGURES.with_suffix(".partial.jsonl")


def _simulated(scenes: int, workers: int) -> list[list[Any]]:
    done = _done()
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    with pool, _partial().open("a", encoding="utf-8") as kept:
        waiting = {pool.submit(trials, n): n for n in range(scenes) if n not in done}
        for finished in as_completed(waiting):
            number = waiting[finished]
            done[number] = finished.result()
            kept.write(json.dumps([number, done[number]]) + "\n")
            kept.flush()
    return [row for number in range(scenes) for row in done[number]]


def _done() -> dict[int, list[list[Any]]]:
    """Return the rows of the scenes of a stopped run; its last line may be cut."""
    lines = _partial().read_text("utf-8").split("\n")[:-1] if _partial().is_file() else []
    return dict(json.loads(line) for line in lines)


def tile_rows(folder: Path) -> list[list[Any]]:
    """Return one row per tile as it is, and one per shift planted on a good one."""
    cv2.setNumThreads(1)
    rng, rows = np.random.default_rng(2), []
    for path in sorted((folder / "short").iterdir()):
        name = path.name[:5]
        still = _tile(folder, path, 0, 0)
        rows.append([name, 0, 0, still[0], still[1], *still])
        for _ in range(0 if name in _BAD_TILES else _PLANTED):
            length, angle = rng.uniform(1.5, _FARTHEST_PX), rng.uniform(0, 2 * np.pi)
            y, x = round(length * np.sin(angle)), round(length * np.cos(angle))
            rows.append([name, y, x, still[0], still[1], *_tile(folder, path, y, x)])
    return rows


def _tile(folder: Path, path: Path, y: int, x: int) -> list[Any]:
    """Return what is measured of a tile cut so that its long lies (y, x) packed px further."""
    reference = cv2.imread(str(folder / "long" / f"{path.name[:5]}_00_10s.png"), -1)[..., ::-1]
    files = SceneFiles("1", "train", "1", folder, folder / "long.png", (path,))
    pixels = Pixels({path.stem: decode(path)}, {}, {"long": reference})
    scene = Scene(files, load_raw("sid_sony"), pixels)
    (pair,) = scene.pairs
    green = linearise(reference[..., 1].astype(np.float32) / np.float32(65535))
    target = registration.halves_of_picture(green.astype(np.float32), pair.short.cfa).mean(0)
    height, width = target.shape
    inner = slice(max(0, y), height + min(0, y)), slice(max(0, x), width + min(0, x))
    outer = slice(max(0, -y), height + min(0, -y)), slice(max(0, -x), width + min(0, -x))
    pair.__dict__["halves"] = np.ascontiguousarray(pair.halves[:, *inner])
    scene.__dict__["long_green"] = np.ascontiguousarray(target[outer])
    status, shift = alignment.audit(pair).status, pair.shift
    if shift is None:
        return [None, None, None, None, status]
    values = shift.y_px, shift.x_px, shift.error_px, shift.agreement
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in values] + [status]


def _compact(report: dict[str, Any]) -> str:
    """Return the report as JSON with a line per row."""
    lines = []
    for name, value in report.items():
        rows = isinstance(value, list)
        text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if rows else json.dumps(value)
        lines.append(f'"{name}": {text}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
