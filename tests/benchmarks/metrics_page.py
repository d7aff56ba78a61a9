"""The page of the metrics: their docstrings and parameters, and the comparison that is kept."""

from __future__ import annotations

import inspect
from typing import Any

from eval.cross_check.official import WHO
from eval.metrics import metrics
from eval.metrics.definition import LARGEST, Metric
from eval.metrics.parameter_files import PINNED, PINS
from tests.benchmarks.tables import filled, markdown

Report = dict[str, Any]

_HEAD = """# What each score means

Written by `python -m tests.benchmarks.study_metrics` from the docstrings and parameters of
`eval/metrics/` and from `docs/benchmarks/metric_check.json`; nothing is typed by hand. The id of a
definition is a hash of everything that fixes its number; it is printed with every score and kept
in every record."""

_PIXELS = {
    "uint8": "8 bits: floats clipped to [0, 1], floats and 16 bits rounded",
    "float": "floats, clipped to [0, 1], unrounded",
    "raw": "packed linear planes, (DN - black) / (white - black), not clipped",
}

_REFUSED = """## What is refused

Pictures are (height, width, 3): uint8 and uint16 span their type, floats [0, 1] with room to
overshoot between -1 and 2. One line names the mistake, and nothing is scored, where a picture
holds NaN or infinities, has another shape, another type or floats on another scale, where sizes
differ, where a clip has too few frames, and where a picture is smaller than a metric's window.
Identical pictures score infinity where an error is divided by: null in JSON, out of every mean,
counted. A constant picture has every score but `mtf50`, which lacks its edge."""


def page(check: Report, speed: Report) -> str:
    """Return the page, Markdown, of what was compared and what was timed."""
    parts = [_HEAD, _listed(), _REFUSED, _checked(check), _printed(check), _speed(speed), _pyiqa(),
             "## The definitions", *map(_definition, metrics().values())]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _listed() -> str:
    table: list[list[object]] = [["metric", "what", "unit", "better", "definition"]]
    for metric in metrics().values():
        row = [f"[`{metric.name}`](#{metric.name})", metric.title, metric.unit or "-"]
        table.append([*row, metric.better, f"`{metric.definition}`"])
    return markdown(table)


def _checked(check: Report) -> str:
    table: list[list[object]] = [
        ["metric", "compared with", "pictures", "most on", "ours", "theirs", "difference"]
    ]
    for one in check["checks"]:
        if one["other"] != WHO:
            numbers = [_digits(one[key]) for key in ("ours", "theirs")]
            row = [f"`{one['metric']}`", one["other"], one["pictures"], one["picture"] or "-"]
            table.append([*row, *numbers, _small(one["difference"])])
    versions = check["software"]
    names = ("scikit-image", "opencv-python-headless", "scipy", "pyiqa")
    made = ", ".join(f"{name} {versions[name]}" for name in names if name in versions)
    return f"""## Beside other implementations

`lleval metrics --check` computes each metric with code that is not ours, on photographs changed in
known ways, noise, constant pictures, edges, charts and clips; a difference above 1e-5 fails. "A
second formula" is the paper's, written again without anything of the first. pyiqa is met where it
means the same: it adds 1e-8 to errors and counts negative values of similarity maps as zero.
Made with {made}.

{markdown(table)}"""


def _printed(check: Report) -> str:
    table: list[list[object]] = [["metric", "picture", "ours", "printed", "within", "status"]]
    for one in check["checks"]:
        if one["other"] == WHO:
            limit = "-" if one["limit"] is None else f"{one['limit']:.2g}"
            numbers = [_digits(one["ours"]), _digits(one["theirs"])]
            row = [f"`{one['metric']}`", one["picture"] or "-", *numbers]
            table.append([*row, limit, _status(one)])
    return f"""## Beside printed scores

Three pairs of TID2013 with the scores their metrics' authors' programs print (`--data DIR`). Ours
must agree to the last digit printed, NIQE within 6 %; PIQE and BRISQUE are only reported, the
latter where its parameter file is at hand.

{markdown(table)}"""


def _speed(speed: Report) -> str:
    table: list[list[object]] = [
        ["beside", "size", "ours, s", "theirs, s", "times", "largest difference",
         "times without `fast`"]
    ]  # fmt: skip
    for peer, one in speed["peers"].items():
        height, width = one["size"]
        differences = (f"{value:.1e} {name}" for name, value in one["largest_difference"].items())
        table.append([
            peer, f"{width}x{height}", f"{one['seconds']:.3f}", f"{one['peer_seconds']:.2f}",
            f"{one['ratio']:.1f}", ", ".join(differences), f"{one['without_fast']['ratio']:.1f}",
        ])  # fmt: skip
    hardware, held = speed["hardware"], speed["memory_bytes"] / 2**20
    return f"""## How fast psnr and ssim are

Both of one pair in one process with all its threads, medians in turns with the other
(`tests/benchmarks/bench_metrics.py`; {hardware["processor"]}, {hardware["cores"]} cores). From a
megapixel up ssim is summed in machine code where the extra `fast` is installed; smaller pictures
are not worth its loading. Ours hold {held:.0f} MiB at most beside the pair.

{markdown(table)}

{_batches(speed["batches"])}"""


def _batches(found: list[Report]) -> str:
    table = [["device", "pairs", "size", "s a pair", "s a pair one by one", "largest difference"]]
    for one in found:
        height, width = one["size"]
        differences = [f"{d:.1e} {name}" for name, d in one["largest_difference"].items()]
        table.append([
            one["device"], str(one["pairs"]), f"{width}x{height}", f"{one['seconds']:.4f}",
            f"{one['alone_seconds']:.4f}", ", ".join(differences),
        ])  # fmt: skip
    return f"""Loops in torch score many pairs of one size where they lie:
`eval.metrics.score_batch` takes batches (B, 3, H, W) on any device and gives psnr, ssim, ssim_gray
and mae of each pair. It is made for accelerators; on a processor `score_images`, one by one, is
faster.

{markdown(table)}"""


def _status(one: Report) -> str:
    if one["ours"] is None:
        return "its file is not at hand"
    return "reported" if one["limit"] is None else str(one["status"])


def _pyiqa() -> str:
    names = ", ".join(f"`{name}`" for name in PINNED)
    text = f"""`pyiqa:NAME` is any metric of pyiqa (extra `iqa`), on the 8-bit pictures, with its
default options; these, and name and SHA-256 of its parameter files, are its definition. Files are
looked for in pyiqa's cache (`$TORCH_HOME/hub/pyiqa`), in `$LLDATA_HOME/.weights/pyiqa` and in
torch's cache (`$TORCH_HOME/hub/checkpoints`); one that is missing is named before any work starts.
With `--download` it is fetched from its authors' address: https only, under its name once it is
whole and checked. Pinned are {names}; any other must stay the first that was fetched. A pickle is
opened only if its SHA-256 is pinned, here or by you, as a line `SHA256 NAME` of
`$LLDATA_HOME/.weights/pyiqa/{PINS}`, and then as tensors only."""
    return "## Through pyiqa\n\n" + filled(text)


def _definition(metric: Metric) -> str:
    facts = [
        f"reads {', '.join(metric.reads)}: {_PIXELS[metric.pixels]}",
        f"from {_bound(metric.bounds[0])} to {_bound(metric.bounds[1])}",
        *(f"{key.replace('_', ' ')}: {_value(value)}" for key, value in metric.parameters.items()),
    ]
    text = inspect.cleandoc(metric.function.__doc__ or "")
    return f"### {metric.name}\n\n{text}\n\n" + "\n".join(f"- {fact}" for fact in facts)


def _bound(value: float) -> str:
    if abs(value) == LARGEST:
        return "any" if value < 0 else "no limit"
    return f"{value:.4g}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "yes" if value is True else str(value)


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _small(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1e}" if value else "0"
