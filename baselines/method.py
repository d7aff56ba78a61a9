"""What every method is: an `info`, and a call from a sample to a picture.

A method is one file in classical/ or networks/; its file name is its public name, `INFO` says
what it is and `build(**options)` makes it. Nothing is registered: the listings scan the folders.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
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
    parameters: int | None = None  # of the preset `paper` for Bayer; None without a network

    @property
    def oracle(self) -> bool:
        """Whether the method looks at the reference: shown apart, never ranked with blind ones."""
        return self.reference_use != "none"


@runtime_checkable
class Method(Protocol):
    """Any object with `info` that maps a sample to a float32 (3, H, W) picture in [0, 1].

    It may also have `raw(sample)`, packed linear planes (C, h, w) of what its picture shows;
    `files(cameras)`, by name the paths of what it reads for frames of these cameras; and `facts`,
    a mapping of what it is made of besides its options. The last two are kept in the record.
    """

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


def _location(name: str) -> str:
    found = dict(_modules())
    stem, _, picture = name.partition("@")
    if stem not in found:
        raise MethodError(
            f"--model {name}",
            "no such method",
            f"the methods are {', '.join(sorted(found))}",
            "Choose one of them (lleval models lists them)",
        )
    if "@" in name and picture not in ("short", "amplified"):
        raise MethodError(
            f"--model {name}",
            f"'{picture}' is no rendering of the short frame",
            "after @ stands 'short' or 'amplified'",
            f"Use {stem}@short or {stem}@amplified",
        )
    return found[stem]


def info(name: str) -> MethodInfo:
    """Return what the method called `name` is, without importing what it needs.

    Its file's `INFO = MethodInfo(...)` holds literals only and is read as text, so that a
    listing is quick and also shows the methods whose extra is not installed.

    Raises
    ------
    MethodError
        If there is no such method.
    """
    for node in _tree(name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "INFO":
            call = node.value
            if isinstance(call, ast.Call):
                fields = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
                return _rendered(MethodInfo(**fields), name)
    raise ImportError(f"{name} has no INFO = MethodInfo(...)")


def description(name: str) -> str:
    """Return what the method's file says it does, without its source and training data.

    Raises
    ------
    MethodError
        If there is no such method.
    """
    return (ast.get_docstring(_tree(name)) or "").partition("\nSource:")[0].strip()


def _tree(name: str) -> ast.Module:
    spec = importlib.util.find_spec(_location(name))
    if spec is None or spec.origin is None:
        raise ImportError(f"the file of {name} cannot be found")
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _rendered(info: MethodInfo, name: str) -> MethodInfo:
    """Apply the `@short` or `@amplified` of a method's name to its info."""
    _, at, picture = name.partition("@")
    if not at:
        return info
    if info.domain != "srgb":
        raise MethodError(
            f"--model {name}",
            f"{info.name} reads {info.domain} data",
            "only a method of domain srgb is given a rendered frame",
            f"Use --model {info.name}",
        )
    if picture == "short":
        # the ratio is what an amplified picture is amplified by
        needs_ratio = info.needs_ratio and info.input != "amplified"
        return replace(info, name=name, input="short", needs_ratio=needs_ratio)
    return replace(info, name=name, input="amplified", needs_ratio=True)


def module(name: str) -> Any:
    """Import the file of the method called `name`.

    Raises
    ------
    MethodError
        If there is no such method, or the extra it needs is not installed.
    """
    location = _location(name)
    try:
        return importlib.import_module(location)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("lldata", "baselines", "eval"):
            raise
        extra = {"bm3d": "bm3d", "av": "video", "pyiqa": "iqa"}.get(missing, "torch")
        raise MethodError(
            f"--model {name}",
            f"the package {missing} is not installed",
            f"this method needs the extra '{extra}'",
            f"Install it: pip install 'lowlight-toolkit[{extra}]'",
        ) from error


def build(name: str, **options: Any) -> Method:
    """Make the method called `name`; options are the keywords of its `build`.

    `NAME@short` and `NAME@amplified` choose which rendering of a RAW frame a picture method gets.

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
                f"--set {option}",
                f"{name} has no such option",
                f"its options are {', '.join(known) or 'none'}",
                "Correct the option's name",
            )
    method: Method = builder(**options)
    if "@" in name:
        return _Rerendered(method, _rendered(method.info, name))
    return method


@dataclass(frozen=True)
class _Rerendered:
    """A picture method that asks for another rendering of the short frame than by default."""

    method: Method
    info: MethodInfo

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        return self.method(sample)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.method, name)


def check_trainable(name: str) -> None:
    """Refuse a method that has nothing to train.

    Raises
    ------
    MethodError
        If there is no such method, or it is not trainable.
    """
    if info(name).trainable:
        return
    trainable = [known for known in names() if info(known).trainable]
    raise MethodError(
        f"--model {name}",
        "it has nothing to train",
        f"the trainable methods are {', '.join(trainable)}",
        f"Choose one of them, or run it as it is: lleval run --model {name}",
    )
