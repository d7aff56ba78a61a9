"""X-Trans from the camera's file to a score: LibRaw agrees on every site, SID trains and runs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy

from lldata import cfa, raw
from lldata.dng import write_dng
from lldata.protocol import load_raw
from lldata.sample import pair_row, read_crop
from lldata.store import open_store
from tests.captures import SONY
from tests.stores import night

PHASES = [
    "".join(np.roll(cfa.letters(cfa.XTRANS), (-r, -c), (0, 1)).ravel())
    for r in range(6)
    for c in range(6)
]


def command(program: str, *arguments: object) -> dict:
    module = {"lldata": "lldata.cli", "lleval": "eval.cli"}[program]
    typed = [sys.executable, "-c", f"from {module} import app; app()", *map(str, arguments)]
    done = subprocess.run([*typed, "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("pattern", PHASES)
def test_libraw_sees_each_site_in_the_colour_that_packing_gives_it(tmp_path: Path, pattern: str):
    mosaic = np.random.default_rng(0).integers(1024, 16384, (60, 66), np.uint16)
    shot = replace(SONY, mosaic=mosaic, cfa=pattern, black_level=(1024.0,) * 4)
    write_dng(tmp_path / "shot.dng", shot)
    with rawpy.imread(str(tmp_path / "shot.dng")) as opened:
        colours = np.array(list(opened.color_desc.decode()))[opened.raw_colors_visible.copy()]
    read = raw.decode(tmp_path / "shot.dng")
    assert read.cfa == pattern
    np.testing.assert_array_equal(read.mosaic, mosaic)
    planes = cfa.layout(read.cfa).colours
    assert planes == "RGBRBGGGG"
    for seen, colour in zip(cfa.pack(colours, read.cfa), planes, strict=True):
        assert set(seen.ravel()) == {colour}


@pytest.mark.parametrize("pattern", [PHASES[0], PHASES[8], PHASES[35]])
def test_a_crop_is_that_part_of_the_packed_frame(tmp_path: Path, pattern: str):
    store = night(tmp_path / "night", "train", shape=(50, 64), pattern=pattern)
    row = pair_row(store, "00001/00001_00_0.1s")
    whole = cfa.normalise(store.frame("00001", row.short))
    for y, x in ((0, 0), (3, 5), (whole.shape[1] - 8, whole.shape[2] - 8)):
        packed, reference = read_crop(store, row, y, x, 8)
        np.testing.assert_array_equal(packed, whole[:, y : y + 8, x : x + 8])
        assert reference.shape == (3, 24, 24)


@pytest.mark.timeout(300)
def test_simulated_fuji_captures_are_ingested_trained_on_and_scored(tmp_path: Path):
    src = tmp_path / "fuji"
    made = command("lldata", "simulate", "sid_fuji", src, "--scenes", 8, "--size", "512x518")
    assert made["synthetic"]
    (dataset,) = command("lldata", "ingest", src)["datasets"]
    assert (dataset["name"], dataset["scenes"], dataset["quarantined"]) == ("sid_fuji", 8, 0)
    store = open_store("sid_fuji")
    assert set(store.usable()["split"]) == {"train", "val", "test"}
    row = store.pairs.iloc[0]
    frame = store.frame(row["scene"], row["short"])
    expected = load_raw("sid_fuji").camera
    assert (frame.cfa, frame.black_level) == (expected.cfa, (float(expected.black_level),) * 4)
    assert cfa.normalise(frame).shape == (9, 172, 174)  # 512 and 518 padded to 516 and 522, / 3
    small = ("--set", "width=8", "--set", "crop=48", "--steps", 30, "--device", "cpu")
    command("lleval", "train", "--model", "sid", "--dataset", "sid_fuji", "--preset", "quick",
            *small)  # fmt: skip
    scored = command("lleval", "run", "--model", "sid", "--dataset", "sid_fuji")
    record = json.loads(Path(scored["record"]).read_text())
    assert {r["pair"] for r in record["rows"]} == set(store.usable("test")["pair"])
    assert scored["scores"]["psnr"]["mean"] > 5
