"""What a card says one can do works as printed, for every kind of dataset."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

import eval.cli as lleval
import lldata.cli as lldata
from lldata import store
from tests.clip_folders import film, stored, write_scene
from tests.end_to_end.test_picture_sets import ingest, synthesize
from tests.pictures import picture, write, write_pairs
from tests.stores import night


def raw(tmp_path: Path) -> store.Store:
    return night(store.home() / "night", "train test", shape=(96, 128))


def pictures(tmp_path: Path) -> store.Store:
    return ingest(write_pairs(tmp_path / "LOL", "a b"), "lol")


def synthesised(tmp_path: Path) -> store.Store:
    write(tmp_path / "photos" / "p.png", picture(20))  # one photograph: the split is not test
    return synthesize(tmp_path / "photos", "dusk")


def clips(tmp_path: Path) -> store.Store:
    return stored(write_scene(tmp_path / "src").parent, store.home() / "shore")


def wide_clips(tmp_path: Path) -> store.Store:
    """Return clips whose region the protocol names."""
    low, target = film(1, 1, 9000, (120, 160)), film(2, 1, size=(120, 160))
    src = write_scene(tmp_path / "src", "Horse", low=low, target=target).parent
    return stored(src, store.home() / "meadow")


def blocks(dataset: store.Store, language: str) -> list[str]:
    text = (dataset.path / "README.md").read_text("utf-8").partition("## Use")[2]
    return re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL)


@pytest.mark.parametrize("made", [raw, pictures, synthesised, clips, wide_clips])
def test_every_command_and_line_of_the_card_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: object
):
    dataset = made(tmp_path)  # type: ignore[operator]
    monkeypatch.chdir(tmp_path)
    (commands,) = blocks(dataset, "sh")
    for line in commands.splitlines():
        words = shlex.split(line)
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            {"lldata": lldata, "lleval": lleval}[words[0]].app()
        assert not ended.value.code, line
    assert ("lleval" in commands) == (dataset.kind != "clips")
    for lines in blocks(dataset, "python"):
        exec(compile(lines, "card", "exec"), {})  # noqa: S102  # what the card tells users to run
    assert len(blocks(dataset, "python")) == (made not in (raw, pictures))


def test_the_lines_of_a_synthesised_card_show_what_was_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    dataset = synthesised(tmp_path)
    _, drawn = dataset.picture("p", "p", "low")
    (lines,) = blocks(dataset, "python")
    exec(compile(lines, "card", "exec"), {})  # noqa: S102
    said = capsys.readouterr().out
    assert said == f"{drawn['alpha']} {drawn['gamma']} {drawn['noise_sigma']} (64, 96, 3)\n"
    assert f"| drawn alpha | {drawn['alpha']:.4g} |" in (dataset.path / "README.md").read_text()
