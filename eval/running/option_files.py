"""Files that a method reads: their content decides a score as much as the options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from baselines import method as methods
from baselines.method import Method
from lldata.upkeep import file_digest


def files_named(method: str, options: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files among a method's options, by name of the option.

    An option may name a file if `build` declares it as a path.
    """
    hints = get_type_hints(methods.module(method).build)
    paths = [key for key, hint in hints.items() if hint is Path or Path in get_args(hint)]
    found = {key: Path(options[key]) for key in paths if isinstance(options.get(key), str | Path)}
    return {key: path for key, path in found.items() if path.is_file()}


def recorded(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as a record keeps them: a file by its name, and KEY_sha256 of its content."""
    kept = dict(options)
    for key, path in files_named(method, options).items():
        kept[key] = path.name
        kept[f"{key}_sha256"] = file_digest(path)
    return kept


def read_by(method: Method, cameras: Iterable[str]) -> dict[str, str]:
    """Return what decides a method's pictures that its options do not name.

    Parameters
    ----------
    method : may have `facts`, a mapping of what it is made of, and `files`, a function of cameras
        that gives the files it reads of them, by name
    cameras : of the frames it is run on

    Returns
    -------
    the facts, and NAME_sha256 of each file
    """
    files = getattr(method, "files", None)
    read = {} if files is None else files(cameras)
    hashes = {f"{name}_sha256": file_digest(path) for name, path in sorted(read.items())}
    return {**getattr(method, "facts", {}), **hashes}
