"""The card and the Croissant metadata that lie beside every dataset."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lldata import store, upkeep
from lldata.outputs import card
from lldata.store import Store
from tests.stores import night
from tests.unit.test_store import pixels, scene


@pytest.fixture
def dataset(tmp_path: Path) -> Store:
    return night(tmp_path / "night", exposures=(0.1, 0.04), quarantined=("00002",))


def croissant(dataset: Store) -> dict:
    return json.loads((dataset.path / "croissant.json").read_text("utf-8"))


def test_every_file_of_the_dataset_is_named_with_its_size_and_sha256(dataset: Store):
    files = {f["contentUrl"]: f for f in croissant(dataset)["distribution"]}
    assert set(files) == {"dataset.h5", *(f"scenes/0000{n}.h5" for n in range(1, 5))}
    for name, told in files.items():
        data = (dataset.path / name).read_bytes()
        assert told["sha256"] == hashlib.sha256(data).hexdigest()
        assert told["contentSize"] == f"{len(data)} B"
        assert (told["@type"], told["encodingFormat"]) == ("cr:FileObject", "application/x-hdf5")


def test_parts_of_a_large_scene_are_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one = pixels(1).long["00001_00_10s"].mosaic.nbytes
    monkeypatch.setattr(store, "LARGEST_PIXELS", 4 * one)
    upkeep.publish_scene(tmp_path / "d", scene(), pixels(1))
    upkeep.build_index(tmp_path / "d", "2026-01-01T00:00:00+00:00")
    names = [f["name"] for f in croissant(Store(tmp_path / "d"))["distribution"]]
    assert names == ["dataset.h5", "scenes/00001.h5", "scenes/00001.part2.h5"]


def test_it_is_croissant_1_1_with_what_is_required_of_a_dataset(dataset: Store):
    document = croissant(dataset)
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert document["@type"] == "sc:Dataset"
    assert (document["name"], document["datePublished"]) == ("night", "2026-01-01")
    assert document["description"].startswith("sid_sony. 8 pairs of 4 scenes: RAW frames")
    assert "no camera took these frames" in document["description"]
    prefixes = {k for k, v in document["@context"].items() if str(v).startswith("http")}
    used = set(re.findall(r"(\w+):\w", " ".join(map(str, document["@context"].values()))))
    assert used - {"http", "https"} <= prefixes
    assert "license" not in document  # nobody said one


def test_the_card_tells_numbers_audits_and_digests(tmp_path: Path):
    folder = tmp_path / "evening"
    text = (
        'title = "Evening | street"\nsource = "Doe 2026"\n[camera]\nmake = "Acme"\nmodels = ["N1"]'
    )
    upkeep.publish_scene(folder, scene(protocol_text=text), pixels(1))
    upkeep.build_index(folder, "2026-01-01T00:00:00+00:00")
    said = (folder / "README.md").read_text("utf-8")
    for line in (
        "# evening", "| camera | Acme N1 |", "| split train | 1 |", "| ratio 100 | 1 |",
        "| ISO 200 | 1 |", "| alignment | 1 | 0 | 0 | 0 |", "Doe 2026",
        f"| digest | `{Store(folder).digest}` |", "| first ingest | 2026-01-01T00:00:00+00:00 |",
    ):  # fmt: skip
        assert f"{line}\n" in said
    assert "- Of 1 pairs 0 are in quarantine, 0 carry a warning, and 0 could not be" in said


def test_a_rebuilt_index_gives_the_same_cards(dataset: Store):
    before = [(dataset.path / name).read_bytes() for name in (card.CARD, card.CROISSANT)]
    upkeep.build_index(dataset.path, "2027-01-01T00:00:00+00:00")
    assert [(dataset.path / name).read_bytes() for name in (card.CARD, card.CROISSANT)] == before


def test_nobody_waits_for_pandas_to_load(dataset: Store):
    lines = (
        "import sys; from pathlib import Path; from lldata import upkeep",
        "upkeep.build_index(Path(sys.argv[1]), 'now')",
        "sys.exit('pandas' in sys.modules)",
    )
    command = [sys.executable, "-c", "\n".join(lines), str(dataset.path)]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0


def test_a_vertical_bar_does_not_break_a_table():
    assert card._table(("a",), [("x | y\nz",)]) == "| a |\n| --- |\n| x \\| y z |"
