"""Every command of lleval: described, with an example, readable at 80 columns."""

from __future__ import annotations

import pytest
import typer.main
from typer.testing import CliRunner

from eval import cli

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
