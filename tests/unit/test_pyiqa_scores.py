from __future__ import annotations

import csv
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eval.metrics import find_metric, pyiqa_scores, score_images
from lldata.errors import ScoreError

NIQE = "niqe_modelparameters.mat"


@pytest.fixture(autouse=True)
def _no_torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    pyiqa_scores.load_metric.cache_clear()


@pytest.fixture
def _with_pyiqa() -> None:
    pytest.importorskip("pyiqa")


def official(shared_data: Path, metric: str) -> dict[str, float]:
    with (shared_data / "iqa" / "official_scores.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["metric"] == metric)
    return {name: float(row[name]) for name in ("I03", "I04", "I06")}


def distorted(shared_data: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(shared_data / "iqa" / "dist" / f"{name}.bmp").convert("RGB"))


@pytest.mark.usefixtures("_with_pyiqa")
@pytest.mark.parametrize("folder", [0, 1], ids=["pyiqa's cache", "our folder"])
def test_niqe_lands_within_six_percent_of_its_authors(shared_data: Path, folder: int):
    place = pyiqa_scores.folders()[folder]
    place.mkdir(parents=True)
    shutil.copy(shared_data / "iqa" / NIQE, place)
    niqe = find_metric("pyiqa:niqe")
    for name, value in official(shared_data, "niqe").items():
        found = score_images(distorted(shared_data, name), metrics=[niqe])["pyiqa:niqe"]
        assert found == pytest.approx(value, rel=0.06)
    assert niqe.better == "lower"
    assert niqe.parameters["files"] == {NIQE: pyiqa_scores.PINNED[NIQE]}


@pytest.mark.usefixtures("_with_pyiqa")
def test_piqe_needs_no_file_and_equals_its_authors(shared_data: Path):
    for name, value in official(shared_data, "piqe").items():
        found = score_images(distorted(shared_data, name), metrics=("pyiqa:piqe",))
        assert found["pyiqa:piqe"] == pytest.approx(value, abs=0.01)


@pytest.mark.usefixtures("_with_pyiqa")
def test_a_missing_file_is_named_with_its_place_and_nothing_is_fetched():
    reach = socket.getaddrinfo
    with pytest.raises(ScoreError, match=f"{NIQE} is not here.*weights/pyiqa.*--download"):
        find_metric("pyiqa:niqe")
    assert socket.getaddrinfo is reach


@pytest.mark.usefixtures("_with_pyiqa")
def test_a_file_that_is_not_the_authors_is_refused():
    place = pyiqa_scores.folders()[1]
    place.mkdir(parents=True)
    (place / NIQE).write_bytes(b"another file")
    with pytest.raises(ScoreError, match=rf"{NIQE}: its SHA-256 is .* has 8452f33e53831faa"):
        find_metric("pyiqa:niqe")


@pytest.mark.usefixtures("_with_pyiqa")
def test_a_metric_pyiqa_does_not_have_is_named():
    with pytest.raises(ScoreError, match="pyiqa:nope: pyiqa has no such metric"):
        find_metric("pyiqa:nope")


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(ScoreError, match=r"need the extra 'iqa'.*lowlight-toolkit\[iqa\]"):
        find_metric("pyiqa:niqe")
