"""K-SVD: patches are written with few atoms of a dictionary learned from the picture itself.

x = (lambda y + sum R^T D a) / (lambda + count) over all overlapping patches, where the code a of
a patch is the sparsest whose squared error is at most n (C sigma)^2. The mean of a patch is taken
off before and put back after.

Source: Elad & Aharon, Image denoising via sparse and redundant representations over learned
dictionaries, IEEE TIP 15(12), 2006.
Trained on: the picture itself, for each picture anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from baselines.classical.histogram_equalization import LUMA
from baselines.inference.denoising.dictionary import cosines, learned
from baselines.inference.denoising.noise_level import Level, calibrations, level, noise_sigma
from baselines.inference.denoising.sparse_coding import Atoms, Signals, approximations
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import flag, number, whole
from lldata.sample import Sample

INFO = MethodInfo(
    name="ksvd",
    title="K-SVD denoising",
    domain="srgb",
    source="Elad & Aharon, Image denoising via learned dictionaries, IEEE TIP 15(12), 2006",
    licence="MIT",
    input="amplified",
    needs_ratio=True,
)
SIDE = 8  # pixels, of a patch
ATOMS = 256
MULTIPLIER = 30 / 255  # lambda times sigma, of sigma where 1 is full white
QUIET = 1e-4  # noise, 1 is full white: nothing to be removed
STRIP = 1 << 15  # patches worked on at a time


@dataclass(frozen=True)
class Ksvd:
    """Each channel, or the luma, over a dictionary of its own."""

    sigma: Level
    iterations: int
    patches: int
    error: float
    per_channel: bool
    seed: int
    info: MethodInfo = INFO

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the denoised picture, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        sigma = noise_sigma(sample, picture, self.sigma)
        with threadpool_limits(1, user_api="blas"):  # the last bits follow the threads
            if self.per_channel:
                channels = zip(picture, sigma, strict=True)
                return np.stack([self.denoised(*each) for each in channels]).clip(0, 1)
            luma: NDArray[np.float32] = np.tensordot(LUMA, picture, axes=1)
            clean = self.denoised(luma, float(np.sqrt(LUMA**2 @ sigma**2)))
        # equal Cb and Cr mean that R, G and B all move by what Y moves
        moved: NDArray[np.float32] = picture + (clean - luma)
        return moved.clip(0, 1)

    def files(self, cameras: Iterable[str]) -> dict[str, Path]:
        """Return the files it reads for frames of these cameras, by name."""
        return calibrations(self.sigma, cameras)

    def denoised(self, plane: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
        """Return a plane, (H, W), whose noise has this standard deviation, without it."""
        if sigma < QUIET:
            return plane
        more = [(0, max(0, SIDE - side)) for side in plane.shape]
        padded = np.pad(plane, more, mode="symmetric")
        atoms = self._dictionary(padded, sigma)
        total, count = np.zeros(padded.shape), np.zeros(padded.shape)
        rows, columns = (side - SIDE + 1 for side in padded.shape)
        step = max(1, STRIP // columns)
        for top in range(0, rows, step):
            strip = padded[top : min(top + step, rows) + SIDE - 1]
            patches = sliding_window_view(strip, (SIDE, SIDE)).reshape(-1, SIDE * SIDE)
            clean = self._clean(patches, atoms, sigma).reshape(-1, columns, SIDE, SIDE)
            for y, x in np.ndindex(SIDE, SIDE):
                place = slice(top + y, top + y + len(clean)), slice(x, x + columns)
                total[place] += clean[:, :, y, x]
                count[place] += 1
        weight = MULTIPLIER / sigma
        result = (weight * padded + total) / (weight + count)
        return result[: plane.shape[0], : plane.shape[1]].astype(np.float32)

    def _dictionary(self, plane: NDArray[np.float32], sigma: float) -> Atoms:
        """Return the atoms fitted to patches drawn at random, each at most once."""
        windows = sliding_window_view(plane, (SIDE, SIDE))
        available = windows.shape[0] * windows.shape[1]
        rng = np.random.default_rng(self.seed)
        drawn = rng.choice(available, min(self.patches, available), replace=False, shuffle=False)
        patches = windows[np.unravel_index(np.sort(drawn), windows.shape[:2])]
        centred, _ = _centred(patches.reshape(-1, SIDE * SIDE))
        return learned(centred, cosines(SIDE, ATOMS), self._tolerance(sigma), self.iterations)

    def _clean(self, patches: Signals, atoms: Atoms, sigma: float) -> Signals:
        centred, means = _centred(patches)
        return approximations(centred, atoms, self._tolerance(sigma)) + means

    def _tolerance(self, sigma: float) -> float:
        return SIDE * SIDE * (self.error * sigma) ** 2


def _centred(patches: Signals) -> tuple[Signals, Signals]:
    means = patches.mean(axis=1, keepdims=True)
    return patches - means, means


def build(
    sigma: Level = "auto",
    iterations: int = 10,
    patches: int = 40000,
    error: float = 1.15,
    per_channel: bool = True,
    seed: int = 0,
) -> Ksvd:
    """Make the method.

    Parameters
    ----------
    sigma : noise of the picture in 1/255, or auto (estimated from it), or calibration (of its
        camera, as lldata calibrate keeps it)
    iterations : of the learning; 0 keeps the overcomplete cosines
    patches : drawn at random to learn from, at most
    error : C, how much larger than sigma the error of a patch may be
    per_channel : R, G and B apart; false: the BT.601 luma only, and noise of the colours stays
    seed : of the drawing

    Raises
    ------
    MethodError
        If an option has a value it cannot have.
    """
    return Ksvd(
        level("sigma", sigma), whole("iterations", iterations, 0, 1000),
        whole("patches", patches, 1, 10**7), number("error", error, 0.1, 10),
        flag("per_channel", per_channel), whole("seed", seed, 0),
    )  # fmt: skip
