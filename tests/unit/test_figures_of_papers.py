from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.metrics.pixels import to_uint8
from eval.progress import unseen
from eval.studies import beside, figure, panels, reported, sheet, substitute
from eval.studies.panels import Panel
from eval.studies.reported import Figure, Role, Substitute
from eval.studies.reproduce import Asked, reproduce
from lldata.errors import ScoreError
from lldata.ingest import Dataset
from lldata.locks import locked
from lldata.sample import pair_row, read_reference
from lldata.store import Store, home
from lldata.synthesis.retinex import dead_threshold
from tests.clip_folders import stored, write_scene
from tests.pictures import darkened

FIGURES = {"uhr-fig-3", "uhr-fig-4", "uhr-fig-5", "ri-fig-2", "ri-fig-6"}


@pytest.fixture
def dusk(tmp_path: Path) -> Store:
    return darkened(tmp_path)


@pytest.fixture
def clips(tmp_path: Path) -> Store:
    write_scene(tmp_path / "src")
    return stored(tmp_path / "src", home() / "clips")


def test_every_figure_has_a_file():
    assert {n for n in reported.names() if reported.load(n).kind == "figure"} == FIGURES


def test_ri_fig_2_darkens_each_photograph_by_the_papers_alpha_and_gamma(dusk: Store):
    found = reproduce("ri-fig-2", Asked(("dusk",)))
    assert found.drawn is not None
    row = found.drawn.rows[0]
    assert [one.label for one in row[1:]] == [
        "alpha 0.5, gamma 0.5", "alpha 1, gamma 2", "alpha 1.5, gamma 0.5", "alpha 2, gamma 1",
    ]  # fmt: skip
    original = read_reference(dusk, pair_row(dusk, row[0].picture))
    assert np.array_equal(row[0].pixels, to_uint8(original.transpose(1, 2, 0)))
    dead = original.transpose(1, 2, 0) < dead_threshold(2, 1)
    assert dead.any()
    assert not row[4].pixels[dead].any()  # type: ignore[index]  # complete darkness


def test_ri_fig_6_scores_what_can_run_and_says_how_to_train_the_rest(dusk: Store):
    found = reproduce("ri-fig-6", Asked(("dusk",)))
    assert found.drawn is not None
    panels_of = {one.label: one for one in found.drawn.rows[0]}
    assert panels_of["LIME"].scores.keys() == {"psnr", "ssim"}
    assert panels_of["LLNet"].missing == "Train them: lleval train --model llnet --dataset dusk"
    said = beside.notes(found)
    assert sum("--model llnet" in line for line in said) == 1
    assert f"sheet {found.drawn.path}" in said


def test_a_figure_is_kept_as_a_sheet_and_as_data(dusk: Store, tmp_path: Path):
    found = reproduce("ri-fig-6", Asked(("dusk",), out=tmp_path / "out"))
    picture = cv2.imread(str(tmp_path / "out" / "figure.png"))
    document = json.loads((tmp_path / "out" / "figure.json").read_text())
    assert picture.shape[1] > 5 * 300
    assert (document["dataset"], document["simulated"]) == ("dusk", True)
    assert document["rows"][0][1]["label"] == "LIME"
    assert beside.document(found)["panels"][0]["label"] == "given"


def test_the_sheet_names_a_substitute_as_one(dusk: Store, monkeypatch: pytest.MonkeyPatch):
    table = reported.load("ri-fig-6")
    assert figure.title(table, dusk)[1] == "Made on dusk: simulated data; not the paper's."
    monkeypatch.setattr(figure, "is_substitute", lambda _: True)
    assert "a simulated substitute for natural low-light images" in figure.title(table, dusk)[1]


def test_of_two_studies_at_once_one_makes_the_substitute_and_the_other_waits(
    dusk: Store, monkeypatch: pytest.MonkeyPatch
):
    lock = home() / ".cache" / ".substitute-raise_gamma.lock"
    made = []

    def prepared(plan: Substitute, name: str, source: Path) -> list[Dataset]:
        with pytest.raises(BlockingIOError), locked(lock, wait=False):
            pass
        source.mkdir()
        made.append(shutil.copytree(dusk.path, home() / name))
        return []

    monkeypatch.setattr(substitute, "_prepared", prepared)
    role = Role("photographs", (), Substitute("raise_gamma", 1))
    for _ in range(2):
        assert substitute.substituted(role, print, unseen).path == home() / "substitute-raise_gamma"
    assert len(made) == 1


def test_uhr_fig_5_shows_five_brightnesses_and_what_a_method_makes_of_each(clips: Store):
    found = reproduce("uhr-fig-5", Asked((clips.name,)))
    assert found.drawn is not None
    given, gamma, network = found.drawn.rows
    means = [one.mean for one in given]
    assert [one.label for one in given][2] == "given, as it is"
    assert means == sorted(means)  # type: ignore[type-var]
    assert [one.mean for one in gamma] == sorted(one.mean for one in gamma)  # type: ignore[type-var]
    assert all("contextual_cyclegan" in (one.missing or "") for one in network)


def test_histogram_matching_of_uhr_fig_3_gives_the_targets_histogram(clips: Store, tmp_path: Path):
    table = reported.load("uhr-fig-3")
    assert table.figure is not None
    (shown,) = panels.shown(clips, table.figure)
    maker = panels._Maker(table.rows[0], clips, "cpu")
    found = maker.panel(
        "p", "(a)", shown.given, panels._target_file(shown.target, shown.pair, tmp_path)
    )
    assert not shown.registered
    assert found.pixels is not None, found.missing
    assert found.pixels.mean() / 255 == pytest.approx(shown.target.mean(), abs=0.01)  # type: ignore[union-attr]


def test_a_target_that_another_dataset_left_in_the_folder_is_not_read(tmp_path: Path):
    for level in (51, 153):
        target = np.full((3, 8, 8), level / 255, np.float32)
        path = panels._target_file(target, "00001/low", tmp_path)
        assert (cv2.imread(str(path)) == level).all()


def test_a_frame_beyond_a_clip_is_its_last(clips: Store):
    (shown,) = panels.shown(clips, Figure("methods", 1, frame=199))
    assert shown.given.shape == (3, 40, 56)


def test_a_figure_of_which_nothing_can_run_is_refused(clips: Store):
    with pytest.raises(ScoreError, match=r"uhr-fig-4: no method of it can be run.*cyclegan"):
        reproduce("uhr-fig-4", Asked((clips.name,)))


def test_a_sheet_has_room_for_pictures_of_any_size_and_for_none():
    wide = Panel("p", "wide", np.zeros((10, 100, 3), np.uint8), mean=0)
    none = Panel("p", "none", missing="not trained " * 30)
    drawn = sheet.drawn(["title"], [[wide, none], [none]])
    assert drawn.shape[1] == 10 + 2 * 310
    assert (drawn == 236).all(axis=2).any()


def test_deep_image_prior_of_uhr_fig_3_reads_the_frame_of_a_clip(clips: Store, tmp_path: Path):
    table = reported.load("uhr-fig-3")
    (shown,) = panels.shown(clips, table.figure)  # type: ignore[arg-type]
    line = replace(table.rows[2], options={"iterations": 1, "width": 2, "scales": 1})
    target = panels._target_file(shown.target, shown.pair, tmp_path)
    found = panels._Maker(line, clips, "cpu").panel("p", "(c)", shown.given, target)
    assert found.pixels is not None, found.missing
