"""Files that options of a method name: their content decides a score as much as the options."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from baselines import method as methods


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
        kept[f"{key}_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return kept
