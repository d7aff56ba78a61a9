"""The weights of a run: without --weights only those trained on this very dataset will do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from baselines import method as methods
from lldata.errors import MethodError
from lldata.protocol import SynthesisProtocol, parse
from lldata.store import Store


def own_weights(method: str, store: Store) -> Path | None:
    """Return the newest finished weights of a method trained on a dataset of this name, if any."""
    methods.module(method)  # names the missing extra before weights are missed
    from baselines.training.weights import newest

    return newest(method.partition("@")[0], store.name)


def missing(
    method: str, dataset: str | Path, store: Store, options: Mapping[str, Any],
    *, nameable: bool = True,
) -> MethodError:  # fmt: skip
    """Return the error that there are no weights, with the command that makes some.

    `nameable`: whether the user can name others with --weights instead.
    """
    name = method.partition("@")[0]
    command = train_command(name, dataset, store, options)
    return MethodError(
        f"--model {name}",
        f"there are no weights of it trained on {dataset}",
        "a trained method needs some",
        f"Train them: {command}" + (", or name others with --weights" if nameable else ""),
    )


def weights_on(method: str, store: Store, options: Mapping[str, Any] | None = None) -> Path:
    """Return the newest finished weights of a method trained on these very data.

    Raises
    ------
    MethodError
        If there are none, or only of a dataset that has no more than the name in common.
    """
    methods.check_trainable(method.partition("@")[0])
    folder = own_weights(method, store)
    if folder is None:
        raise missing(method, store.name, store, options or {}, nameable=False)
    from baselines.training.weights import CONFIG, read_config

    path = folder / CONFIG
    config = read_config(path, method.partition("@")[0]) or {}
    check_own(method, {**config, "path": str(path)}, store, store.name, nameable=False)
    return folder


def training_of(weights: Path, method: str) -> str:
    """Return how weights that `weights_on` gave were trained, in words: preset and steps."""
    from baselines.training.weights import CONFIG, read_config

    config = read_config(weights / CONFIG, method.partition("@")[0]) or {}
    return f"preset {config.get('preset', 'unknown')}, {config.get('steps', 'unknown')} steps"


def check_own(
    method: str, config: Mapping[str, Any], store: Store, dataset: str | Path,
    *, nameable: bool = True,
) -> None:  # fmt: skip
    """Refuse weights of a dataset that has only its name in common with this one, or has grown.

    Raises
    ------
    MethodError
        If the digests differ.
    """
    if config.get("digest") == store.digest:
        return
    command = train_command(method.partition("@")[0], dataset, store)
    raise MethodError(
        Path(config["path"]).parent,
        f"these weights were trained on data of digest {str(config.get('digest'))[:12]}",
        f"dataset {store.name} has digest {store.digest[:12]}",
        f"Move them away and train others: {command}"
        + (", or name them with --weights" if nameable else ""),
    )


def is_own(weights: Path, own: Path | None, config: Mapping[str, Any], store: Store) -> bool:
    """Whether the weights named are those that would be taken without being named."""
    if own is None or config.get("digest") != store.digest:
        return False
    from baselines.training.weights import MODEL

    return weights.resolve() in (own.resolve(), (own / MODEL).resolve())


def warn_of_leak(
    config: Mapping[str, Any], pairs: Iterable[str], store: Store, tell: Callable[[str], None]
) -> None:
    """Say whether the weights have seen pairs to be scored."""
    if config.get("trained_on") != store.name:
        return
    seen = len(set(config.get("pairs", ())) & set(pairs))
    if seen:
        tell(f"the weights were trained on {seen} of these pairs: these scores are no test")
    if config.get("digest") not in (None, store.digest):
        tell(f"the weights were trained on another state of {store.name} (its digest differs)")


def trained_on(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return dataset/split, None for weights without a config, nothing without weights."""
    if not config:
        return ()
    if "trained_on" not in config:
        return None
    return (f"{config['trained_on']}/{config.get('split', 'train')}",)


def train_command(
    name: str, dataset: str | Path, store: Store, options: Mapping[str, Any] | None = None
) -> str:
    """Return the command that trains a method, with those of the options that recipes have."""
    recipe = methods.module(name).PRESETS["quick"]
    known = {field.name for field in fields(recipe)}
    given = {key: value for key, value in (options or {}).items() if key in known}
    if recipe.redraw and store.kind == "pictures" and not _synthesised(store):
        given.setdefault("redraw", "false")  # captures cannot be darkened anew
    chosen = "".join(f" --set {key}={value}" for key, value in given.items())
    return f"lleval train --model {name} --dataset {dataset}{chosen}"


def _synthesised(store: Store) -> bool:
    return isinstance(parse(store.protocol, store.protocol_text), SynthesisProtocol)
