"""What a run was made with: versions, processor, accelerator, memory."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import ThreadpoolController, threadpool_info

PACKAGES = (
    "lowlight-toolkit", "numpy", "scipy", "opencv-python-headless", "scikit-image", "rawpy",
    "h5py", "torch", "pyiqa", "numba",
)  # fmt: skip

Fact = str | int | None


def software() -> dict[str, str]:
    """Return the versions of Python and of the packages that can change a score."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware(device: str) -> dict[str, Fact]:
    """Return what the scores and times were measured on.

    Parameters
    ----------
    device : where the method ran: cpu, cuda, cuda:N or mps
    """
    accelerator = None
    torch = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None:
        accelerator = str(torch.cuda.get_device_name(device))
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "device": device,
        "accelerator": accelerator,
    }


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def peak_memory_bytes() -> int | None:
    """Return the largest resident memory this process has had; None where it is not told."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def threads(*, network: bool) -> int:
    """Return the threads this process computes one pair with.

    A network is computed by torch, and what it rounds to may depend on their number; other
    methods by any native library, of which the one with the most threads counts.
    """
    torch, cv2 = sys.modules.get("torch"), sys.modules.get("cv2")
    if network and torch is not None:
        return int(torch.get_num_threads())
    counts = [int(pool["num_threads"]) for pool in threadpool_info()]
    return max([1, *counts, *([int(cv2.getNumThreads())] if cv2 is not None else [])])


@contextlib.contextmanager
def one_algebra_thread() -> Iterator[None]:
    """Let NumPy and SciPy multiply with one thread inside: sums follow the number of threads.

    Torch has a library of its own, which is left alone.
    """
    with ThreadpoolController().select(internal_api="openblas").limit(limits=1):
        yield


def synchronise() -> None:
    """Wait for the accelerator, so that a clock read now has seen all of its work."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.synchronize()
