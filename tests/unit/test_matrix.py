from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from eval.run import Outcome, run
from eval.running import pairs
from eval.running.settings import Settings
from eval.statistics import of_rows
from eval.studies import matrix
from eval.studies.matrix import Cell
from eval.training import train_method
from lldata import cfa
from lldata.errors import LowLightError
from lldata.store import home
from tests.stores import night

TINY = {"width": 8, "levels": 2, "crop": 8, "batch": 1}


def trained(name: str, **store: object) -> None:
    night(home() / name, "train test test", **store)  # type: ignore[arg-type]
    train_method("sid", name, steps=1, options=TINY, device="cpu")


LABELS: list[str] = []


def shown(label: str, _total: int) -> AbstractContextManager[Callable[[], None]]:
    LABELS.append(label)
    return nullcontext(lambda: None)


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Cell], list[Outcome]]:
    """Return a matrix, and the plain runs of its two datasets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLDATA_HOME", str(tmp_path_factory.mktemp("crossed")))
        pairs.stages_of.cache_clear()
        trained("one")
        trained("two", exposures=(0.04,))
        cells = matrix.matrix(("one", "two"), Settings("sid", "", device="cpu"), progress=shown)
        return cells, [run(Settings("sid", name, device="cpu")) for name in ("one", "two")]


@pytest.fixture
def cells(crossed: tuple[list[Cell], list[Outcome]]) -> list[Cell]:
    return crossed[0]


def test_the_diagonal_equals_the_run_of_each_dataset(crossed: tuple[list[Cell], list[Outcome]]):
    cells, plain = crossed
    assert [cell.own for cell in cells] == [True, False, False, True]
    for cell, one in zip((cells[0], cells[3]), plain, strict=True):
        assert cell.path == one.record_path
        assert [r.scores for r in cell.record.rows] == [r.scores for r in one.record.rows]


def test_the_progress_of_each_cell_says_what_was_trained_on_what(cells: list[Cell]):
    assert [f"sid on {one.tested_on}, trained on {one.trained_on}" for one in cells] == LABELS


def test_a_drop_is_the_difference_to_the_network_trained_there(cells: list[Cell]):
    crossed, own = cells[1], cells[3]
    assert (crossed.trained_on, crossed.tested_on) == ("one", "two")
    assert crossed.record.trained_on == ("one/train",)
    lost = of_rows(crossed.record.rows, "psnr").mean - of_rows(own.record.rows, "psnr").mean  # type: ignore[operator]
    assert crossed.drops["psnr"].mean == pytest.approx(lost)
    assert crossed.drops["psnr"].ci95 is None  # of two groups
    assert own.drops == {}


def test_the_tables_and_the_document_say_what_was_trained_on_what(cells: list[Cell]):
    (_, heads, grid), (title, _, scores), _ = matrix.tables(cells)
    assert heads == ("trained on \\ tested on", "one", "two")
    assert [row[0] for row in grid] == ["one", "two"]
    assert title == "Tested on one, 2 pairs"
    assert [row[:2] for row in scores] == [
        ("one", "psnr"), ("one", "ssim"), ("two", "psnr"), ("two", "ssim"),
    ]  # fmt: skip
    document = json.loads(json.dumps(matrix.document(cells), default=str))
    assert [one["drops"] is None for one in document["cells"]] == [True, False, False, True]
    assert matrix.notes(cells)[0].startswith("one: simulated captures")


def test_a_dataset_without_weights_is_named_before_anything_is_run():
    trained("one")
    night(home() / "two", "train test")
    with pytest.raises(LowLightError, match="lleval train --model sid --dataset two") as error:
        matrix.matrix(("one", "two"), Settings("sid", ""))
    assert "--weights" not in str(error.value)
    assert not (home() / ".runs").exists()


def test_weights_of_data_that_have_changed_since_are_refused():
    trained("one")
    night(home() / "one", "train test test train")
    night(home() / "two", "train test")
    with pytest.raises(LowLightError, match="trained on data of digest"):
        matrix.matrix(("one", "two"), Settings("sid", ""))


def test_x_trans_against_bayer_is_refused_by_name():
    trained("fuji", pattern=cfa.XTRANS)
    trained("sony")
    with pytest.raises(LowLightError, match=r"trained on fuji \(X-Trans, 9 planes\) cannot read s"):
        matrix.matrix(("fuji", "sony"), Settings("sid", ""))
    assert not (home() / ".runs").exists()


@pytest.mark.parametrize(
    ("names", "model", "message"),
    [(("one",), "sid", "1 dataset is named"), (("one", "two"), "lime", "nothing to train")],
)
def test_a_matrix_needs_two_datasets_and_something_trained(
    names: tuple[str, ...], model: str, message: str
):
    for name in ("one", "two"):
        night(Path(home() / name), "train test")
    with pytest.raises(LowLightError, match=message):
        matrix.matrix(names, Settings(model, ""))
