"""How a run is called: a label that tells records apart, and the folder it is kept in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 100  # characters; a folder's name holds the method's, too


def label_of(
    options: Mapping[str, Any], config: Mapping[str, Any], seed: int, *, named: bool = False
) -> str:
    """Return what tells runs of one method apart: what it was trained on, and its options.

    The dataset, and preset and seed where they are not quick and 0; then the options given, and
    what its network reads where training chose that.

    Parameters
    ----------
    options : as a record keeps them
    config : of the weights
    seed : of the run
    named : whether other weights than the dataset's own were named: their hash is added
    """
    parts = []
    if config:
        sha256 = str(config["sha256"])[:8]
        parts += [str(config["trained_on"])] if config.get("trained_on") else []
        parts += [config["preset"]] if config.get("preset", "quick") != "quick" else []
        parts += [f"seed{config['seed']}"] if config.get("seed") else []
        parts += [f"weights-{sha256}"] if named or not config.get("trained_on") else []
    elif seed:
        parts.append(f"seed{seed}")
    told = {"trained_on": config.get("trained_on")}  # stands in front
    chosen = {"input": config.get("options", {}).get("input")} | dict(options)
    for key, value in sorted(chosen.items()):
        if value is None or value == told.get(key):
            continue
        parts.append(f"{key}={value[:8] if key.endswith('_sha256') else value}")
    return _short("-".join(parts)) or "default"


def folder_name(
    method: str, label: str, *, limit: int | None, metrics: tuple[str, ...], digest: str | None
) -> str:
    """Return METHOD--LABEL, and what else keeps a run from replacing one of another kind.

    Parameters
    ----------
    limit : of the pairs, where it left some out
    metrics : those asked for, where they are not the track's
    digest : of the dataset, where it is not the one of that name under $LLDATA_HOME
    """
    parts = [label]
    parts += [f"limit{limit}"] if limit is not None else []
    parts += ["+".join(metrics)] if metrics else []
    parts += [f"data{digest[:8]}"] if digest else []
    return f"{method}--{_short('-'.join(parts))}"


def _short(text: str) -> str:
    """Return the text as a file name takes it; a long one is cut, with the hash of the whole."""
    plain = re.sub(r"[^A-Za-z0-9_.=+-]+", "_", text)
    if len(plain) <= LONGEST:
        return plain
    return f"{plain[: LONGEST - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
