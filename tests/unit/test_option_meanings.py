from __future__ import annotations

import sys

import pytest

from eval import cli, listing

DOCSTRING = """Make it.

Parameters
----------
alpha, beta : strength,
    of both: 0 to 1
name
patch : side

Raises
------
MethodError
    If x : y.
"""


def test_meanings_are_read_from_the_section_parameters():
    said = {"alpha": "strength, of both: 0 to 1", "beta": "strength, of both: 0 to 1",
            "patch": "side"}  # fmt: skip
    assert listing.meanings(DOCSTRING) == said
    assert listing.meanings("Make it.") == {}


def test_a_method_is_shown_with_its_options_as_they_are_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["lleval", "models", "msr"])
    with pytest.raises(SystemExit):
        cli.app()
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert ["option", "default", "meaning"] in lines
    assert ["sigmas", "15,80,250", "pixels,", "of"] in [line[:4] for line in lines]
    assert ["per_channel", "true", "R,", "G"] in [line[:4] for line in lines]
