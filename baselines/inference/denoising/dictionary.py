"""Dictionaries of small patches: the overcomplete cosines, and K-SVD, which fits them to patches.

Source: Aharon, Elad, Bruckstein, K-SVD, IEEE Transactions on Signal Processing 54(11), 2006: each
atom in turn becomes the first singular vector of what the others leave of the patches that use
it; atoms that hardly any patch uses, or that resemble another, are replaced by the patch that is
represented worst.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from baselines.inference.denoising.sparse_coding import Atoms, Signals, sparse_codes

_FEWEST = 4  # patches that an atom must serve
_ALIKE = 0.99  # absolute cosine between atoms that count as one


def cosines(side: int, atoms: int) -> Atoms:
    """Return the overcomplete cosine dictionary, (atoms, side^2), rows of norm 1.

    Products of vertical and horizontal cosines of frequencies 0 to sqrt(atoms) - 1 half waves in
    sqrt(atoms) pixels, all but the first without mean.

    Parameters
    ----------
    side : pixels, of a patch
    atoms : a square number
    """
    frequencies = math.isqrt(atoms)
    waves = np.cos(np.outer(np.arange(frequencies), np.arange(side)) * math.pi / frequencies)
    waves[1:] -= waves[1:].mean(axis=1, keepdims=True)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    return np.kron(waves, waves).astype(np.float32)


def learned(patches: Signals, atoms: Atoms, tolerance: float, iterations: int) -> Atoms:
    """Return a dictionary fitted to patches, rows of norm 1.

    Parameters
    ----------
    patches : (N, n)
    atoms : (K, n), to start from
    tolerance : squared error of a patch that is good enough
    iterations : sparse coding of all patches, then an update of all atoms
    """
    atoms = atoms.copy()
    for _ in range(iterations):
        codes = sparse_codes(patches, atoms, tolerance)
        left = patches - codes @ atoms
        for atom in range(len(atoms)):
            _update(atom, atoms, codes, left)
        _replace(atoms, codes, patches, left)
    return atoms


def _update(atom: int, atoms: Atoms, codes: NDArray[np.float32], left: Signals) -> None:
    """Fit an atom and its coefficients to the patches that use it, in place."""
    users = np.flatnonzero(codes[:, atom])
    if not len(users):
        return
    errors = left[users] + np.outer(codes[users, atom], atoms[atom])
    # the first right singular vector; of a 64x64 matrix rather than of all the patches
    vector = np.linalg.eigh(errors.T.astype(np.float64) @ errors)[1][:, -1]
    atoms[atom] = vector * (1.0 if vector @ atoms[atom] >= 0 else -1.0)
    codes[users, atom] = errors @ atoms[atom]
    left[users] = errors - np.outer(codes[users, atom], atoms[atom])


def _replace(atoms: Atoms, codes: NDArray[np.float32], patches: Signals, left: Signals) -> None:
    """Put the worst represented patches in the place of idle and of double atoms, in place."""
    worst = iter(np.argsort(-np.einsum("ij,ij->i", left, left), kind="stable"))
    uses = np.count_nonzero(codes, axis=0)
    alike = np.abs(atoms @ atoms.T)
    for atom in range(len(atoms)):
        double = (alike[atom, :atom] > _ALIKE).any()
        candidate = next(worst, None) if double or uses[atom] < _FEWEST else None
        length = 0.0 if candidate is None else float(np.linalg.norm(patches[candidate]))
        if length > 0:
            atoms[atom] = patches[candidate] / length
            alike[atom] = alike[:, atom] = np.abs(atoms @ atoms[atom])
