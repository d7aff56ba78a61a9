"""What every method is: an `info`, and a call from a sample to a picture.

A method is one file in classical/ or networks/; its file name is its public name and
`build(**options)` makes it. Nothing is registered: the listings scan the folders.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

import baselines.classical
import baselines.networks
from lldata.errors import MethodError
from lldata.sample import Sample

Domain = Literal["raw", "srgb", "clip"]
ReferenceUse = Literal["none", "mean", "histogram", "degradation"]


@dataclass(frozen=True)
class MethodInfo:
    """What a method is, what it reads and whether it looks at the answer."""

    name: str
    title: str
    domain: Domain
    source: str
    licence: str
    input: Literal["short", "amplified"] = "short"  # which render a picture method gets of RAW
    trainable: bool = False
    needs_ratio: bool = False
    reference_use: ReferenceUse = "none"

    @property
    def oracle(self) -> bool:
        """Whether the method looks at the reference: shown apart, never ranked with blind ones."""
        return self.reference_use != "none"


@runtime_checkable
class Method(Protocol):
    """Any object with `info` that maps a sample to a float32 (3, H, W) picture in [0, 1]."""

    @property
    def info(self) -> MethodInfo:
        """What the method is."""
        ...

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the picture, (3, H, W) float32 in [0, 1], on the curve of the reference."""
        ...


def names() -> list[str]:
    """Return the names of all methods: the file names in classical/ and networks/."""
    return sorted(name for name, _ in _modules())


def _modules() -> Iterator[tuple[str, str]]:
    for package in (baselines.classical, baselines.networks):
        for module in pkgutil.iter_modules(package.__path__):
            yield module.name, f"{package.__name__}.{module.name}"


def module(name: str) -> Any:
    """Import the file of the method called `name`.

    Raises
    ------
    MethodError
        If there is no such method, or the extra it needs is not installed.
    """
    found = dict(_modules())
    if name not in found:
        raise MethodError(
            f"--model {name}", "no such method", f"the methods are {', '.join(sorted(found))}",
            "Choose one of them (lleval models lists them)",
        )
    try:
        return importlib.import_module(found[name])
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("lldata", "baselines", "eval"):
            raise
        extra = {"bm3d": "bm3d", "av": "video", "pyiqa": "iqa"}.get(missing, "torch")
        raise MethodError(
            f"--model {name}", f"the package {missing} is not installed",
            f"this method needs the extra '{extra}'",
            f"Install it: pip install 'lowlight-toolkit[{extra}]'",
        ) from error


def build(name: str, **options: Any) -> Method:
    """Make the method called `name`; options are the keywords of its `build`.

    Raises
    ------
    MethodError
        If the method or one of the options does not exist.
    """
    builder = module(name).build
    known = inspect.signature(builder).parameters
    for option in options:
        if option not in known:
            raise MethodError(
                f"--set {option}", f"{name} has no such option",
                f"its options are {', '.join(known) or 'none'}", "Correct the option's name",
            )
    method: Method = builder(**options)
    return method
