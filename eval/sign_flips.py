"""Whether a mean difference could be chance: the signs of whole groups are flipped.

Where two methods are alike, a group's differences are as likely negative as positive: every
choice of signs is as likely as the one observed. Nothing is assumed of the groups' sizes or
spreads, only that each distribution is symmetric.

Source: Fisher, The Design of Experiments, 1935, section 21; by drawn signs: Phipson & Smyth,
Statistical Applications in Genetics and Molecular Biology 9, 2010.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]

MOST_EXACT = 16  # groups: 2^16 flips
DRAWN = 2**16 - 1  # flips where there are more groups
ROUNDED = 1e-13  # of a total of scores: what rounding takes
_AT_ONCE = 2**22  # numbers drawn or compared at a time
_CACHED = 2**17  # numbers compared without leaving the processor's cache


def named(groups: int) -> str:
    """Return what the test of this many groups is called."""
    if groups <= MOST_EXACT:
        return f"all {2**groups} sign flips of {groups} groups"
    return f"{DRAWN} drawn sign flips of {groups} groups, seed 0"


def least(groups: int) -> float:
    """Return the smallest p-value that this many groups can give: every one of them agrees."""
    return 2 / 2**groups if groups <= MOST_EXACT else 1 / (DRAWN + 1)


def p_values(sums: _Array) -> _Array:
    """Return two-sided p-values of a mean difference of zero.

    Parameters
    ----------
    sums : (R, G) sum of the differences in each group, of R comparisons

    Returns
    -------
    (R,), the share of the flips (the observed one among them) with as large a total
    """
    return _shares(sums, _reached_by(sums), lambda totals: totals)


def p_values_of_couples(sums: _Array) -> _Array:
    """Return `p_values` of every two methods, scored on the same pairs.

    A total of differences is the difference of two totals: of few methods there are few totals.

    Parameters
    ----------
    sums : (M, G) sum of the scores in each group, of M methods

    Returns
    -------
    (M (M - 1) / 2,), in the order of `itertools.combinations`
    """
    a, b = np.triu_indices(len(sums), 1)
    lost = ROUNDED * np.abs(sums).sum(axis=1)  # scores may be large and their differences small
    observed = _reached_by(sums[a] - sums[b]) - lost[a] - lost[b]
    return _shares(sums, observed, lambda totals: totals[a] - totals[b])


def _reached_by(sums: _Array) -> _Array:
    """Return from where on a total is as large as the observed one: equal ones may be rounded."""
    return np.asarray(np.abs(sums.sum(axis=1)) - 1e-9 * np.abs(sums).sum(axis=1))


def _shares(sums: _Array, observed: _Array, compared: Callable[[_Array], _Array]) -> _Array:
    """Return the shares of the flips whose totals, (S, F), `compared`, (R, F), are as large."""
    groups = sums.shape[1]
    count = 2**groups if groups <= MOST_EXACT else DRAWN
    random = np.random.default_rng(0)
    reached = np.zeros(len(observed), dtype=np.int64)
    whole = sums.sum(axis=1)[:, None]
    step = max(1, _AT_ONCE // max(groups, len(observed)))
    for first in range(0, count, step):
        rows = min(step, count - first)
        bits = _every(first, rows, groups) if groups <= MOST_EXACT else _some(random, rows, groups)
        for some in np.array_split(bits, -(-rows * len(observed) // _CACHED)):
            totals = compared(whole - 2 * (sums @ some.astype(np.float64).T))
            reached += np.count_nonzero(np.abs(totals, out=totals) >= observed[:, None], axis=1)
    if groups <= MOST_EXACT:
        return np.asarray(reached / count)
    return np.asarray((reached + 1) / (count + 1))


def _every(first: int, rows: int, groups: int) -> _Array:
    """Return which groups are flipped, (rows, groups) of 0 and 1: of all choices the next ones."""
    numbers = np.arange(first, first + rows)[:, None] >> np.arange(groups)
    return np.asarray((numbers & 1).astype(np.uint8))


def _some(random: np.random.Generator, rows: int, groups: int) -> _Array:
    """Return which groups are flipped, (rows, groups) of 0 and 1: drawn ones."""
    drawn = random.integers(0, 256, (rows, (groups + 7) // 8), dtype=np.uint8)
    return np.unpackbits(drawn, axis=1, count=groups)
