"""The 26 real See-in-the-Dark tiles: five bad pairs, found without being told which."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from lldata import ingest as work
from lldata import store
from lldata.engine import Local
from tests.captures import findings_of

ENGINE = Local(workers=2)
DIFFERENT = {"00002", "00003", "00007", "10006", "10007"}  # seen by eye


def audited(src: Path, name: str) -> list[work.Outcome]:
    (dataset,) = work.prepare(src, "sid_sony", name, ENGINE)
    return list(work.ingest(dataset, ENGINE, deep=False))


def scenes(statuses: dict[str, str], *wanted: str) -> set[str]:
    return {pair.partition("/")[0] for pair, status in statuses.items() if status in wanted}


@pytest.fixture(scope="module")
def tiles(shared_data: Path) -> Path:
    return shared_data / "sid_sony_tiles"


def test_exactly_the_five_bad_pairs_are_quarantined_and_by_alignment(tiles: Path):
    outcomes = audited(tiles, "tiles")
    for check in ("exposure", "integrity", "metadata"):
        assert scenes(findings_of(outcomes, check), "quarantine", "warn") == set()
    alignment = findings_of(outcomes, "alignment")
    assert scenes(alignment, "quarantine") == DIFFERENT
    assert scenes(alignment, "pass") == {f"{s}" for s in _ids(tiles)} - DIFFERENT
    opened = store.open_store("tiles")
    assert (len(opened.pairs), len(opened.usable("train")), len(opened.usable("test"))) == (
        26,
        14,
        7,
    )
    assert opened.scenes["group"].nunique() == 8


def _ids(tiles: Path) -> list[str]:
    return sorted(p.name[:5] for p in (tiles / "long").iterdir())


def test_the_five_are_found_by_their_pixels_alone(tiles: Path, tmp_path: Path):
    """The quality column gone, ids dealt anew, two good references swapped, three shifted."""
    draw = random.Random(3)
    ids = _ids(tiles)
    digits = {"0": list(range(1, 400)), "1": list(range(1, 400))}
    renamed = {i: f"{i[0]}{draw.choice(digits[i[0]]):04d}" for i in ids}
    assert len(set(renamed.values())) == len(ids)
    src = shutil.copytree(tiles, tmp_path / "tiles")
    for kind in ("short", "long"):
        for path in sorted((src / kind).iterdir()):
            path.rename(path.with_name(f"x{renamed[path.name[:5]]}{path.name[5:]}"))
        for path in sorted((src / kind).iterdir()):
            path.rename(path.with_name(path.name[1:]))
    with (tiles / "tiles.csv").open() as file:
        rows = [{"id": renamed[r["id"]], "sid_scene": r["sid_scene"]} for r in csv.DictReader(file)]
    with (src / "tiles.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "sid_scene"])
        writer.writeheader()
        writer.writerows(rows)
    swapped, shifted = ("00008", "10001"), ("00013", "10004", "10008")
    one, two = (src / "long" / f"{renamed[i]}_00_10s.png" for i in swapped)
    one.rename(one.with_suffix(".old"))
    two.rename(one)
    one.with_suffix(".old").rename(two)
    for i, (rows_px, columns_px) in zip(shifted, [(2, 1), (-3, 12), (0, -2)], strict=True):
        _shift(src / "long" / f"{renamed[i]}_00_10s.png", rows_px, columns_px)
    found = findings_of(audited(src, "renumbered"), "alignment")
    expected = {renamed[i] for i in (*DIFFERENT, *swapped, *shifted)}
    assert scenes(found, "quarantine", "warn") == expected
    assert scenes(found, "unknown") == set()


def _shift(path: Path, rows_px: int, columns_px: int) -> None:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    moved = np.roll(picture, (2 * rows_px, 2 * columns_px), (0, 1))
    assert cv2.imwrite(str(path), moved)


def test_every_planted_shift_of_two_pixels_or_more_is_caught_on_every_good_pair(tiles: Path):
    from lldata.measures import registration
    from lldata.protocol import load_raw
    from lldata.raw import decode
    from lldata.render import linearise

    limits, rng = load_raw("sid_sony").limits, np.random.default_rng(5)
    missed, errors = [], []
    for name in sorted(set(_ids(tiles)) - DIFFERENT):
        short = decode(next((tiles / "short").glob(f"{name}_*")))
        green = cv2.imread(str(tiles / "long" / f"{name}_00_10s.png"), cv2.IMREAD_UNCHANGED)[..., 1]
        linear = linearise(green.astype(np.float32) / np.float32(65535)).astype(np.float32)
        halves = registration.green_halves(short)
        target = registration.halves_of_picture(linear, short.cfa).mean(0)
        base = registration.measure(halves, target)
        assert base is not None
        for largest in (2, 4, 32):
            step = rng.integers(-largest, largest + 1, 2)
            if np.hypot(*step) < 2:
                step = np.array([2, 0])
            got = registration.measure(*_planted(halves, target, int(step[0]), int(step[1])))
            assert got is not None
            if np.hypot(got.y_px, got.x_px) < limits.shift_warn_px:
                missed.append((name, *step))
            errors.append(np.hypot(got.y_px - base.y_px - step[0], got.x_px - base.x_px - step[1]))
    assert missed == []
    assert np.median(errors) < 0.02
    assert max(errors) < 0.25


def _planted(
    halves: np.ndarray, target: np.ndarray, y: int, x: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut both so that the target lies (y, x) packed pixels further, without interpolation."""
    height, width = target.shape
    inner = (slice(max(0, y), height + min(0, y)), slice(max(0, x), width + min(0, x)))
    outer = (slice(max(0, -y), height + min(0, -y)), slice(max(0, -x), width + min(0, -x)))
    return np.ascontiguousarray(halves[:, *inner]), np.ascontiguousarray(target[outer])
