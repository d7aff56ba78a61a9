from __future__ import annotations

import os
from pathlib import Path

import pytest

from lldata import publish
from lldata.errors import StoreError


def test_what_is_written_once_stays_and_leaves_nothing_else(tmp_path: Path):
    data = os.urandom(3 * publish._PIECE + 5)
    assert publish.write_once(tmp_path / "a.h5", memoryview(data))
    assert not publish.write_once(tmp_path / "a.h5", b"another")
    assert (tmp_path / "a.h5").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_small_pieces_make_the_file_that_they_make_together(tmp_path: Path):
    pieces = [bytes([number % 251]) * 1000 for number in range(200)]
    publish.write_replacing(tmp_path / "a", iter(pieces))
    publish.write_replacing(tmp_path / "empty", iter(()))
    assert (tmp_path / "a").read_bytes() == b"".join(pieces)
    assert (tmp_path / "empty").read_bytes() == b""


def test_pieces_that_fail_leave_the_file_that_stands(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(ZeroDivisionError):
        publish.write_replacing(tmp_path / "a", (bytes(9 // number) for number in (1, 0)))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"before")]


@pytest.mark.parametrize("change", [
    lambda path: path.write_bytes(b"."),
    lambda path: path.write_bytes(path.read_bytes() + b"."),
    lambda path: path.write_bytes(path.read_bytes()[:-1] + b"."),
    lambda path: path.write_bytes(b"." + path.read_bytes()[1:]),
])  # fmt: skip
@pytest.mark.parametrize("rest", [0, 5])
def test_what_a_disk_changes_is_not_published(tmp_path: Path, monkeypatch, change, rest):  # type: ignore[no-untyped-def]
    def fsync(descriptor: int) -> None:
        for path in tmp_path.glob(".*"):
            change(path)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError, match="reads back differently"):
        publish.write_once(tmp_path / "a.h5", b"x" * (2 * publish._PIECE + rest))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "名" * 85])
def test_a_file_may_have_the_longest_name_that_a_disk_takes(tmp_path: Path, name: str):
    publish.write_replacing(tmp_path / name, b"1")
    leftover = publish.temporary_beside(tmp_path / name)
    leftover.touch()
    publish.remove_leftovers(tmp_path, name, older_than_s=-1)
    assert [path.name for path in tmp_path.iterdir()] == [name]
