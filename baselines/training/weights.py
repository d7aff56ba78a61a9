"""Trained weights: `model.safetensors` and the `config.json` that says where they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from lldata.errors import MethodError
from lldata.publish import write_replacing
from lldata.store import home

MODEL = "model.safetensors"  # the finished weights
BEST = "best.safetensors"  # the best by validation
CONFIG = "config.json"  # written last: a folder that has it is finished


def write(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors as .safetensors and return the file's sha256."""
    content = save({name: t.detach().cpu().contiguous() for name, t in tensors.items()})
    write_replacing(path, content)
    return hashlib.sha256(content).hexdigest()


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write what was trained, on what and how; this finishes a training folder."""
    text = json.dumps(config, indent=2, allow_nan=False) + "\n"
    write_replacing(folder / CONFIG, text.encode())


def read(path: str | Path, method: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read weights and verify them.

    Parameters
    ----------
    path : a training folder (its finished weights), or a .safetensors
    method : the method they are for

    Returns
    -------
    the tensors, and the config: the values of the `config.json` beside them, with `path` and
    `sha256` of the very file that was read. A file that this config does not name by its sha256
    is a lone one, of which nothing else is known.

    Raises
    ------
    MethodError
        If there are no weights, they are damaged, or they are another method's.
    """
    file = Path(path) / MODEL if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise MethodError(
            path,
            "there are no weights",
            f"a folder with {MODEL} or a .safetensors is needed",
            f"Train them (lleval train --model {method} --dataset D) or correct --weights",
        )
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    config = _config_of(file, found, method)
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise MethodError(
            file,
            f"it is no safetensors file ({error})",
            "weights are kept as .safetensors",
            "Copy or train them again",
        ) from error
    return tensors, {**config, "path": str(file), "sha256": found}


def _config_of(file: Path, sha256: str, method: str) -> dict[str, Any]:
    """Return the config beside a file if it names this very file, else an empty one."""
    key = {MODEL: "sha256", BEST: "best_sha256"}.get(file.name)
    try:
        config = read_config(file.with_name(CONFIG), method) or {}
    except MethodError:
        if key is None:  # any folder may hold some config.json
            return {}
        raise
    if sha256 in (config.get("sha256"), config.get("best_sha256")):
        return config
    if key in config:
        raise MethodError(
            file,
            f"its sha256 is {sha256[:12]}…",
            f"{CONFIG} says {str(config[key])[:12]}…",
            "The weights are damaged or not this training's: copy or train them again",
        )
    return {}


def read_config(path: Path, method: str) -> dict[str, Any] | None:
    """Read the config of a training of a method, or None where there is none.

    Raises
    ------
    MethodError
        If it is damaged, or another method's.
    """
    if not path.is_file():
        return None
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        trained = config["method"]
    except (ValueError, TypeError, KeyError) as error:
        raise MethodError(
            path,
            "it is not the config of a training",
            f"it names the method, {method}",
            "Copy or train the weights again",
        ) from error
    if trained != method:
        raise MethodError(
            path,
            f"these are weights of {trained}",
            f"weights of {method} are needed",
            f"Use --model {trained}, or other weights",
        )
    return dict(config)


def newest(method: str, dataset: str) -> Path | None:
    """Return the folder of the newest finished weights trained on a dataset, or None."""
    folders = (home() / ".weights" / method / dataset).glob(f"*/{CONFIG}")
    finished = sorted(folders, key=lambda config: config.stat().st_mtime_ns)
    return finished[-1].parent if finished else None
