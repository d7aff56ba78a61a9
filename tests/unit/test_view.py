from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lldata import cli, view
from lldata.dataset import Crops
from lldata.errors import StoreError
from lldata.sample import read_sample
from tests.stores import night


@pytest.fixture
def both(tmp_path: Path) -> view.View:
    """Return two datasets whose scenes are numbered alike, of different exposures."""
    one = night(tmp_path / "one", "train test", quarantined=("00002",))
    two = night(tmp_path / "two", "train val", exposures=(0.1, 0.04))
    return view.View([one, two])


def test_pairs_of_every_dataset_are_rows_with_its_name(both: view.View):
    assert list(both.pairs)[:2] == ["dataset", "pair"]
    assert both.pairs["dataset"].tolist() == ["one"] * 2 + ["two"] * 4
    assert not both.pairs.duplicated(["dataset", "pair"]).any()
    assert both.pairs.duplicated("pair").any()


def test_usable_pairs_leave_out_quarantine_and_other_splits(both: view.View):
    assert both.usable("test").empty
    assert both.usable("train")["dataset"].tolist() == ["one", "two", "two"]


def test_a_sample_comes_from_the_dataset_that_is_named(both: view.View):
    found = both.sample("two", "00001/00001_00_0.1s", reference=True)
    same = read_sample(both.stores["two"], "00001/00001_00_0.1s")
    np.testing.assert_array_equal(found.packed, same.packed)
    assert found.reference is not None
    with pytest.raises(StoreError, match="view: three: there is no dataset of that name, but the "):
        both.sample("three", "00001/00001_00_0.1s")


def test_pairs_are_counted_by_dataset_iso_split_and_ratio(both: view.View):
    found = [tuple(row.values()) for row in both.counts()]
    assert found == [
        ("one", 200.0, "train", 100.0, 1),
        ("two", 200.0, "train", 100.0, 1),
        ("two", 200.0, "train", 250.0, 1),
        ("two", 200.0, "val", 100.0, 1),
        ("two", 200.0, "val", 250.0, 1),
    ]


def test_crops_of_a_view_are_those_of_its_datasets(both: view.View):
    crops = Crops(both, both.usable("train"), 8, seed=5)
    assert crops.epoch == 3
    assert sorted(crops[k].ratio.item() for k in range(3)) == [100, 100, 250]
    assert Crops(both, both.usable("train"), 8, seed=5, by_scene=True).epoch == 2


def test_one_dataset_twice_is_refused(tmp_path: Path):
    one = night(tmp_path / "one", "train")
    with pytest.raises(StoreError, match="one and one: they have the same name"):
        view.View([one, one])
    copy = night(tmp_path / "copy", "train")
    with pytest.raises(StoreError, match="one and copy: they have the same content"):
        view.View([one, copy])
    with pytest.raises(StoreError, match="no dataset is named"):
        view.open_view([])


def test_show_prints_several_datasets_as_one(
    both: view.View, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    named = [str(store.path) for store in both.stores.values()]
    cli.show(named, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert [d["name"] for d in document["datasets"]] == ["one", "two"]
    assert (document["pairs"], document["usable"]) == (6, 5)
    assert document["isos"] == {"200": 5}
    assert document["rows"] == both.counts()
    cli.show(named)
    assert "5 usable pairs of 6" in capsys.readouterr().err


def test_show_prints_whole_digests_and_no_line_where_there_is_nothing(
    both: view.View, capsys: pytest.CaptureFixture[str]
):
    one = both.stores["one"]
    cli.show([str(one.path)])
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().err.splitlines()]
    shown = {words[0]: words[1].strip() for words in lines if len(words) == 2}
    assert (shown["digest"], shown["rendered"]) == (one.digest, one.reference_digest)
    assert (shown["kind"], shown["simulated"]) == ("raw", "yes")
    assert shown["pairs"] == "2, 1 in quarantine"
    assert "drawn" not in shown


def test_the_list_of_datasets_cuts_no_name_at_80_columns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("LLDATA_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    night(tmp_path / "canon6d_iso12600", quarantined=("00002",), protocol="canon6d_iso12600")
    cli.list_datasets()
    *_, row, _ = capsys.readouterr().err.splitlines()
    assert row.split() == ["canon6d_iso12600", "canon6d_iso12600", "yes", "4", "4", "3"]


def test_an_index_of_a_pack_is_not_rebuilt(tmp_path: Path):
    (tmp_path / "night.h5").write_bytes(b"")
    with pytest.raises(StoreError, match=r"it is a packed dataset, .* anew with lldata pack"):
        cli.index(str(tmp_path / "night.h5"))
