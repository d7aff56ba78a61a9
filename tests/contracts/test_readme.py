"""README and guide say what is: the demo is `make demo`, commands and options exist."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
COMMANDS = re.findall(r"^    ((?:lldata|lleval) [^#\n]*?)(?:\s+#.*)?$", README + GUIDE, re.M)


@cache
def help_of(program: str, *command: str) -> str:
    module = {"lldata": "lldata.cli", "lleval": "eval.cli"}[program]
    done = subprocess.run(
        [sys.executable, "-c", f"from {module} import app; app()", *command, "--help"],
        capture_output=True, text=True, timeout=60, env={"COLUMNS": "80", "PATH": "/usr/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_demo_runs_the_commands_of_the_readme():
    block = README.split("    export LLDATA_HOME=$PWD/demo/home\n")[1].split("\n\n")[0]
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\ndemo: .venv/.run")[1].split("\n\n")[0]
    typed = [line.strip() for line in block.splitlines()]
    made = [
        line.strip() for line in recipe.splitlines() if line.startswith(("\tlldata", "\tlleval"))
    ]
    assert typed == made


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_every_command_of_the_readme_has_its_options(line: str):
    program, *words = line.split()
    command = words[:2] if words[0] == "leaderboard" else words[:1]
    text = help_of(program, *command)
    for option in (word for word in words if word.startswith("--")):
        assert option in text


def test_every_extra_is_in_the_readme():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in set(project["optional-dependencies"]) - {"all"}:
        assert f"`{extra}`" in README


@pytest.mark.parametrize("program", ["lldata", "lleval"])
def test_every_command_has_help_that_fits_eighty_columns(program: str):
    listed = re.findall(r"^│ (\w+) ", help_of(program), re.M)
    assert len(listed) >= 8
    for command in set(listed) - {"leaderboard"}:
        text = help_of(program, command)
        assert max(map(len, text.splitlines())) <= 80
        assert "Example:" in text or command in ("ls", "models", "metrics", "tracks")


def test_the_changelog_has_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text("utf-8")
