"""The page of what a run costs, from nothing but its figures."""

from __future__ import annotations

from typing import Any

Report = dict[str, Any]

_HEAD = """# What a run costs besides its method

Written by `make bench` from `docs/benchmarks/run.json`; no figure is typed by hand. {processor},
{cores} cores, Python {python}; load while it was measured: {load}.

In one process a pair is read (and rendered, where the method reads pictures) while the one before
it is in the method and the one before that is scored and written. Metrics of pyiqa are scored in
between, as they set the seed of what torch draws; so are the frames of clips.

Seconds are those of pairs that had the machine to themselves: the first, which only warms the
process, and a quarter of the others (3 at least, 20 at most), spread evenly. The other pairs of a
record have none. A run that goes on where it stopped begins with a cold pair, too.
With `--workers N` all pairs have seconds, taken while N were computed; `timing` in the record says
so (`alone`, `workers`, `threads`).

`--workers N` and `--engine dask=ADDRESS` compute each pair in a process with one thread: scores of
classical methods are the same to the last bit for any N, one process included, those of networks
for any N from 2 on; in one process, with all its threads, those differ by less than 1e-4 dB. A
cluster's workers need `$LLDATA_HOME` and the folder of the run under the same paths, and the same
packages; another version of one that can change a score is refused. Several processes share no
accelerator.

A killed run goes on where it stopped: see [faults](faults.md).

## Memory

`gamma` on pairs of 64x96 photosites, one process from its start to its report. Each pair more adds
{growth:.1f} KiB to the peak; its row, and its lines in the dataset's tables, stay in memory. The
seconds stay those of an earlier measurement where memory alone was measured anew."""

_OVERLAP = """## Overlap

{pairs} pairs of 12 megapixels in one process, {alone} of them timed alone, and none; medians of 3
rounds in turn. Of more than 80 pairs less than a quarter is timed, so that a longer run comes
nearer to the last column."""


def page(report: Report) -> str:
    """Return the page, Markdown."""
    hardware = report["hardware"]
    head = _HEAD.format(
        processor=hardware["processor"], cores=hardware["cores"],
        python=report["software"]["python"], load=f"{report['load'][0]:.1f}",
        growth=growth(report["memory"]),
    )  # fmt: skip
    return "\n\n".join([head, _memory(report["memory"]), *_overlap(report["overlap"])]) + "\n"


def growth(rows: list[Report]) -> float:
    """Return the memory that each pair more takes, KiB."""
    first, *_, last = rows
    return float((last["mib"] - first["mib"]) * 1024 / (last["pairs"] - first["pairs"]))


def _memory(rows: list[Report]) -> str:
    table = [["pairs", "peak memory, MiB", "seconds a pair"]]
    table += [
        [f"{row['pairs']:,}", f"{row['mib']:.0f}", f"{row['seconds'] / row['pairs']:.3f}"]
        for row in rows
    ]
    return _markdown(table)


def _overlap(rows: list[Report]) -> list[str]:
    table = [
        ["method", "peak memory, MiB", "one by one, s", "overlapped, s", "saved",
         "none timed, s", "saved"]
    ]  # fmt: skip
    for row in rows:
        before, cells = row["one by one"], [f"{row['mib']:.0f}", f"{row['one by one']:.1f}"]
        for after in (row["overlapped"], row["none timed"]):
            cells += [f"{after:.1f}", f"{1 - after / before:.0%}"]
        table.append([f"`{row['method']}`", *cells])
    first = rows[0]
    return [_OVERLAP.format(pairs=first["pairs"], alone=first["alone"]), _markdown(table)]


def _markdown(table: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    lines.insert(1, "|---|" + "---:|" * (len(table[0]) - 1))
    return "\n".join(lines)
