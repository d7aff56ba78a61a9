"""Deep Image Prior: a network fitted to one noisy picture, stopped before it learns the noise.

Nothing is learnt from other pictures: the prior is that convolutions find structure sooner than
noise. A frame larger than `tile` is fitted in overlapping tiles, each by a network of its own,
blended linearly where they overlap. Fitting costs `iterations` forward and backward passes.

Source: Ulyanov, Vedaldi, Lempitsky, Deep Image Prior, CVPR 2018; the details that the paper
leaves out follow its released denoising example. Matching the histogram afterwards is how
Anantrasirichai and Bull 2021 compare with it.
Trained on: the picture itself.
"""

# Shape suffixes: B batch (1) · C planes · H, W rows and columns

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from baselines.classical import histogram_matching
from baselines.inference.device import resolve
from baselines.inference.tiles.blended_tiles import blended
from baselines.inputs import picture_of
from baselines.method import Method, MethodInfo
from baselines.options import number, whole
from baselines.training.learner import drawn
from lldata.errors import MethodError
from lldata.sample import Sample

INFO = MethodInfo(
    name="deep_image_prior",
    title="Deep Image Prior",
    domain="srgb",
    source="Ulyanov et al., Deep Image Prior, CVPR 2018",
    licence="MIT",
    input="amplified",
    needs_ratio=True,
    parameters=2_217_831,
)
SEED_PLANES = 32  # of the fixed noise the network turns into the picture
SEED_RANGE = 0.1
SKIP_PLANES = 4
LEARNING_RATE = 0.01
AVERAGING = 0.99  # decay of the running mean of the outputs, which is the result
FALL_DB = 5.0  # a fit that falls so far goes back to where it was last kept
KEEP_EVERY = 100  # iterations


class SkipNet(nn.Module):
    """An hourglass of scales, each with a thin bypass: fixed noise in, a picture out.

    Parameters
    ----------
    width : planes of every scale
    scales : how often the size is halved
    """

    def __init__(self, width: int = 128, scales: int = 5) -> None:
        super().__init__()
        self.grid = 2**scales  # its input's sides are multiples of this, two at least
        planes = [SEED_PLANES, *[width] * (scales - 1)]  # that each scale is given
        self.outer = _Scale(planes[-1], width, None)
        for before in planes[-2::-1]:
            self.outer = _Scale(before, width, self.outer)
        self.head = nn.Conv2d(width, 3, 1)

    def forward(self, noise_BCHW: Tensor) -> Tensor:
        """Return the picture (B, 3, H, W) in [0, 1]."""
        picture: Tensor = torch.sigmoid(self.head(self.outer(noise_BCHW)))
        return picture


class _Scale(nn.Module):
    """Down, through all smaller scales, and up again; beside it, the bypass."""

    def __init__(self, before: int, width: int, smaller: nn.Module | None) -> None:
        super().__init__()
        self.bypass = _convolution(before, SKIP_PLANES, 1)
        self.down = nn.Sequential(
            _convolution(before, width, 3, stride=2), _convolution(width, width, 3)
        )
        self.smaller = smaller
        self.joined = nn.BatchNorm2d(SKIP_PLANES + width)
        self.up = nn.Sequential(
            _convolution(SKIP_PLANES + width, width, 3), _convolution(width, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        deep = self.down(x)
        if self.smaller is not None:
            deep = self.smaller(deep)
        deep = functional.interpolate(deep, scale_factor=2.0, mode="bilinear")
        joined: Tensor = self.up(self.joined(torch.cat((self.bypass(x), deep), dim=1)))
        return joined


def _convolution(before: int, after: int, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, size // 2, padding_mode="reflect"),
        nn.BatchNorm2d(after),
        nn.LeakyReLU(0.2, inplace=True),
    )


def fit(
    network: nn.Module, noisy_3HW: Tensor, iterations: int, *, grid: int, jitter: float, seed: int
) -> Tensor:
    """Fit a network to a picture and return the running mean of what it made on the way.

    Parameters
    ----------
    network : noise (1, 32, h, w) -> picture (1, 3, h, w); it is changed
    noisy_3HW : the picture, any size: noise and output reach beyond it to the network's grid,
        and are judged inside it only
    grid : the multiple of pixels the network's input has on each side
    jitter : deviation of what is added to the noise, anew in each iteration
    seed : of the noise

    Returns
    -------
    (3, H, W), on the device of the picture

    Raises
    ------
    MethodError
        If the error is no finite number before the network was first kept.
    """
    height, width = noisy_3HW.shape[1:]
    size = [max(-(-side // grid), 2) * grid for side in (height, width)]
    random = torch.Generator().manual_seed(seed)
    noise = torch.rand((1, SEED_PLANES, *size), generator=random) * SEED_RANGE
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    mean = torch.zeros_like(noisy_3HW)
    kept: dict[str, Tensor] = {}
    kept_error, averaged = torch.inf, 0
    for iteration in range(1, iterations + 1):
        shaken = noise + jitter * torch.randn(noise.shape, generator=random)
        output = network(shaken.to(noisy_3HW.device))[0, :, :height, :width]
        loss = functional.mse_loss(output, noisy_3HW)
        error = loss.item()
        if not error <= kept_error * 10 ** (FALL_DB / 10):  # nor is NaN
            _take_back(network, optimiser, kept, error, iteration)
            continue
        averaged += 1
        decay = min(AVERAGING, averaged / (averaged + 9))  # the first outputs are soon forgotten
        mean.lerp_(output.detach(), 1 - decay if averaged > 1 else 1.0)
        if iteration % KEEP_EVERY == 0:
            kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            kept_error = error
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return mean


def _take_back(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    kept: dict[str, Tensor],
    error: float,
    iteration: int,
) -> None:
    """Go back to where the network was kept; what made it no number is not remembered."""
    if not kept:
        raise MethodError(
            INFO.name, f"the error of the fit is {error} at iteration {iteration}",
            "it stays finite as long as picture and network are",
            "Look for values in the picture that are no numbers, or lower --set jitter",
        )  # fmt: skip
    network.load_state_dict(kept)
    if not math.isfinite(error):
        optimiser.state.clear()


@dataclass(frozen=True, eq=False)
class DeepImagePrior:
    """The picture a fresh network makes when it is fitted to the noisy one for a while."""

    make: Callable[[], SkipNet]
    iterations: int
    tile: int  # px
    jitter: float
    seed: int
    device: torch.device
    matching: Method | None
    info: MethodInfo = INFO

    @property
    def parameters(self) -> int:
        """The number of values fitted to a tile."""
        with torch.device("meta"):
            return sum(p.numel() for p in self.make().parameters())

    def __call__(self, sample: Sample) -> NDArray[np.float32]:
        """Return the picture without its noise, (3, H, W) in [0, 1]."""
        noisy = picture_of(sample, self.info.name).clip(0, 1)
        result = blended(self._fitted, noisy, self.tile)
        if self.matching is not None:
            return self.matching(replace(sample, srgb=result))
        return result.clip(0, 1)

    def _fitted(self, noisy: NDArray[np.float32]) -> NDArray[np.float32]:
        network: SkipNet = drawn(self.make, self.seed).to(self.device)
        wanted = torch.from_numpy(np.ascontiguousarray(noisy)).to(self.device)
        fitted: NDArray[np.float32] = fit(
            network, wanted, self.iterations,
            grid=network.grid, jitter=self.jitter, seed=self.seed,
        ).cpu().numpy()  # fmt: skip
        return fitted


def build(
    iterations: int = 3000,
    tile: int = 512,
    match: str | Path | None = None,
    jitter: float = 1 / 30,
    width: int = 128,
    scales: int = 5,
    seed: int = 0,
    device: str = "auto",
) -> DeepImagePrior:
    """Make the method.

    Parameters
    ----------
    iterations : of the fit; too few blur, too many bring the noise back
    tile : longest side that is fitted by one network, px
    match : an image whose histogram is given to the result, or `reference` for the histogram of
        the picture's own reference: the method is then an oracle
    jitter : deviation of the noise added to the network's input in each iteration; the released
        example has 1/30, and 1/20 for heavy noise
    width, scales : planes and scales of the network
    seed : of the network's first weights and its input
    device : auto, cpu, cuda, cuda:N or mps

    Raises
    ------
    MethodError
        If an option has a value it cannot have, or the target is no image.
    """
    planes, halvings = whole("width", width, 1, 1024), whole("scales", scales, 1, 8)
    oracle = match == "reference"
    matching = None if match is None else histogram_matching.build(None if oracle else match)
    return DeepImagePrior(
        lambda: SkipNet(planes, halvings),
        whole("iterations", iterations, 1),
        whole("tile", tile, 1),
        number("jitter", jitter, 0, 1),
        whole("seed", seed, 0, 2**63 - 1),
        resolve(device),
        matching,
        replace(INFO, reference_use="histogram") if oracle else INFO,
    )
