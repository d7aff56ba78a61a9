"""How the long is moved and turned against the short: least squares over blocks of the picture.

In each block, short = gain * (long + dy * its slope down + dx * its slope across) (Lucas & Kanade
1981). The sums of products that this needs are kept per block, so that the move of the whole, its
turn, their errors and what moves otherwise all come from one pass over the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lldata.measures.resample import Pose, moved, overlap
from lldata.measures.whitening import SIGMA, Level, Planes

Numbers = NDArray[np.float64]

BLOCK_PX = 24  # pixels a side, about; larger where that would be more than MOST blocks a side
FEWEST, MOST = 4, 16  # blocks a side
DOWN, ACROSS, LONG, SHORT, NOISE = range(5)  # rows and columns of a block's sums
_NOISE_SAMPLE = 4 * np.pi * SIGMA**2  # pixels over which smoothed noise is one sample
_SAMPLING_PX = 0.05  # by which coarse sampling displaces the structure of one block
_OF_HALF = 2.7  # variance of one half's noise over that of the smoothed noise plane
_SEEN = 0.9  # share of a block
_KNOWN = 0.1  # share of a block's structure that may be rounding
_OUTLIER = 9.0  # squared deviations beyond which a block counts less


@dataclass(frozen=True, eq=False)
class BlockSums:
    """The weighted sums of products of each block, and where the blocks lie."""

    products: Numbers  # (n, 5, 5): DOWN, ACROSS, LONG, SHORT, NOISE
    y: Numbers  # (n,) centres, pixels from the frame's centre
    x: Numbers
    grid: tuple[int, int]  # blocks down and across
    side: tuple[int, int]  # pixels of a block
    pose: Pose  # under which the long was compared
    seen: Numbers  # (n,) share of a block that is not too bright for the long
    step: float  # of the short's values

    @property
    def told(self) -> NDArray[np.bool_]:
        """(n,) whether nearly all of a block is dark enough for the long to follow its light."""
        told: NDArray[np.bool_] = self.seen > _SEEN
        return told

    @property
    def fine(self) -> NDArray[np.bool_]:
        """(n,) whether a block's structure is told, and far above what rounding adds to it.

        Gaussian noise evens rounding out (Widrow 1956): of its error's amplitude exp(-2 pi^2
        noise / step^2) stays with the picture. What is seen of noise holds rounding itself.
        """
        area = self.side[0] * self.side[1]
        if not self.step:
            return self.told
        rounded = self.step**2 / 12
        noise = np.maximum(_OF_HALF * self.products[:, NOISE, NOISE] / area - rounded, 0)
        rounding = area * rounded * np.exp(-4 * np.pi**2 * noise / self.step**2)
        structure = self.products[:, SHORT, SHORT] - self.products[:, NOISE, NOISE]
        fine: NDArray[np.bool_] = self.told & (structure * _KNOWN >= rounding)
        return fine

    @property
    def noise(self) -> Numbers:
        """(n,) variance of one pixel's noise, raised as if no two pixels shared any."""
        area = self.side[0] * self.side[1]
        variance: Numbers = self.products[:, NOISE, NOISE] * max(_NOISE_SAMPLE, 1.0) / area
        return variance

    @property
    def effect(self) -> Numbers:
        """(n, 2, 3): how far a block's centre goes per unit of y, x and turn."""
        effect = np.zeros((len(self.y), 2, 3))
        effect[:, 0, 0] = effect[:, 1, 1] = 1
        effect[:, 0, 2], effect[:, 1, 2] = self.x, -self.y
        return effect

    def joined(self) -> BlockSums:
        """Return blocks of 2x2 of these; an odd last row or column is left out."""
        down, across = (side // 2 for side in self.grid)

        def fours(values: Numbers) -> Numbers:
            grid = values.reshape(*self.grid, *values.shape[1:])[: 2 * down, : 2 * across]
            parts = [grid[i::2, j::2] for i in (0, 1) for j in (0, 1)]
            joined: Numbers = np.sum(parts, axis=0).reshape(-1, *values.shape[1:])
            return joined

        side = 2 * self.side[0], 2 * self.side[1]
        y, x = fours(self.y) / 4, fours(self.x) / 4
        products, seen = fours(self.products), fours(self.seen) / 4
        return BlockSums(products, y, x, (down, across), side, self.pose, seen, self.step)


@dataclass(frozen=True)
class Fit:
    """The pose that suits all blocks best."""

    pose: Pose
    error_px: float  # standard error of its shift, in the direction that is known least
    turn_error: float  # radians; infinite if no turn was looked for
    gain: float  # of the short over the long


def sums(level: Level, pose: Pose) -> BlockSums:
    """Add up each block's products with the long moved back by `pose`."""
    rows, columns = overlap(level.shape, pose)
    shape = rows.stop - rows.start, columns.stop - columns.start
    down, across = (min(int(np.clip(round(n / BLOCK_PX), FEWEST, MOST)), n) for n in shape)
    side = shape[0] // down, shape[1] // across
    long = moved(level.long, pose)[rows, columns]
    short, noise = (p[rows, columns] for p in (level.short, level.noise))
    weight = level.weight(moved(level.light, pose)[rows, columns])
    products, seen = np.empty((down, across, 5, 5)), np.empty((down, across))
    for i in range(down):
        strip = slice(i * side[0], (i + 1) * side[0])
        planes = np.stack([*_slopes(long, strip), long[strip], short[strip], noise[strip]])
        tiles = (planes * weight[strip])[..., : across * side[1]]
        tiles = tiles.reshape(5, side[0], across, side[1]).transpose(2, 0, 1, 3)
        tiles = tiles.reshape(across, 5, -1)
        products[i] = tiles @ tiles.transpose(0, 2, 1)
        bright = (weight[strip, : across * side[1]] == 0).reshape(side[0], across, side[1])
        seen[i] = 1 - bright.mean(axis=(0, 2))
    y = rows.start + (np.arange(down) + 0.5) * side[0] - level.shape[0] / 2
    x = columns.start + (np.arange(across) + 0.5) * side[1] - level.shape[1] / 2
    y, x = (a.ravel() for a in np.meshgrid(y, x, indexing="ij"))
    products = products.reshape(-1, 5, 5)
    return BlockSums(products, y, x, (down, across), side, pose, seen.ravel(), level.step)


def solve(blocks: BlockSums, *, turning: bool) -> Fit | None:
    """Fit one pose to all blocks, those that disagree counting less; None where none fits.

    The error is the larger of two: of the noise alone, and of what the blocks say against each
    other (White 1980), which also knows what no noise explains.
    """
    products, unknowns = blocks.products, 3 if turning else 2
    slopes = _sound(products[:, :2, :2])
    turned = (slopes @ blocks.effect[:, :, 2:])[:, :, 0] * blocks.pose.turn
    effect = blocks.effect[:, :, :unknowns]
    trust = np.ones(len(products))
    for _ in range(4):
        energy = float((trust * products[:, LONG, LONG]).sum())
        gain = float((trust * products[:, LONG, SHORT]).sum()) / max(energy, 1e-30)
        if gain <= 0:
            return None
        noise = max(float(blocks.noise.mean()) / gain**2, 1e-30)
        damping = np.linalg.inv(np.eye(2) + slopes * (_SAMPLING_PX**2 / noise))
        known = damping @ slopes
        seen = (products[:, :2, SHORT] / gain - products[:, :2, LONG]) + turned
        seen = (damping @ seen[:, :, None])[:, :, 0]
        normal = np.einsum("nij,n,nik,nkl->jl", effect, trust, known, effect)
        inverse = np.linalg.inv(_sound(normal))
        found = inverse @ np.einsum("nij,n,ni->j", effect, trust, seen)
        left = seen - (known @ (effect @ found)[:, :, None])[:, :, 0]
        odd = (left * np.linalg.solve(known, left[:, :, None])[:, :, 0]).sum(1) / noise
        # the median of chi-square with two degrees of freedom is 2 ln 2
        odd /= max(float(np.median(odd)) / (2 * np.log(2)), 1.0)
        trust = np.minimum(1, _OUTLIER / np.maximum(odd, 1e-9))
    score = np.einsum("nij,n,ni->nj", effect, trust, left)
    among = inverse @ (score.T @ score) @ inverse * len(score) / max(len(score) - unknowns, 1)
    variance = max(np.linalg.eigvalsh(c[:2, :2])[-1] for c in (among, inverse * noise))
    of_turn = max(among[2, 2], inverse[2, 2] * noise) if turning else np.inf
    y, x = blocks.pose.y + float(found[0]), blocks.pose.x + float(found[1])
    pose = Pose(y, x, float(found[2]) if turning else 0.0)
    return Fit(pose, float(np.sqrt(variance)), float(np.sqrt(of_turn)), gain)


def _sound(matrices: Numbers) -> Numbers:
    """Add a trifle to the diagonal, so that flat blocks can be solved, to no effect."""
    size = matrices.shape[-1]
    traces = np.trace(matrices, axis1=-2, axis2=-1)[..., None, None]
    sound: Numbers = matrices + (1e-9 * traces + 1e-30) * np.eye(size)
    return sound


def _slopes(plane: Planes, strip: slice) -> tuple[Planes, Planes]:
    """Return the slopes down and across of some rows, to fourth order; 0 at the frame's rim."""
    top, bottom = max(strip.start - 2, 0), min(strip.stop + 2, len(plane))
    around = plane[top:bottom]
    down, across = np.zeros_like(around), np.zeros_like(around)
    down[2:-2] = _slope(around[:-4], around[1:-3], around[3:-1], around[4:])
    columns = around.T
    across.T[2:-2] = _slope(columns[:-4], columns[1:-3], columns[3:-1], columns[4:])
    inside = slice(strip.start - top, strip.stop - top)
    return down[inside], across[inside]


def _slope(two_before: Planes, before: Planes, after: Planes, two_after: Planes) -> Planes:
    slope = (np.float32(8) * (after - before) - (two_after - two_before)) / np.float32(12)
    return slope.astype(np.float32, copy=False)
