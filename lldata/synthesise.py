"""Datasets of darkened photographs: what `lldata synthesize` does before the first photograph."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from lldata import ingest, store
from lldata.engine import Engine
from lldata.errors import ProtocolError, StoreError
from lldata.ingest import Dataset
from lldata.protocol import SPOKEN, SynthesisProtocol, load
from lldata.synthesis.pairs import Seeded


def prepare(
    src: Path, name: str, protocol: str, seed: int, engine: Engine, lists: Path | None = None
) -> Dataset:
    """Return the dataset that a folder of photographs gives, for `ingest.ingest` to make.

    Parameters
    ----------
    src : photographs, also in folders inside it
    name : of the dataset
    protocol : one of synthesised sets
    seed : of all that is drawn; the same seed, protocol and photographs give the same digest
    lists : folder of list files that decide the splits; else those in `src`, else the protocol

    Raises
    ------
    ProtocolError
        If the protocol is none of synthesised sets.
    StoreError
        If a dataset of that name stands, from changed photographs or drawn otherwise.
    """
    chosen = load(protocol)
    if not isinstance(chosen, SynthesisProtocol):
        raise ProtocolError(
            f"--protocol {protocol}", f"it is for {SPOKEN[chosen.kind]}",
            "one that darkens photographs is needed",
            "Choose raise_retinex or raise_gamma (lldata protocols describes them)",
        )  # fmt: skip
    (dataset,) = ingest.prepare(src, protocol, name, engine, lists)
    known = {f.name: getattr(chosen, f.name) for f in fields(chosen)}
    seeded = Seeded(**known, seed=seed)
    _check_standing(dataset, seeded)
    return replace(dataset, plan=replace(dataset.plan, protocol=seeded))


def _check_standing(dataset: Dataset, protocol: Seeded) -> None:
    """Refuse to add to a dataset that was drawn from another seed or under another text."""
    for entry in list(store.scene_entries(dataset.path))[:1]:
        standing = store.read_scene(Path(entry.path))
        seed = standing.facts.get(f"low/{standing.scene}", {}).get("seed")
        if (seed, standing.protocol_text) != (protocol.seed, protocol.text):
            raise StoreError(
                dataset.path, f"it was drawn from seed {seed} under {standing.protocol}",
                f"this call draws from seed {protocol.seed} under {protocol.name}, or its text "
                "has changed", "Choose another name, or draw as before",
            )  # fmt: skip
