"""What a method costs: parameters, operations, seconds and memory for one frame.

It runs untrained, on random light, in a process of its own: what it computes does not depend on
values, but for methods that are fitted to each picture or search in it.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines import method as methods
from baselines.method import Method
from eval.machine import peak_memory_bytes, synchronise
from eval.random_light import Size, sample_for
from eval.running.pairs import accepted
from lldata.errors import MethodError

SIZES: Mapping[str, Size] = {"raw": (2848, 4256), "srgb": (400, 600), "clip": (1080, 1920)}
_LEAST = 6  # px: one period of the largest CFA
_RUNS, _ENOUGH_S = 5, 20.0  # timed runs; fewer where they take long


@dataclass(frozen=True)
class Profile:
    """The cost of a method on one frame."""

    parameters: int | None  # None without a network
    flops: int | None  # multiplications and additions; None without a network
    seconds: float  # median of warm, synchronised runs
    peak_memory_bytes: int  # resident, interpreter and libraries included; on CUDA allocated
    device: str


def parsed_size(text: str) -> Size:
    """Return HEIGHTxWIDTH as numbers.

    Raises
    ------
    MethodError
        If the text is none.
    """
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise MethodError(
            f"--size {text}", "this is no size", "HEIGHTxWIDTH is needed",
            "Write for example --size 2848x4256",
        )  # fmt: skip
    return int(height), int(width)


def said(found: Profile) -> list[tuple[str, str | None]]:
    """Return a profile as rows of names and values with their units."""
    return [
        ("parameters", None if found.parameters is None else f"{found.parameters:,}"),
        ("operations", None if found.flops is None else f"{found.flops / 1e9:,.1f} G"),
        ("seconds", f"{found.seconds:.4g}"),
        ("peak memory", f"{found.peak_memory_bytes / 2**20:,.0f} MiB"),
        ("device", found.device),
    ]


def profile(
    name: str,
    size: Size | None = None,
    *,
    device: str = "auto",
    options: Mapping[str, Any] | None = None,
) -> Profile:
    """Measure a method in a fresh process.

    Parameters
    ----------
    name : the method
    size : of the frame, px (of a RAW frame: of its mosaic); default that of its domain in SIZES
    device : auto, cpu, cuda, cuda:N or mps
    options : of its `build`

    Raises
    ------
    MethodError
        If the method, the device or an option does not exist, or the process was ended, as a
        frame that is too large for the memory does.
    """
    height, width = size or SIZES[methods.info(name).domain]
    if min(height, width) < _LEAST:
        raise MethodError(
            f"--size {height}x{width}", "such a frame is not profiled",
            f"each side has at least {_LEAST} pixels", "Give a larger size",
        )  # fmt: skip
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, fresh) as pool:
        measured = pool.submit(measure, name, (height, width), device, dict(options or {}))
        try:
            return measured.result()
        except BrokenProcessPool as error:
            raise MethodError(
                f"--model {name} --size {height}x{width}", "the process that ran it was ended",
                "it needs less memory than there is", "Give a smaller --size",
            ) from error  # fmt: skip


def measure(name: str, size: Size, device: str, options: Mapping[str, Any]) -> Profile:
    """Measure a method in this process, whose peak memory must be its own."""
    given = accepted(name, options, {"device": device})
    method = methods.build(name, **given)
    fitted = hasattr(method, "parameters") and not hasattr(method, "network")
    flops = _flops_of_a_fit(method, size) if fitted else None
    seconds = _seconds(method, size)
    peak = _peak_memory(str(getattr(method, "device", "cpu")))
    if hasattr(method, "network"):
        from eval.flops import flops_of

        flops = flops_of(method, sample_for(method, size))
    return Profile(
        parameters=getattr(method, "parameters", None),
        flops=flops,
        seconds=seconds,
        peak_memory_bytes=peak,
        device=str(getattr(method, "device", "cpu")),
    )


def _flops_of_a_fit(method: Method, size: Size) -> int:
    from eval.flops import Tally, exhaust

    with Tally(computing=True) as tally:
        exhaust(method(sample_for(method, size)))
    return int(tally.flops)


def _seconds(method: Method, size: Size) -> float:
    """Return the median seconds of warm runs."""
    times: list[float] = []
    _run(method, size)
    while len(times) < _RUNS and (not times or sum(times) + times[-1] < _ENOUGH_S):
        times.append(_run(method, size))
    return statistics.median(times)


def _run(method: Method, size: Size) -> float:
    sample = sample_for(method, size)
    synchronise()
    start = time.perf_counter()
    pictures: Any = method(sample)
    for _ in pictures:  # a clip is computed frame by frame
        pass
    synchronise()
    return time.perf_counter() - start


def _peak_memory(device: str) -> int:
    """Return the most memory this process has held, or on CUDA has allocated there."""
    if device.startswith("cuda"):
        return int(sys.modules["torch"].cuda.max_memory_allocated(device))
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage also counts the program that started this one
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        most = [int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")]
        if most:  # sandboxes leave it out
            return most[0]
    return peak_memory_bytes() or 0
