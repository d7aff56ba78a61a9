"""Every command of lleval: described, with an example, readable at 80 columns; lldata's too."""

from __future__ import annotations

import inspect

import pytest
import typer.main
from typer.testing import CliRunner

from eval import cli
from lldata import cli as data_cli
from lldata.synthesis.plan import FAULTS

GROUP = typer.main.get_group(cli._cli)
COMMANDS = [
    *((name,) for name in GROUP.commands if name != "leaderboard"),
    *(("leaderboard", name) for name in GROUP.commands["leaderboard"].commands),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_shows_an_example_within_80_columns(command: tuple[str, ...]):
    found = CliRunner().invoke(cli._cli, [*command, "--help"], env={"COLUMNS": "80"})
    assert found.exit_code == 0
    assert f"Example: lleval {' '.join(command)}" in " ".join(found.output.split())
    assert max(map(len, found.output.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_prints_json_on_request(command: tuple[str, ...]):
    found = CliRunner().invoke(cli._cli, [*command, "--help"])
    assert "--json" in found.output


@pytest.mark.parametrize(
    ("program", "command"),
    [*((cli._cli, name) for name in COMMANDS),
     *((data_cli._cli, (name,)) for name in typer.main.get_group(data_cli._cli).commands)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_below_its_first_sentence_the_help_stands_as_it_was_written(
    program: typer.Typer, command: tuple[str, ...]
):
    found = typer.main.get_command(program)
    for name in command:
        found = found.commands[name]  # type: ignore[attr-defined]
    _, _, rest = inspect.cleandoc(found.callback.__doc__ or "").partition("\n\n")
    shown = CliRunner().invoke(program, [*command, "--help"], env={"COLUMNS": "80"}).output
    printed = [line.strip() for line in shown.splitlines()]
    assert set(rest.splitlines()) <= set(printed)


def test_the_help_of_simulate_names_every_fault():
    shown = CliRunner().invoke(data_cli._cli, ["simulate", "--help"]).output
    assert all(fault in shown for fault in FAULTS)
