from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from lldata import console
from lldata.errors import LowLightError
from lldata.outputs.widths import column_widths


def end_of(command: Callable[[], object], *names: Callable[..., list[str]]) -> int:
    with pytest.raises(SystemExit) as end:
        console.run_app(command, "lldata", *names)
    return int(end.value.code or 0)


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def command() -> NoReturn:
        raise error

    return command


def test_a_mendable_mistake_is_one_line_on_stderr_and_code_2(capsys: pytest.CaptureFixture[str]):
    error = LowLightError("x\n.dng\x1b[31m", "it is red", "it must be blue", "Paint it")
    assert end_of(raising(error)) == 2
    assert tuple(capsys.readouterr()) == (
        "", "lldata: x .dng?[31m: it is red, but it must be blue. Paint it.\n",
    )  # fmt: skip


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(130)], ids=["signal", "typer"])
def test_an_interruption_says_how_to_go_on(
    error: BaseException, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.argv", ["lldata", "ingest", "my photos"])
    assert end_of(raising(error), lambda typed: [*typed, "--resume"]) == 130
    assert capsys.readouterr().err.endswith("go on with: lldata ingest 'my photos' --resume\n")


def test_an_interruption_of_what_keeps_nothing_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for command, said in (("check", "Nothing is kept; run it again"), ("ingest", "go on with")):
        monkeypatch.setattr("sys.argv", ["lldata", "-v", command, "card"])
        with pytest.raises(SystemExit):
            console.run_app(raising(KeyboardInterrupt()), "lldata", keepers={"ingest"})
        assert f"{said}: lldata -v {command} card\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (errno.ENOSPC, "no space left on device, but space is needed there. Free some, or"),
        (errno.EACCES, "permission denied, but it must be read or written. Change its rights"),
        (errno.ENOENT, "no such file or directory, but it must be there. Restore it, or choose"),
        (errno.ENOTDIR, "not a directory, but a folder is needed there. Choose another path."),
        (errno.EISDIR, "is a directory, but a file is needed there. Choose another path."),
        (errno.EEXIST, "file exists, but nothing may be there yet. Choose another path."),
        (errno.ENAMETOOLONG, "file name too long, but the system takes shorter names only. Choose"),
    ],
)
def test_what_the_disk_refuses_is_a_mistake_the_user_can_mend(
    number: int, line: str, capsys: pytest.CaptureFixture[str]
):
    assert end_of(raising(OSError(number, os.strerror(number), "/a"))) == 2
    assert f"lldata: /a: {line}" in capsys.readouterr().err


def test_an_error_of_the_disk_without_a_remedy_keeps_its_traceback():
    with pytest.raises(OSError, match="Bad file descriptor"):
        console.run_app(raising(OSError(errno.EBADF, os.strerror(errno.EBADF))), "lldata")


def test_any_other_error_is_a_bug_and_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        console.run_app(raising(ZeroDivisionError()), "lldata")


def test_a_finished_command_ends_with_0_and_a_failed_check_with_1():
    assert end_of(lambda: None) == 0
    assert end_of(raising(SystemExit(1))) == 1


def test_json_is_strict_whatever_is_in_it(capsys: pytest.CaptureFixture[str]):
    console.print_json({
        "a": float("nan"), "b": np.float32("inf"), "c": (1, np.int64(2)), 4: Path("p"),
        "d": np.array([1.5, np.nan]), "e": True, "f": "α",
    })  # fmt: skip
    text = capsys.readouterr().out
    assert json.loads(text, parse_constant=pytest.fail) == {
        "a": None, "b": None, "c": [1, 2], "4": "p", "d": [1.5, None], "e": True, "f": "α",
    }  # fmt: skip
    assert text.isascii()


def test_progress_off_a_terminal_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]):
    with console.progress("work", 25) as advance:
        for _ in range(25):
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "work: 25/25"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(float("nan"), "-"), (None, "-"), (12800.0, "12800"), (1e6, "1000000"), (0.03333, "0.03333")],
)
def test_a_cell_is_a_plain_number_or_a_dash(value: float | None, shown: str):
    assert console._cell(value) == shown


def test_a_table_folds_its_texts_before_it_cuts_a_name(capsys: pytest.CaptureFixture[str]):
    names = ("canon6d_simulated", "residual32_xtrans_transposed")
    console.print_table("T", ("name", "dataset", "title"), [(names[1], names[0], "a text " * 20)])
    shown = capsys.readouterr().err
    assert all(name in shown for name in names)
    assert max(map(len, shown.splitlines())) <= 80


def test_a_wrapped_text_keeps_a_path_whole(capsys: pytest.CaptureFixture[str]):
    path = "/home/" + "night-" * 20
    console.say_wrapped(f"{'words ' * 20}{path} end")
    first, second, whole, last = capsys.readouterr().err.splitlines()
    assert (max(len(first), len(second)) <= 80, whole, last) == (True, path, "end")


def test_columns_too_wide_for_the_room_give_way_evenly():
    assert column_widths([("x" * 200,), ("y" * 200,), ("b",)], 41) == [20, 20, 1]
    assert column_widths([("name of it",), ("value",)], 9) == [4, 5]
    assert column_widths([("name",), ("",)], 40) == [4, 1]


def test_a_table_stays_within_80_columns_and_prints_brackets(capsys: pytest.CaptureFixture[str]):
    console.print_table("T", ("name", "value"), [("[red]" + "x" * 200, 1.23456), ("b", None)])
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("[red]" in line and "1.235" in line for line in lines)
