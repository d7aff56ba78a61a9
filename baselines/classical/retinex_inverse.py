"""Undo the darkening I' = I - alpha (1 - I^gamma) I by solving it for I.

Blind it takes the same alpha and gamma for every picture: 1 and 1, where I = sqrt(I'). Told what
was drawn for each picture (`degradation`) it is an oracle, and exact where no noise was added and
alpha is at most 1. Above 1 the darkening left nothing below a threshold, so whatever noise stands
there now is lifted beyond it while black stays black: told the truth it can then do worse than
blind.

Source: Ri, Choe, O, Kim, "Restoration of Low-Light Image based on Deep Residual Networks",
Eq. 5 with the power I^gamma of Eq. 4.
Trained on: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from baselines.inputs import drawn_of, picture_of
from baselines.method import MethodInfo
from baselines.options import flag, number
from lldata.errors import MethodError
from lldata.sample import Sample
from lldata.synthesis.retinex import invert

INFO = MethodInfo(
    name="retinex_inverse",
    title="Inverse of the Retinex darkening",
    domain="srgb",
    source="Ri et al., Restoration of Low-Light Image based on Deep Residual Networks, Eq. 5",
    licence="MIT",
)
ALPHA = GAMMA = 1.0


@dataclass(frozen=True)
class RetinexInverse:
    """The I that the formula darkens to the picture, each value by itself."""

    alpha: float
    gamma: float
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the picture before it was darkened, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        alpha, gamma = self.alpha, self.gamma
        if self.info.reference_use == "degradation":
            drawn = drawn_of(sample, self.info.name)
            alpha, gamma = drawn.alpha, drawn.gamma
        return np.asarray(invert(picture, alpha, gamma), np.float32).clip(0, 1)


def build(
    alpha: float | None = None, gamma: float | None = None, degradation: bool = False
) -> RetinexInverse:
    """Make the method.

    Parameters
    ----------
    alpha : strength of the darkening that is undone, 1 unless given; above 1 it leaves nothing of
        the darkest values, and what is black stays black
    gamma : exponent of the darkening that is undone, 1 unless given
    degradation : take the alpha and gamma drawn for each picture of a synthesised dataset instead;
        the method is then an oracle

    Raises
    ------
    MethodError
        If an option has a value it cannot have, or alpha or gamma is given beside `degradation`.
    """
    if not flag("degradation", degradation):
        return RetinexInverse(
            number("alpha", ALPHA if alpha is None else alpha, 0, 10),
            number("gamma", GAMMA if gamma is None else gamma, 0.01, 100),
        )
    for option, value in (("alpha", alpha), ("gamma", gamma)):
        if value is not None:
            raise MethodError(
                f"--set {option}", f"it is {value!r} and degradation is true",
                "the true value is taken from the dataset then", "Leave one of them out",
            )  # fmt: skip
    return RetinexInverse(ALPHA, GAMMA, replace(INFO, reference_use="degradation"))
