"""Orthogonal matching pursuit of many signals at once, each to the same error.

scikit-learn's orthogonal_mp_gram goes signal by signal; a photograph has a patch for every pixel.

Source: Pati, Rezaiifar, Krishnaprasad, Orthogonal matching pursuit, Asilomar 1993; the Gram matrix
as in Rubinstein, Zibulevsky, Elad, Efficient implementation of the K-SVD algorithm, 2008.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signals = NDArray[np.float32]  # (N, n)
Atoms = NDArray[np.float32]  # (K, n), rows of norm 1

_AT_A_TIME = 4096  # signals: their products stay in the processor's cache


def sparse_codes(signals: Signals, atoms: Atoms, tolerance: float) -> NDArray[np.float32]:
    """Return the coefficients of each signal, (N, K), most of them 0.

    Parameters
    ----------
    signals : (N, n)
    atoms : (K, n), of norm 1
    tolerance : a signal is done when the squared norm of what is left is no larger, or half as
        many atoms are used as it has values
    """
    codes = np.zeros((len(signals), len(atoms)), np.float32)
    for first in range(0, len(signals), _AT_A_TIME):
        part = slice(first, first + _AT_A_TIME)
        for members, support, weights in _pursued(signals[part], atoms, tolerance):
            codes[part][members[:, None], support] = weights
    return codes


def approximations(signals: Signals, atoms: Atoms, tolerance: float) -> Signals:
    """Return what `sparse_codes` makes of the signals, codes times atoms, (N, n)."""
    result = np.zeros_like(signals)
    for first in range(0, len(signals), _AT_A_TIME):
        part = slice(first, first + _AT_A_TIME)
        for members, support, weights in _pursued(signals[part], atoms, tolerance):
            result[part][members] = np.matmul(weights[:, None], atoms[support])[:, 0]
    return result


def _pursued(
    signals: Signals, atoms: Atoms, tolerance: float
) -> list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]]:
    """Return, for each number of atoms, the signals done with it, their atoms and weights."""
    gram = (atoms @ atoms.T).astype(np.float64)
    members = np.flatnonzero(np.einsum("ij,ij->i", signals, signals) > tolerance)
    support = np.empty((len(members), 0), np.intp)
    rest = wanted = signals[members]
    onto = wanted @ atoms.T
    done = []
    most = signals.shape[1] // 2
    for count in range(1, most + 1):
        if not len(members):
            break
        match = np.abs(rest @ atoms.T)
        np.put_along_axis(match, support, -1, axis=1)  # none is taken twice
        support = np.column_stack([support, match.argmax(axis=1)])
        normal = gram[support[:, :, None], support[:, None, :]]
        right = np.take_along_axis(onto, support, axis=1).astype(np.float64)
        weights = np.linalg.solve(normal, right[..., None])[..., 0].astype(np.float32)
        rest = wanted - np.matmul(weights[:, None], atoms[support])[:, 0]
        left = np.einsum("ij,ij->i", rest, rest) > tolerance
        ended = ~left if count < most else np.ones_like(left)
        done.append((members[ended], support[ended], weights[ended]))
        members, support, rest = members[left], support[left], rest[left]
        wanted, onto = wanted[left], onto[left]
    return done
