"""The page of the campaign of faults, from nothing but its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Report = dict[str, Any]

_HEAD = """# What faults cost

Written by `make faults` from `docs/benchmarks/faults.json`; no figure is typed by hand. Python
{python}, {system}.

An I/O step is one write (the fault strikes when half of it is on the disk), fsync, link, replace
or unlink of an ingest on the command line, counted across all its processes. A scene is lost if it
stood before and does not now, damaged if it stands under its name with other content; a resume
fails if the next ingest does not end in the digest of an undisturbed one; an ending is unclear if
it is neither a success, nor one line and exit code 2, nor (of a kill) the kill."""

_COSTS = (
    ("killed_steps", "killed inside each I/O step"),
    ("full_disk", "each I/O step fails: disk full"),
    ("random_kills", "killed at a random moment"),
    ("size_limits", "limits on the size of a file"),
    ("writers_at_once", "2 to 8 ingests at once"),
)
_COLUMNS = ("faults", "scenes_lost", "scenes_damaged", "resumes_failed", "unclear_endings")


def page(report: Report) -> str:
    """Return the page, Markdown."""
    parts = [
        _HEAD.format(**report), _costs(report), _runs(report),
        _damaged(report["damaged_raw"]["result"], _RAW),
        _damaged(report["damaged_stores"]["result"], _STORES), _rest(report),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _costs(report: Report) -> str:
    return "## Ingest\n\n" + _table(report, _COSTS, _COLUMNS)


def _table(report: Report, costs: Sequence[tuple[str, str]], columns: Sequence[str]) -> str:
    table = [["fault", *(c.replace("_", " ") for c in columns)]]
    for name, what in costs:
        result = report.get(name, {}).get("result", {})
        table.append([what, *(str(result.get(c, "not measured")) for c in columns)])
    return _markdown(table)


_RUNS = """## Runs of a method

`lleval run` on eight pairs, two where every I/O step is struck; a process that has loaded the
program forks each, so that faults strike its work. A pair that was finished before, and still is,
counts as kept, each time a run goes on. It is computed again if the next run writes it anew; a file
is half-written if it stands under its name with other content than an undisturbed run gives it, or
a pair's row stands before its pictures do; a resume fails if the next run does not end in the
files and the record of an undisturbed one, times (how many were taken, too) and memory aside; an
ending is unclear if it is neither a success, nor one line and its exit code (130 of Ctrl-C, else
2), nor (of a kill) the kill. Of runs at once into one folder one works, the others are refused."""

_RUN_COSTS = (
    ("runs_killed", "killed at a random moment, again and again"),
    ("runs_killed_in_steps", "killed inside each I/O step"),
    ("runs_on_a_full_disk", "each I/O step fails: disk full"),
    ("runs_on_a_bad_disk", "each I/O step fails: input/output error"),
    ("runs_limited", "limits on the size of a file"),
    ("runs_interrupted", "Ctrl-C at a random moment, again and again"),
    ("runs_at_once", "2 to 4 runs at once"),
    ("runs_of_workers_killed", "killed with its two workers"),
    ("runs_that_leave_workers", "killed, its two workers not"),
)
_RUN_COLUMNS = (
    "faults", "pairs_kept", "pairs_computed_again", "files_half_written", "resumes_failed",
    "unclear_endings",
)  # fmt: skip


def _runs(report: Report) -> str:
    return f"{_RUNS}\n\n{_table(report, _RUN_COSTS, _RUN_COLUMNS)}"


_RAW = """## Damaged RAW files

Bytes changed, headers changed, cut, zeroed; each decoded in a disposable process of bounded time
and memory. A dataset made from the sound file takes none for it (by size and sha256). A first
ingest has no sha256 to compare: RAW files carry no checksum of their pixels, so a changed byte
that still decodes is seen only where it empties rows or blocks. Blackmagic.dng states no exposure
time and truncated_350d.dng has no pixels: both are refused undamaged too."""

_STORES = """## Damaged stores

The same damage to HDF5 files, read as if their sha256 were unknown. "stopped": HDF5 went on for
ever and its process was ended; "sound": every pixel is what it was."""


def _damaged(told: dict[str, dict[str, int]], text: str) -> str:
    outcomes = sorted({o for counts in told.values() for o in counts})
    table = [["file", "mutants", *outcomes]]
    for name, counts in told.items():
        row = [name, str(sum(counts.values())), *(str(counts.get(o, 0)) for o in outcomes)]
        table.append(row)
    return f"{text}\n\n{_markdown(table)}"


def _rest(report: Report) -> str:
    flips, loaders = report["bit_flips"]["result"], report["loader_workers"]["result"]
    kills = report["download_kills"]["result"]
    return f"""## Bits, loaders, downloads

- `lldata verify --deep` found {flips["found"]} of {flips["flips"]} single bits flipped anywhere in
  a dataset, its index included.
- Training crops read in {loaders["ways"]} ways (0, 2 and 4 workers, forked and spawned):
  {loaders["distinct"]} distinct sequence.
- Downloads killed: {kills["kills"]}; wrong files under their final name: {kills["wrong"]}."""


def _markdown(table: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0]), *lines[1:]])
