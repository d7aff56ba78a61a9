"""Outside methods: pictures that another program made, scored as those of any method are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eval.pages.words import marks
from eval.record import Record
from eval.run import Outcome, run
from eval.running import pairs
from eval.running.folder import picture_path
from eval.running.pictures import pixels_sha256
from eval.running.settings import Settings
from eval.site.standings import standings
from lldata.errors import LowLightError, ScoreError
from lldata.store import home
from tests.pictures import write
from tests.stores import night

PAIR = "00002/00002_00_0.1s"


@pytest.fixture(autouse=True)
def dataset() -> Path:
    pairs.stages_of.cache_clear()
    return night(home() / "night", "train test test").path


@pytest.fixture
def amplified() -> Outcome:
    return run(Settings("amplify", "night"))


@pytest.fixture
def outputs(amplified: Outcome, tmp_path: Path) -> Path:
    """Return a copy of the pictures a run kept: what a stranger would send."""
    source = amplified.record_path.parent / "outputs"
    return Path(shutil.copytree(source, tmp_path / "theirs"))


def scored(outputs: Path, **changes: Any) -> Record:
    return run(Settings(**{"method": "", "dataset": "night", "outputs": outputs, **changes})).record


def test_the_pictures_of_a_run_score_what_the_run_did(amplified: Outcome, outputs: Path):
    record = scored(outputs, method="theirs")
    assert [row.scores for row in record.rows] == [row.scores for row in amplified.record.rows]
    assert [r.output_sha256 for r in record.rows] == [
        r.output_sha256 for r in amplified.record.rows
    ]
    assert (record.file_name, record.level) == ("theirs--outputs", "recomputed")
    assert picture_path(home() / ".runs/night.test/theirs--outputs", PAIR, "error").is_file()


def test_what_nobody_told_is_null_and_never_ranked(outputs: Path):
    record = Record.read(scored(outputs, method="theirs").write(outputs / "record.json"))
    told = (record.trained_on, record.reference_use, record.parameters, record.seed, record.domain)
    assert told == (None,) * 5
    assert {row.seconds for row in record.rows} == {None}
    (table,) = standings([(record, "a.json")])
    assert (table.blind, len(table.oracle)) == ((), 1)
    assert "nobody says that it is blind: never ranked" in [mark.text for mark in marks(record)]


def test_what_method_toml_tells_stands_in_the_record(outputs: Path):
    (outputs / "method.toml").write_text(
        'name = "theirs"\nsource = "https://example.org"\nlicence = "MIT"\nparameters = 7\n'
        'reference_use = "none"\ntrained_on = ["SID/train"]\n'
    )
    record = scored(outputs)
    assert (record.outside.source, record.outside.licence) == ("https://example.org", "MIT")
    assert (record.parameters, record.trained_on, record.oracle) == (7, ("SID/train",), False)


def test_sixteen_bits_and_tiff_score_what_their_eight_bits_do(outputs: Path):
    settings = Settings("theirs", "night", outputs=outputs, metrics=("psnr", "psnr_float"))
    before = run(settings).record
    picture = cv2.imread(str(outputs / f"{PAIR}.png"))[..., ::-1]
    (outputs / f"{PAIR}.png").unlink()
    write(outputs / f"{PAIR}.tif", picture.astype(np.uint16) * 257)
    assert run(settings).record.rows == before.rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / f"{PAIR}.png").unlink(), rf"no picture of {PAIR} is there"),
        (lambda f: shutil.copy(f / f"{PAIR}.png", f / f"{PAIR}.tif"), "is the same picture"),
        (lambda f: write(f / f"{PAIR}.png", np.zeros((48, 60, 3), np.uint8)), "60x48.*64x48"),
        (lambda f: write(f / f"{PAIR}.png", np.zeros((48, 64), np.uint8)), "1 channels"),
        (lambda f: (f / f"{PAIR}.png").write_bytes(b"\x89PNG"), "no PNG, TIFF"),
        (lambda f: (f / "method.toml").write_text("name = ["), "it is no TOML"),
        (lambda f: (f / "method.toml").write_text("speed = 1"), "field speed is unknown"),
        (lambda f: (f / "method.toml").write_text("parameters = 1.5"), "parameters: it is 1.5"),
        (lambda f: (f / "method.toml").write_text('name = "b"'), "is called b and theirs"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_whole_is_refused_before_any_work(
    outputs: Path, change: Callable[[Path], Any], message: str
):
    change(outputs)
    with pytest.raises(LowLightError, match=message):
        run(Settings("theirs", "night", outputs=outputs))
    assert not (home() / ".runs/night.test/theirs--outputs").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": ""}, "is called nothing"),
        ({"method": "sid"}, "--name sid: the toolkit has a method of this name"),
        ({"method": "../x"}, "--name ../x: a method cannot be called so"),
        ({"seed": 1}, "--seed: an outside method is not run here"),
        ({"options": {"a": 1}}, "--set: an outside method"),
        ({"limit": 0}, "--limit 0"),
        ({"metrics": ("psnr_raw",)}, "gives a picture only"),
        ({"metrics": ("loe",)}, "reads the picture a method is given"),
    ],
)
def test_flags_that_do_not_fit_an_outside_method_are_refused(
    outputs: Path, settings: dict[str, Any], message: str
):
    with pytest.raises(ScoreError, match=message):
        run(Settings(**{"method": "theirs", "dataset": "night", "outputs": outputs, **settings}))


def test_pictures_that_changed_are_scored_again(outputs: Path):
    run(Settings("theirs", "night", outputs=outputs))
    write(outputs / f"{PAIR}.png", np.full((48, 64, 3), 9, np.uint8))
    record = run(Settings("theirs", "night", outputs=outputs)).record
    assert record.rows[0].output_sha256 == pixels_sha256(np.full((48, 64, 3), 9, np.uint8))


def test_pictures_of_no_pair_scored_are_said_to_be_left_out(outputs: Path):
    write(outputs / "00009/x.png", np.zeros((4, 4, 3), np.uint8))
    said: list[str] = []
    run(Settings("theirs", "night", outputs=outputs, limit=1), tell=said.append)
    assert said[-1].startswith("2 pictures of no pair scored left out, first ")


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(ScoreError, match="none: there is no such folder"):
        run(Settings("theirs", "night", outputs=tmp_path / "none"))
