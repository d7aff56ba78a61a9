"""Where a network runs and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

from baselines.options import choose
from lldata.errors import MethodError

Precision = Literal["fp32", "bf16"]


def resolve(device: str) -> torch.device:
    """Return the device of this name; "auto" is CUDA, else MPS, else the CPU.

    Raises
    ------
    MethodError
        If there is no such device here.
    """
    if not isinstance(device, str):
        raise MethodError(
            "--set device", f"it is {device!r}", "it is a name", "Use --device auto, cpu or cuda:N"
        )
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if present[name]))
    kind, _, index = device.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not present.get(kind, False) or (index and not (index.isdigit() and int(index) < count)):
        here = ", ".join(name for name, is_present in present.items() if is_present)
        raise MethodError(
            f"--device {device}",
            "there is no such device",
            f"this machine has {here}",
            "Use --device auto",
        )
    return torch.device(device)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def chosen(precision: str, device: torch.device) -> Precision:
    """Return the precision an option stands for; "auto" is bf16 where hardware multiplies it.

    Raises
    ------
    MethodError
        If the option is none of auto, fp32 and bf16.
    """
    choose("precision", precision, ("auto", "fp32", "bf16"))
    if precision == "auto":
        return "bf16" if _multiplies_bf16(device) else "fp32"
    return "bf16" if precision == "bf16" else "fp32"


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # older versions of torch cannot tell
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16", False))
    return False


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """Compute in this precision inside the `with`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def full_precision(device: torch.device) -> AbstractContextManager[None]:
    """Compute in float32 inside the `with`, whatever stands around it."""
    if not torch.amp.is_autocast_available(device.type):  # the meta device, which counts FLOPs
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
