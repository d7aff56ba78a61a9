"""Training crops through torch loaders of every kind: the same crops, and no deadlock."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch.utils.data import DataLoader, Subset

from lldata.dataset import Crops
from lldata.store import open_store
from tests.stores import night

SETTINGS = ((0, None), (2, "fork"), (2, "spawn"), (4, "fork"), (4, "spawn"))
CROPS = 32


def digest(folder: Path, workers: int, start: str | None) -> str:
    """Return the sha256 of the first crops, read by some worker processes started one way.

    The store is read from before the workers start, so that a fork inherits open files.
    """
    store = open_store(folder)
    crops = Crops(store, store.usable("train"), 16, seed=3)
    _ = crops[0]
    loader = DataLoader(
        Subset(crops, range(CROPS)), batch_size=4, num_workers=workers,
        multiprocessing_context=start, timeout=60 if workers else 0,
    )  # fmt: skip
    seen = hashlib.sha256()
    for batch in loader:
        for tensor in batch:
            seen.update(tensor.numpy().tobytes())
    return seen.hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each way to load."""
    night(folder / "night", "train train train test", takes=2)
    return {
        f"{workers} workers, {start or 'none'}": digest(folder / "night", workers, start)
        for workers, start in SETTINGS
    }
