from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.record import Record, pairs_sha256
from eval.typed import _reader
from lldata.console import to_json
from lldata.errors import ScoreError
from tests.records import record, rows


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return record().write(tmp_path / "record.json")


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_a_record_reads_back_as_it_was_written(written: Path):
    assert Record.read(written) == record()


@pytest.mark.parametrize("kept", [0, 1, 24])
def test_a_record_written_row_by_row_is_the_text_of_its_document(kept: int):
    some = record(rows()[:kept])
    assert "".join(some.pieces()) == to_json(some.document()) + "\n"


def test_a_record_from_before_rows_named_their_camera_is_read(written: Path):
    document = json.loads(written.read_text())
    for row in document["rows"]:
        del row["camera"]
    written.write_text(json.dumps(document))
    assert {row.camera for row in Record.read(written).rows} == {None}


def test_the_file_is_strict_json_with_its_format_first(written: Path):
    document = json.loads(written.read_text(), parse_constant=pytest.fail)
    assert next(iter(document)) == "format"
    assert document["format"] == 1
    assert document["rows"][0]["scores"].keys() == {"psnr", "ssim"}


def test_the_pairs_hash_does_not_depend_on_their_order():
    assert pairs_sha256(["b", "a"]) == pairs_sha256(["a", "b"]) != pairs_sha256(["a"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format": 1', '"format": 2', "its format is 2, but this version reads .* up to format 1"),
        ('"format": 1', '"format": true', "its format is True"),
        ('"format": 1,', "", "its format is None"),
        ('"seed": 0', '"seed": NaN', "it holds NaN"),
        ('"seed": 0', '"seed": 1e999', "1e999 is too large"),
        ('"ratio": 100.0', '"ratio": 1' + "0" * 400, "it is no strict JSON .* is too large"),
        ('"seed": 0', '"seed": 0, "seed": 1', "a key stands in it twice"),
        ('"seed": 0', '"seed": "0"', 'seed: it is "0", but its type is int'),
        ('"seed": 0', '"sead": 0', "the field sead is unknown"),
        ('"seed": 0,', "", "the field seed is missing"),
        ('"level": "rerun"', '"level": "guessed"', 'level: it is "guessed"'),
        ('"identical": false', '"identical": 0', r"rows\[0\]: identical: it is 0"),
        ('"group": "10000"', '"group": 5', r"rows\[0\]: group: it is 5, but its type is str"),
        ("{", "[", "it is no strict JSON"),
    ],
)  # fmt: skip
def test_a_record_that_was_edited_badly_is_refused(written: Path, old: str, new: str, message: str):
    with pytest.raises(ScoreError, match=message):
        Record.read(edited(written, old, new))


def test_the_types_of_a_row_are_looked_up_once_however_many_rows(written: Path):
    Record.read(written)
    known = _reader.cache_info().misses
    assert len(Record.read(written).rows) == 24
    assert _reader.cache_info().misses == known


def test_a_missing_record_is_named(tmp_path: Path):
    with pytest.raises(ScoreError, match=r"none.json: there is no such file"):
        Record.read(tmp_path / "none.json")


def test_a_score_that_is_no_finite_number_is_written_as_null(tmp_path: Path):
    odd = record((record().rows[0].__class__(**{
        **vars(record().rows[0]), "scores": {"psnr": float("inf")}, "identical": True,
    }),))  # fmt: skip
    assert Record.read(odd.write(tmp_path / "r.json")).rows[0].scores == {"psnr": None}
