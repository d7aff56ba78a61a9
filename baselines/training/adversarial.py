"""What a generator is told of how real its pictures look: discriminators and their losses.

Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017
(discriminators of 70x70 px); Mao et al., Least Squares Generative Adversarial Networks, ICCV
2017; Jolicoeur-Martineau, The relativistic discriminator, ICLR 2019 (RaLSGAN, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor, nn

from baselines.inference.architectures.residual_generator import DEVIATION
from baselines.training import together


class Discriminator(nn.Module):
    """Judges every 70x70 px of a picture: 4x4 convolutions, instance norm, leaky ReLU 0.2.

    Parameters
    ----------
    planes : of the picture
    width : planes of the first layer; there are eight times as many in the last but one
    """

    def __init__(self, planes: int = 3, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(planes, width, 2), nn.LeakyReLU(0.2)]
        for before, after, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers += [
                _convolution(before * width, after * width, stride),
                nn.InstanceNorm2d(after * width),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, _convolution(8 * width, 1, 1))

    def forward(self, picture_BCHW: Tensor) -> Tensor:
        """Return a map of verdicts, (B, 1, about H / 8, W / 8), unbounded."""
        verdicts: Tensor = self.layers(picture_BCHW)
        return verdicts


LEAST_SIDE = 24  # px: below it the last normalisation has one value


def _convolution(before: int, after: int, stride: int) -> nn.Conv2d:
    layer = nn.Conv2d(before, after, 4, stride, padding=1)
    nn.init.normal_(layer.weight, 0, DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _lsgan_generators(fake: Tensor, real: Tensor) -> Tensor:
    return (fake - 1).square().mean()


def _lsgan_discriminators(fake: Tensor, real: Tensor) -> Tensor:
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def _relativistic(above: Tensor, below: Tensor, low: float) -> Tensor:
    """Return how far `above` is from looking more real, by 1, than `below` does on the average.

    RaLSGAN adds both terms; their mean, as CycleGAN has it of its discriminators' two, keeps the
    scale of LSGAN, for which the published weights of the losses were chosen. The average is over
    the crops of all processes.
    """
    up = (above - together.mean(below.mean()) - 1).square().mean()
    down = (below - together.mean(above.mean()) - low).square().mean()
    return (up + down) / 2


class Losses(NamedTuple):
    """Verdicts on fake and real pictures -> what generators and discriminators minimise.

    The generators look at the real ones only if `relativistic`.
    """

    generators: Callable[[Tensor, Tensor], Tensor]
    discriminators: Callable[[Tensor, Tensor], Tensor]
    relativistic: bool


ADVERSARIES: Mapping[str, Losses] = {
    "lsgan": Losses(_lsgan_generators, _lsgan_discriminators, relativistic=False),
    "ralsgan": Losses(
        lambda fake, real: _relativistic(fake, real, -1),
        lambda fake, real: _relativistic(real, fake, -1),
        relativistic=True,
    ),
    "ralsgan_code": Losses(
        lambda fake, real: _relativistic(fake, real, 0),
        lambda fake, real: _relativistic(real, fake, 0),
        relativistic=True,
    ),
}
