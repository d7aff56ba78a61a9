"""Any metric of pyiqa, offline: `pyiqa:niqe`, `pyiqa:piqe`, ... (extra `iqa`).

While pyiqa builds a metric, its ways to files and to the network are exchanged for those of
`parameter_files`; what a file holds is read as tensors only, and its name and hash are part of the
definition id.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.parse import urlparse

import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import Better, Metric
from eval.metrics.parameter_files import Files, folders
from lldata.errors import ScoreError

_FETCHING = ("pyiqa", "torchvision", "timm", "torch.hub", "torch.utils.model_zoo")


@functools.cache
def load_metric(name: str, *, download: bool = False, also: Path | None = None) -> Metric:
    """Return pyiqa's metric `name` with its parameter files checked and loaded.

    Parameters
    ----------
    name : pyiqa's own name, without "pyiqa:"
    download : whether pyiqa may fetch a file that is in neither folder
    also : one more folder that may hold files

    Raises
    ------
    ScoreError
        If the extra is not installed, pyiqa has no such metric, or a parameter file is
        missing, is not the pinned one, or is a pickle that is not pinned.
    """
    pyiqa = _import(name)
    if name not in pyiqa.list_models():
        raise ScoreError(
            f"--metrics pyiqa:{name}",
            "pyiqa has no such metric",
            f"version {pyiqa.__version__} has {len(pyiqa.list_models())} others",
            "List them with: pyiqa -ls",
        )
    files = Files(f"pyiqa:{name}", (*folders(), *([also] if also else [])), download)
    with _checked_files_only(files):
        network = pyiqa.create_metric(name, device="cpu")
    full_reference = network.metric_mode == "FR"
    better: Better = "lower" if network.lower_better else "higher"
    return Metric(
        f"pyiqa:{name}",
        _score_with(network, name),
        unit="",
        better=better,
        reads=("output", "reference") if full_reference else ("output",),
        pixels="uint8",
        parameters={"files": files.used, "options": _options(pyiqa, name)},
    )


def _import(name: str) -> Any:
    try:
        import pyiqa
    except ModuleNotFoundError as error:
        raise ScoreError(
            f"--metrics pyiqa:{name}",
            f"the package {error.name} is not installed",
            "metrics of pyiqa need the extra 'iqa'",
            "Install it: pip install 'lowlight-toolkit[iqa]'",
        ) from error
    return pyiqa


def _options(pyiqa: Any, name: str) -> dict[str, Any]:
    options = pyiqa.default_model_configs.DEFAULT_CONFIGS[name]["metric_opts"]
    return {
        key: value if isinstance(value, int | float | bool) else str(value)
        for key, value in options.items()
    }


def _score_with(network: Any, name: str) -> Callable[..., float]:
    def score(*images: NDArray[np.uint8]) -> float:
        import torch

        tensors = [torch.from_numpy(image / np.float32(255)) for image in images]
        batches = [tensor.permute(2, 0, 1)[None].contiguous() for tensor in tensors]
        with torch.random.fork_rng(devices=[]):  # some of pyiqa's metrics draw random crops
            torch.manual_seed(0)
            return float(network(*batches))

    score.__doc__ = f"pyiqa's {name}, on the 8-bit images, with its default options."
    return score


@contextlib.contextmanager
def _checked_files_only(files: Files) -> Iterator[None]:
    """While pyiqa builds a metric, let it read checked files and nothing else.

    Modules bind the functions that fetch a file when they are imported, so these are exchanged in
    all of them and put back at the end.
    """
    import pyiqa.utils.download_util as fetching
    import torch

    reach = socket.getaddrinfo
    fetch, fetch_state = fetching.load_file_from_url, torch.hub.load_state_dict_from_url

    def named(url: str, *_: Any, file_name: str | None = None, **__: Any) -> str:
        with _exchanged(socket, "getaddrinfo", reach):
            return str(files.named(file_name or Path(urlparse(url).path).name, url))

    def state(url: str, *_: Any, file_name: str | None = None, **options: Any) -> Any:
        return torch.load(named(url, file_name=file_name), options.get("map_location"))

    def placed(url: str, target: str, *_: Any, **__: Any) -> None:
        with _exchanged(socket, "getaddrinfo", reach):
            files.fetched(url, Path(target))

    def refuse(*_: Any, **__: Any) -> None:
        raise ScoreError(
            f"--metrics {files.metric}", "it asks the network for more than a parameter file",
            "only such files are fetched, and checked", "Choose another metric",
        )  # fmt: skip

    with contextlib.ExitStack() as changes:
        changes.enter_context(contextlib.redirect_stdout(sys.stderr))
        for owner in (torch, torch.jit):
            changes.enter_context(_exchanged(owner, "load", _pinned_only(owner.load, files)))
        changes.enter_context(_exchanged(torch.hub, "download_url_to_file", placed))
        changes.enter_context(_exchanged(socket, "getaddrinfo", refuse))
        for old, new in ((fetch, named), (fetch_state, state)):
            _rebind(old, new)
            changes.callback(_rebind, new, old)
        yield


def _pinned_only(load: Callable[..., Any], files: Files) -> Callable[..., Any]:
    """Return torch's `load` for files whose sha256 is pinned, as tensors only."""
    restricted = {"weights_only": True} if load.__module__ == "torch.serialization" else {}

    def loaded(source: Any, *arguments: Any, **options: Any) -> Any:
        path = Path(source if isinstance(source, str | Path) else getattr(source, "name", ""))
        if path.name:  # else it was made in memory, of what has been checked
            files.check(path, pickled=True)
        try:
            return load(source, *arguments, **{**options, **restricted})
        except UnpicklingError as error:
            raise ScoreError(
                path, "it holds more than tensors", "nothing else is read of a pickle",
                "Choose another metric",
            ) from error  # fmt: skip

    return loaded


@contextlib.contextmanager
def _exchanged(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _rebind(old: object, new: object) -> None:
    """Bind every name of `old` to `new` in the loaded modules that fetch files, whatever it is."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_FETCHING):
            for key in [key for key, value in vars(module).items() if value is old]:
                vars(module)[key] = new
