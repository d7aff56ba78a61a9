"""How sure a mean over pairs is, when the pairs of a group are alike and groups differ in size.

A score is the mean sought, plus an effect of its group, plus one of its own. The share of the
variance that is between groups decides how much a large group tells. Given that share, Student's
t holds exactly; as it is not known, its posterior is averaged over.

Source: Box & Tiao, Bayesian Inference in Statistical Analysis, 1973, chapter 5 (averaging over
the share of variance); Harville, Biometrika 61, 1974 (the likelihood of the share alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

_Array = NDArray[Any]

SHARES = (np.arange(20) + 0.5) / 20  # equally likely before the scores are seen
LOST_AT = 0.05  # share of the mean's variance that is shared with the residuals, see _shared


@dataclass(frozen=True)
class Spread:
    """What is believed of the distance between the mean over pairs and the true mean.

    A mixture of Student distributions about zero, one of each share of variance.
    """

    errors: _Array  # (..., K) standard errors
    freedoms: _Array  # (K,) degrees of freedom
    beliefs: _Array  # (..., K) weights, of sum 1

    def beyond(self, distance: _Array | float) -> _Array:
        """Return the two-sided probability of a larger distance, shape (...)."""
        far = np.abs(np.asarray(distance, dtype=np.float64))[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where(far > 0, far / self.errors, 0.0)  # without spread: 0 or infinite
        tails = 2 * special.stdtr(self.freedoms, -scaled)
        return np.asarray(np.sum(self.beliefs * tails, axis=-1))

    def half_width(self, confidence: float) -> float:
        """Return the distance that is not exceeded with this probability, of one mean."""
        ends = self.errors * special.stdtrit(self.freedoms, (1 + confidence) / 2)
        low, high = float(np.min(ends)), float(np.max(ends))
        if high - low <= 1e-9 * high:
            return high
        found: float = optimize.brentq(
            lambda distance: float(self.beyond(distance)) - (1 - confidence),
            low * (1 - 1e-9), high * (1 + 1e-9),
        )  # fmt: skip
        return found


def spread_of_mean(means: _Array, within: _Array, sizes: _Array) -> Spread:
    """Return how far the mean over pairs may be from the true mean.

    Parameters
    ----------
    means : (..., G) mean of each group
    within : (...) sum of squared deviations from the groups' means, over all pairs
    sizes : (G,) pairs of each group

    Notes
    -----
    For groups of one size it is Student's t on G - 1 degrees of freedom of the groups' means.
    """
    pairs, groups = int(sizes.sum()), len(sizes)
    variances = SHARES[:, None] + (1 - SHARES[:, None]) / sizes  # (K, G), up to a common factor
    precision = 1 / variances
    known = precision.sum(axis=1)
    weights = sizes / pairs
    of_mean = np.sum(weights**2 * variances, axis=1)
    residuals = means[..., None, :] - (means @ precision.T / known)[..., None]
    squares = np.sum(residuals**2 * precision, axis=-1)  # (..., K)
    total = np.maximum(squares + within[..., None] / (1 - SHARES), np.finfo(np.float64).tiny)
    likelihoods = -0.5 * (
        (pairs - 1) * np.log(total)
        + np.log(variances).sum(axis=1)
        + np.log(known)
        + (pairs - groups) * np.log(1 - SHARES)
    )
    lost, shared = _shared(residuals, weights * variances - 1 / known[:, None], precision, of_mean)
    freedoms = groups - 1.0 - shared
    errors = np.sqrt(of_mean * np.maximum(squares - lost, 0) / freedoms)
    beliefs = np.exp(likelihoods - likelihoods.max(axis=-1, keepdims=True))
    return Spread(errors, freedoms, beliefs / beliefs.sum(axis=-1, keepdims=True))


def _shared(
    residuals: _Array, direction: _Array, precision: _Array, of_mean: _Array
) -> tuple[_Array, _Array]:
    """Return what the residuals share with the mean, (..., K), and for which shares it counts.

    Groups of unequal size make the mean over pairs correlate with the residuals: a large group
    that lies far off moves the mean and widens every other group's residual. That one direction
    is left out of the residuals, and of the degrees of freedom, unless it is of no account.
    """
    length = np.sum(direction**2 * precision, axis=1)
    shared = length > LOST_AT * of_mean
    along = np.sum(residuals * (direction * precision), axis=-1)
    return np.where(shared, along**2 / np.where(shared, length, 1.0), 0.0), shared
