"""Any metric of pyiqa, offline: `pyiqa:niqe`, `pyiqa:piqe`, ... (extra `iqa`).

pyiqa fetches parameter files without a hash and unpickles some of them. Here a file must
already lie in one of two folders, a pinned file must have its hash, a pickle without one is
read as tensors only, and the name and hash of every file are part of the definition id.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
from numpy.typing import NDArray

from eval.metrics.definition import Better, Metric
from lldata.errors import ScoreError
from lldata.store import home

# SHA-256 of parameter files whose content is known to be their authors'.
PINNED = {
    "niqe_modelparameters.mat": "8452f33e53831faaf83c3b63bf99ab10a7b3d16e56837d7c0bb7537c728c2eff",
}


def folders() -> tuple[Path, Path]:
    """Return where parameter files are looked for: pyiqa's own cache, then ours."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "torch"
    torch_home = Path(os.environ.get("TORCH_HOME", str(cache))).expanduser()
    return torch_home / "hub" / "pyiqa", home() / ".weights" / "pyiqa"


@functools.cache
def load_metric(name: str, *, download: bool = False) -> Metric:
    """Return pyiqa's metric `name` with its parameter files checked and loaded.

    Parameters
    ----------
    name : pyiqa's own name, without "pyiqa:"
    download : whether pyiqa may fetch a file that is in neither folder

    Raises
    ------
    ScoreError
        If the extra is not installed, pyiqa has no such metric, or a parameter file is
        missing or is not the pinned one.
    """
    pyiqa = _import(name)
    if name not in pyiqa.list_models():
        raise ScoreError(
            f"--metrics pyiqa:{name}",
            "pyiqa has no such metric",
            f"version {pyiqa.__version__} has {len(pyiqa.list_models())} others",
            "List them with: pyiqa -ls",
        )
    files: dict[str, str] = {}
    with _local_files_only(f"pyiqa:{name}", files, download=download):
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
        parameters={"files": files, "options": _options(pyiqa, name)},
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
def _local_files_only(metric: str, files: dict[str, str], *, download: bool) -> Iterator[None]:
    """While pyiqa builds a metric, let it read checked local files and nothing else.

    Its modules bind the function that fetches a file when they are imported, so it is exchanged
    in all of them and put back at the end. `files` collects name -> SHA-256 of what was used.
    """
    import pyiqa.utils.download_util as fetching
    import torch

    fetch, load = fetching.load_file_from_url, torch.load

    def local(url: str, *_: Any, file_name: str | None = None, **__: Any) -> str:
        file = file_name or Path(urlparse(url).path).name
        found = next((folder / file for folder in folders() if (folder / file).is_file()), None)
        if found is None:
            if not download:
                raise _missing(metric, file, folders()[1])
            found = Path(fetch(url, str(folders()[1]), file_name=file))
        files[file] = _checked(found)
        return str(found)

    def tensors_only(source: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(source, str | Path):
            files[Path(source).name] = _checked(Path(source))
        pinned = isinstance(source, str | Path) and Path(source).name in PINNED
        return load(source, *arguments, **{**options, "weights_only": not pinned})

    def refuse(_: Any, target: Any = None, *__: Any, **___: Any) -> None:
        path = Path(str(target)) if isinstance(target, str) and os.sep in target else None
        raise _missing(metric, path.name if path else "weights", path.parent if path else None)

    with contextlib.ExitStack() as changes:
        changes.enter_context(contextlib.redirect_stdout(sys.stderr))
        changes.enter_context(_exchanged(torch, "load", tensors_only))
        if not download:
            changes.enter_context(_exchanged(torch.hub, "download_url_to_file", refuse))
            changes.enter_context(_exchanged(socket, "getaddrinfo", refuse))
        _rebind(fetch, local)
        changes.callback(_rebind, local, fetch)
        yield


@contextlib.contextmanager
def _exchanged(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _rebind(old: object, new: object) -> None:
    """Bind `load_file_from_url` to `new` in every loaded module of pyiqa that has `old`."""
    for name, module in list(sys.modules.items()):
        if name.startswith("pyiqa") and vars(module).get("load_file_from_url") is old:
            vars(module)["load_file_from_url"] = new


def _missing(metric: str, file: str, folder: Path | None) -> ScoreError:
    where = f"Put it into {folder}" if folder else "Put it where pyiqa looks for it"
    return ScoreError(
        f"--metrics {metric}",
        f"its parameter file {file} is not here",
        "parameter files are read offline",
        f"{where}, or let pyiqa fetch it with --download",
    )


def _checked(path: Path) -> str:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    pinned = PINNED.get(path.name, found)
    if found != pinned:
        raise ScoreError(
            path,
            f"its SHA-256 is {found[:16]}...",
            f"the authors' file has {pinned[:16]}...",
            "Replace it by the authors' file",
        )
    return found
