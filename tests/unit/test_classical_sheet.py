"""The sheet of what every classical method does, and the rows they have on a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import classical_sheet
from tests.benchmarks.classical_records import Case, cases
from tests.pictures import picture, write
from tests.stores import night


def test_of_captures_enhancers_have_a_row_of_each_rendering_and_denoisers_one():
    rows = {(case.method, *case.options) for case in cases("raw")}
    assert {("lime",), ("lime@amplified",), ("lime", "solver"), ("nlm",), ("scaled",)} <= rows
    assert not {("nlm@amplified",), ("scaled@amplified",), ("identity@amplified",)} & rows


def test_of_ready_pictures_denoisers_read_the_dark_one_and_nothing_is_amplified():
    names = {case.method for case in cases("pictures")}
    assert {"nlm@short", "lime", "identity"} <= names
    assert not [name for name in names if name == "amplify" or name.endswith("@amplified")]


def test_a_record_is_called_by_its_method_and_options():
    assert Case("gamma", {"gamma": "auto"}).file_name == "gamma--gamma=auto.json"
    assert Case("lime@amplified").file_name == "lime@amplified--default.json"


def test_a_capture_is_shown_as_it_is_and_amplified_and_a_photograph_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(classical_sheet, "SIDE", 20)
    store = night(tmp_path / "home" / "tiles", "test", shape=(64, 64))
    pair = store.pairs["pair"][0]
    (short, amplified) = classical_sheet.columns(f"{store.path}:{pair}")
    assert amplified.sample.srgb.mean() > 2 * short.sample.srgb.mean()
    pixels = picture(1)
    (alone,) = classical_sheet.columns(f"{write(tmp_path / 'a.png', pixels)}@30,50")
    np.testing.assert_array_equal(classical_sheet.shown("identity", alone), pixels[30:50, 50:70])
    assert classical_sheet.shown("scaled", alone) is None  # it asks for the reference
    assert classical_sheet.shown("scaled", short).shape == (20, 20, 3)


def test_the_sheet_has_a_row_of_crops_for_each_method(monkeypatch: pytest.MonkeyPatch):
    side, gap, label = classical_sheet.SIDE, classical_sheet.GAP, classical_sheet.LABEL
    grey, red = np.full((side, side, 3), 128, np.uint8), np.zeros((side, side, 3), np.uint8)
    red[..., 0] = 255
    page = np.asarray(classical_sheet.sheet([("a", [grey, None]), ("b", [red, grey])], ["x", "y"]))
    left, top = 2 * (side + gap) + 3 * gap, 2 * label  # one row in each half
    assert page[top + 5, gap + 5].tolist() == [128] * 3
    assert page[top + 5, left + gap + 5].tolist() == [255, 0, 0]
    assert page[top + 5, left + 2 * gap + side + 5].tolist() == [128] * 3
