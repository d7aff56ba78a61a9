"""What a method takes out of its sample or dataset, or a sentence on why it cannot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from baselines.method import MethodInfo
from lldata.errors import MethodError
from lldata.sample import Sample
from lldata.store import Store


def check_data(info: MethodInfo, store: Store) -> None:
    """Refuse a method that needs more than a dataset of ready pictures or of clips holds.

    Raises
    ------
    MethodError
        If the dataset holds clips, or ready pictures where the method reads RAW frames, or
        pictures amplified by an exposure ratio.
    """
    if store.kind == "clips":
        raise MethodError(
            f"--dataset {store.name}",
            "its clips are unpaired: low and target show different times",
            f"{info.name} is trained and scored on pairs, and no full-reference score applies",
            "Choose a dataset of pairs (lldata ls); methods for clips come later, and the "
            "README.md beside the dataset shows how to read its frames",
        )  # fmt: skip
    if store.kind != "pictures":
        return
    if info.domain == "raw":
        raise MethodError(
            f"--model {info.name}", "it reads RAW frames",
            f"{store.name} holds ready pictures",
            "Choose a method of domain srgb (lleval models), or a dataset of RAW frames",
        )  # fmt: skip
    if info.domain == "srgb" and info.input == "amplified":
        raise MethodError(
            f"--model {info.name}", "its input is amplified by the exposure ratio",
            f"{store.name} holds ready pictures, whose ratio is not known",
            f"Use {info.name.partition('@')[0]}@short, or a dataset of RAW frames",
        )  # fmt: skip


def picture_of(sample: Sample, name: str) -> NDArray[np.float32]:
    """Return the picture of a sample, (3, H, W) float32.

    Raises
    ------
    MethodError
        If the sample has none.
    """
    return _present(sample.srgb, sample, name, "a rendered picture")


def planes_of(sample: Sample, name: str) -> NDArray[np.float32]:
    """Return the packed planes of a sample, (C, h, w) float32, linear.

    Raises
    ------
    MethodError
        If the sample has none: its dataset holds ready pictures.
    """
    return _present(sample.packed, sample, name, "a RAW frame")


def reference_of(sample: Sample, name: str) -> NDArray[np.float32]:
    """Return the reference an oracle method looks at, (3, H, W) float32.

    Raises
    ------
    MethodError
        If the sample has none.
    """
    return _present(sample.reference, sample, name, "the reference (it is an oracle)")


def _present(
    array: NDArray[np.float32] | None, sample: Sample, name: str, what: str
) -> NDArray[np.float32]:
    if array is None:
        raise MethodError(
            f"{name} on {sample.pair}",
            "the sample does not hold it",
            f"{name} needs {what}",
            "Use a dataset that has it, or another method (lleval models)",
        )
    return array
