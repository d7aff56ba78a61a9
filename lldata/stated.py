"""What the protocol kept in a dataset says; in a dataset from elsewhere it may be anything."""

from __future__ import annotations

from typing import Any, TypeVar

from lldata.errors import StoreError
from lldata.scene import finite
from lldata.store import Store

Kind = TypeVar("Kind", str, float, list[Any], dict[str, Any])
_WORDS = {str: "a text", float: "a finite number", list: "a list", dict: "a table"}


def stated(dataset: Store, key: str, kind: type[Kind]) -> Kind | None:
    """Return what a key of a dataset's protocol says, None where the protocol is silent.

    Parameters
    ----------
    key : its tables and its name, such as limits.shift_warn_px
    kind : str, float (whole numbers too), list or dict

    Raises
    ------
    StoreError
        If the value is of another kind, or what should hold it is no table.
    """
    value: Any = _table(dataset)
    passed: list[str] = []
    for name in key.split("."):
        if not isinstance(value, dict):
            raise _malformed(dataset, f"{'.'.join(passed)} is {value!r:.40}", dict)
        if name not in value:
            return None
        passed.append(name)
        value = value[name]
    found = finite(value) if kind is float else value
    if not isinstance(found, kind):
        raise _malformed(dataset, f"{key} is {value!r:.40}", kind)
    return found


def _table(dataset: Store) -> dict[str, Any]:
    try:
        return dataset.protocol_table
    except (ValueError, RecursionError) as error:  # numbers too long, tables too deep
        raise _malformed(dataset, f"it cannot be read ({error})", dict) from error


def _malformed(dataset: Store, found: str, kind: type) -> StoreError:
    return StoreError(
        f"{dataset.path}: the protocol in it", found, f"{_WORDS[kind]} is needed",
        "Get the dataset again, or ingest its frames under a protocol of lldata",
    )  # fmt: skip
