"""One view over several datasets, such as the ISO sets of one camera: ISO is then a column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from lldata.errors import StoreError
from lldata.sample import Sample, read_sample
from lldata.store import Store, open_store


class View:
    """Several datasets read as one. A pair is known by its dataset and its id.

    Parameters
    ----------
    stores : datasets of different names and contents

    Raises
    ------
    StoreError
        If there is none, or two have one name or the same content.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        if not stores:
            raise StoreError("view", "no dataset is named", "one or more are needed", "Name some")
        for attribute, said in (("name", "the same name"), ("digest", "the same content")):
            first: dict[str, Store] = {}
            for store in stores:
                key = getattr(store, attribute)
                if key in first:
                    raise StoreError(
                        f"{first[key].name} and {store.name}", f"they have {said}",
                        "a view counts every pair once", "Leave one of them out",
                    )  # fmt: skip
                first[key] = store
        self.stores = {store.name: store for store in stores}
        tables = [store.pairs.assign(dataset=name) for name, store in self.stores.items()]
        joined = pd.concat(tables, ignore_index=True)
        self.pairs = joined[["dataset", *(c for c in joined if c != "dataset")]]

    def usable(self, split: str | None = None) -> pd.DataFrame:
        """Return the pairs that are not in quarantine, of one split or of all."""
        rows = self.pairs[self.pairs["status"] != "quarantine"]
        return rows if split is None else rows[rows["split"] == split]

    def store_of(self, row: Any) -> Store:
        """Return the dataset that a row of the pair table comes from."""
        return self.stores[row.dataset]

    def sample(
        self,
        dataset: str,
        pair: str,
        *,
        picture: Literal["short", "amplified"] | None = None,
        reference: bool = False,
    ) -> Sample:
        """Read one pair, as `lldata.sample.read_sample` does.

        Raises
        ------
        StoreError
            If the view has no such dataset, or that no such pair.
        """
        if dataset not in self.stores:
            raise StoreError(
                f"view: {dataset}", "there is no dataset of that name",
                f"the view has {', '.join(self.stores)}", "Name one of them",
            )  # fmt: skip
        return read_sample(self.stores[dataset], pair, picture=picture, reference=reference)

    def counts(self) -> list[dict[str, Any]]:
        """Return how many usable pairs there are of each dataset, ISO, split and whole ratio."""
        table = self.usable()
        table = table.assign(ratio=table["ratio"].round())
        keys = ["dataset", "iso", "split", "ratio"]
        groups = table.groupby(keys, sort=True, dropna=False).size()
        rows = groups.rename("pairs").reset_index()
        return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def open_view(datasets: Sequence[str | Path]) -> View:
    """Open several datasets, by name or folder, as one.

    Raises
    ------
    StoreError
        If one cannot be opened, or two are the same.
    """
    return View([open_store(dataset) for dataset in datasets])


def key_of(pairs: pd.DataFrame, column: str) -> pd.Series[str]:
    """Return a column of a pair table as names that no two datasets share."""
    return pairs["dataset"] + "/" + pairs[column] if "dataset" in pairs else pairs[column]
