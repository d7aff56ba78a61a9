"""Whether a mean difference could be chance: the signs of whole groups are flipped.

Where two methods are alike, a group's differences are as likely negative as positive: every
choice of signs is as likely as the one observed. Nothing is assumed of the groups' sizes or
spreads, only that each distribution is symmetric.

Source: Fisher, The Design of Experiments, 1935, section 21; by drawn signs: Phipson & Smyth,
Statistical Applications in Genetics and Molecular Biology 9, 2010.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]

MOST_EXACT = 16  # groups: 2^16 flips
DRAWN = 2**16 - 1  # flips where there are more groups
_AT_ONCE = 2**22  # numbers held


def named(groups: int) -> str:
    """Return what the test of this many groups is called."""
    if groups <= MOST_EXACT:
        return f"all {2**groups} sign flips of {groups} groups"
    return f"{DRAWN} drawn sign flips of {groups} groups, seed 0"


def p_values(sums: _Array) -> _Array:
    """Return two-sided p-values of a mean difference of zero.

    Parameters
    ----------
    sums : (R, G) sum of the differences in each group, of R comparisons

    Returns
    -------
    (R,), the share of the flips (the observed one among them) with as large a total
    """
    groups = sums.shape[1]
    count = 2**groups if groups <= MOST_EXACT else DRAWN
    random = np.random.default_rng(0)
    # equal totals may differ by rounding
    observed = np.abs(sums.sum(axis=1)) - 1e-9 * np.abs(sums).sum(axis=1)
    reached = np.zeros(len(sums), dtype=np.int64)
    step = max(1, _AT_ONCE // max(groups, len(sums)))
    for first in range(0, count, step):
        rows = min(step, count - first)
        flips = _every(first, rows, groups) if groups <= MOST_EXACT else _some(random, rows, groups)
        reached += np.sum(np.abs(flips @ sums.T) >= observed, axis=0)
    if groups <= MOST_EXACT:
        return np.asarray(reached / count)
    return np.asarray((reached + 1) / (count + 1))


def _every(first: int, rows: int, groups: int) -> _Array:
    numbers = np.arange(first, first + rows)[:, None] >> np.arange(groups)
    return np.asarray(1.0 - 2.0 * (numbers & 1))


def _some(random: np.random.Generator, rows: int, groups: int) -> _Array:
    drawn = random.integers(0, 256, (rows, (groups + 7) // 8), dtype=np.uint8)
    return np.asarray(1.0 - 2.0 * np.unpackbits(drawn, axis=1, count=groups))
