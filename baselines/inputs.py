"""What a method takes out of its sample or dataset, or a sentence on why it cannot."""

from __future__ import annotations

import inspect

import numpy as np
from numpy.typing import NDArray

from baselines import method as methods
from baselines.method import MethodInfo
from lldata.errors import MethodError
from lldata.sample import Sample
from lldata.store import Store
from lldata.synthesis.retinex import Drawn


def check_data(info: MethodInfo, store: Store) -> None:
    """Refuse a method that reads something else than a dataset holds.

    Parameters
    ----------
    info : of the method as it was built: options and weights may decide what it reads

    Raises
    ------
    MethodError
        If the method reads clips and the dataset holds none; or if it holds clips or ready
        pictures where the method reads RAW frames, pictures amplified by an exposure ratio or,
        of clips, the reference.
    """
    what = {"clips": "clips", "pictures": "ready pictures"}.get(store.kind)
    if info.domain == "clip" and store.kind != "clips":
        raise MethodError(
            f"--model {info.name}", "it reads clips", f"{store.name} holds pairs",
            "Choose a method of domain raw or srgb (lleval models), or a dataset of clips",
        )  # fmt: skip
    if store.kind == "clips" and info.oracle:
        raise MethodError(
            f"--model {info.name}", f"it looks at the {info.reference_use} of the reference",
            f"the clips of {store.name} are unpaired", "Choose a blind method (lleval models)",
        )  # fmt: skip
    if what is not None and info.domain == "raw":
        raise MethodError(
            f"--model {info.name}", "it reads RAW frames", f"{store.name} holds {what}",
            f"Choose a method of domain srgb (lleval models), {_retrained(info.name, store)}"
            "or a dataset of RAW frames",
        )  # fmt: skip
    if what is not None and info.domain == "srgb" and info.input == "amplified":
        raise MethodError(
            f"--model {info.name}", "its input is amplified by the exposure ratio",
            f"{store.name} holds {what}, whose ratio is not known",
            f"Use {info.name.partition('@')[0]}@short, or a dataset of RAW frames",
        )  # fmt: skip


def _retrained(name: str, store: Store) -> str:
    """Return how a method that can read pictures instead is trained to, if it can."""
    if "input" not in inspect.signature(methods.module(name).build).parameters:
        return ""
    command = f"lleval train --model {name} --dataset {store.name} --set input=srgb"
    return f"train this one on pictures ({command}), "


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


def drawn_of(sample: Sample, name: str) -> Drawn:
    """Return the alpha and gamma by which the formula darkened the photograph of a sample.

    Raises
    ------
    MethodError
        If the sample does not hold them, or the plain power law darkened it.
    """
    drawn = sample.drawn
    if drawn is None:
        found = "the sample does not hold it"
    elif drawn.generator != "retinex":
        found = "the power law alpha I^gamma darkened it"
    else:
        return drawn
    raise MethodError(
        f"{name} on {sample.pair}", found,
        "it needs to know how the photograph was darkened by the Retinex formula",
        "Use a dataset made by lldata synthesize --protocol raise_retinex, or leave out "
        "--set degradation=true",
    )  # fmt: skip


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
