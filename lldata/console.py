"""What the commands say and how they end: one line of error, strict JSON, tables, progress.

Results meant for programs go to stdout as JSON; everything meant for people goes to stderr.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import math
import os
import shlex
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lldata.errors import LowLightError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_SPACE = ("space is needed there", "Free some, or choose another folder")
_RIGHTS = ("it must be read or written", "Change its rights, or choose another folder")
MENDABLE = {  # what the system says -> what is needed, and what to do
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: (
        "files this large must be allowed there",
        "Raise the limit, or choose another disk",
    ),
    errno.EIO: ("a disk that reads and writes is needed", "Check the disk, then run it again"),
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENOENT: ("it must be there", "Restore it, or choose another path"),
    errno.ENOTDIR: ("a folder is needed there", "Choose another path"),
    errno.EISDIR: ("a file is needed there", "Choose another path"),
    errno.EEXIST: ("nothing may be there yet", "Choose another path"),
    errno.ENAMETOOLONG: ("the system takes shorter names only", "Choose another path"),
}


def run_app(
    command: Callable[[], object],
    program: str,
    resume: Callable[[Sequence[str]], Sequence[str]] = tuple,
    keepers: Container[str] | None = None,
) -> NoReturn:
    """Run a command-line program and end the process with the exit code it has earned.

    Parameters
    ----------
    command : the typer application, called without arguments
    program : its name, the first word of every error line
    resume : arguments typed -> arguments that continue the work after an interruption
    keepers : commands whose finished part stays when they are interrupted; None: all of them
    """
    try:
        command()
    except KeyboardInterrupt:
        _interrupted(program, resume, keepers)
    except LowLightError as error:
        _fail(program, str(error))
    except BrokenPipeError:
        _hush()
    except OSError as error:
        if error.errno not in MENDABLE:
            raise
        found = (error.strerror or os.strerror(error.errno)).lower()
        _fail(
            program, str(LowLightError(error.filename or "writing", found, *MENDABLE[error.errno]))
        )
    except SystemExit as end:  # typer turns an interruption into this code, without a word
        if end.code == 130:
            _interrupted(program, resume, keepers)
        raise
    raise SystemExit(0)


def _fail(program: str, line: str) -> NoReturn:
    say(f"{program}: {line}")
    raise SystemExit(2)


def _interrupted(
    program: str,
    resume: Callable[[Sequence[str]], Sequence[str]],
    keepers: Container[str] | None,
) -> NoReturn:
    typed = sys.argv[1:]
    command = next((word for word in typed if not word.startswith("-")), "")
    kept = keepers is None or command in keepers
    said = "What is finished is kept; go on with" if kept else "Nothing is kept; run it again"
    say(f"{program}: interrupted. {said}: {shlex.join([program, *resume(typed)])}")
    raise SystemExit(130)


def _hush() -> NoReturn:
    """End quietly when the reader of stdout has gone, also in the interpreter's last flush."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)


def finite(value: Any) -> Any:
    """Return `value` as plain JSON values: NaN and infinities null, paths text, NumPy unboxed."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return finite(value.tolist())
    if isinstance(value, Sequence | set | frozenset):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(document: Any) -> str:
    """Return one strict JSON document, pure ASCII so that any terminal or locale carries it."""
    return json.dumps(finite(document), allow_nan=False, indent=2)


def print_json(document: Any) -> None:
    """Write one strict JSON document to stdout."""
    try:
        sys.stdout.write(to_json(document) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()


def say(line: str) -> None:
    """Write one line to stderr; control characters of file names cannot steer the terminal."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in " ".join(line.split()))
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(plain.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stderr.flush()


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def say_wrapped(text: str) -> None:
    """Write a longer text to stderr in lines of at most 80 columns; a path stays whole."""
    import textwrap

    for line in textwrap.wrap(text, 80, break_on_hyphens=False, break_long_words=False):
        say(line)


def log_to_stderr(verbosity: int) -> None:
    """Show the library's own log on stderr: warnings, with -v information, with -vv debugging."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )


def stderr_console() -> Console:
    """Return a console on stderr: 80 columns and no colour when that is no terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=False)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stderr; numbers stand on the right, None and NaN as a dash."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from lldata.outputs.widths import column_widths

    numeric = [
        all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(columns))
    ]
    cells = [[_cell(value) for value in row] for row in rows]
    console = stderr_console()
    table = Table(
        title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, show_header=any(columns)
    )
    room = console.width - 3 * len(columns) - 1  # a blank on both sides of each, and one between
    widths = column_widths(list(zip(columns, *cells, strict=True)), room)
    for name, right, width in zip(columns, numeric, widths, strict=True):
        table.add_column(
            Text(name), justify="right" if right else "left", overflow="fold", width=width
        )
    for texts in cells:
        table.add_row(*map(Text, texts))
    console.print(table)


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


@contextlib.contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show how far the work is; the block gets a function to call after each finished item.

    A bar on a terminal; elsewhere one plain line for each tenth of the work.
    """
    console = stderr_console()
    if not console.is_terminal:
        yield _plain_progress(label, total)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


def _plain_progress(label: str, total: int) -> Callable[[], None]:
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done == total or done * 10 // max(total, 1) > (done - 1) * 10 // max(total, 1):
            say(f"{label}: {done}/{total}")

    return advance


@contextlib.contextmanager
def transfer() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far files are fetched; the block gets a function of name, bytes done, bytes in all.

    A bar for each file on a terminal; elsewhere one plain line for each tenth of a file.
    """
    console = stderr_console()
    if not console.is_terminal:
        yield _plain_transfer()
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield show


def _plain_transfer() -> Callable[[str, int, int], None]:
    tenths: dict[str, int] = {}

    def show(name: str, done: int, total: int) -> None:
        tenth = done * 10 // max(total, 1)
        if tenth > tenths.get(name, 0):
            say(f"{name}: {done / 1e6:.0f}/{total / 1e6:.0f} MB")
        tenths[name] = max(tenth, tenths.get(name, 0))

    return show
