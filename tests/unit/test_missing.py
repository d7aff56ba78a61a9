"""A folder that holds no scene says what it lacks, or that the path cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lldata import ingest, protocol, publish
from lldata.engine import Local
from lldata.errors import FrameError, LowLightError, StoreError
from lldata.sets import planning
from tests.unit.test_pairing import touch


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "there are no frames in it"),
        (["notes.txt"], "there are no frames in it"),
        (["a.mp4", "b.mp4"], "it holds videos, such as a.mp4, .*called low and target"),
        (["s1/low.mp4"], "s1: it has no target clip"),
        (["s1/low/1.png"], "s1/low: neither high/ .* nor target/"),
        (["low/a.png", "high/b.png"], "a.png has no picture of its name in high/, and 1 more"),
        (["high/b.png"], "high: no low/"),
        (["a.CR2"], "it holds RAW files, such as a.CR2, .*short/ and"),
        (["short/x.CR2", "long/x.CR2"], "RAW files, such as long/x.CR2, that make no scene"),
        (["short/00001_00_0.1s.CR2"], "short: no long/"),
        (["a.png"], "it holds pictures, such as a.png, .*low/ and high/"),
        (["00001_00_0.5s.CR2"], "its exposures .0.5 s. give no pair"),
    ],
)
def test_a_folder_without_scenes_says_what_is_missing(tmp_path: Path, files: list[str], said: str):
    touch(tmp_path, *files)
    with pytest.raises(FrameError, match=said):
        planning.plan(tmp_path, None, Local(workers=1))


def test_a_name_is_refused_as_it_was_typed(tmp_path: Path):
    with pytest.raises(StoreError, match=r"^dataset name 'bad/name': "):
        ingest.prepare(tmp_path, None, "bad/name", Local(workers=1))


def test_a_protocol_of_another_kind_is_called_what_it_is_for():
    with pytest.raises(LowLightError, match=r"^protocol uhr_clips: it is for clips, but"):
        protocol.load_raw("uhr_clips")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no files")
def test_a_folder_that_takes_no_files_is_said_in_one_line(tmp_path: Path):
    (tmp_path / "file").touch()
    for path in (Path("/proc/x/y"), Path("/proc"), tmp_path / "file", tmp_path / "file" / "y"):
        with pytest.raises(LowLightError, match="no file can be made in it"):
            publish.make_folder(path)
