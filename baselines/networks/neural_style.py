"""Neural style: the picture's content with the style of a chosen image, found by descent.

The picture itself is optimised: deep features of VGG19 keep what it shows, the correlations of
its features are drawn to those of the style image, here a well exposed one. It is computed on
`long_side` pixels at most and enlarged to the size of the frame, so fine detail is lost.

Source: Gatys, Ecker, Bethge, Image Style Transfer Using Convolutional Neural Networks, CVPR 2016:
average pooling, content conv4_2, style conv1_1 to conv5_1 weighted 1/5 each, L-BFGS. The descent
begins at the content picture, not at noise; a Gram matrix is divided by the positions it was
summed over, which is the paper's 4 N^2 M^2 where both images have the same size.
Trained on: the picture itself; VGG19 on ImageNet.
"""

# Shape suffixes: B batch (1) · N planes of a layer · H, W rows and columns

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from baselines.inference.architectures.vgg19 import LEAST_SIDE, Extractor, features
from baselines.inference.device import resolve
from baselines.inputs import picture_of
from baselines.method import MethodInfo
from baselines.options import choose, number, whole
from lldata.errors import MethodError
from lldata.reading.picture_files import read_picture
from lldata.sample import Sample

INFO = MethodInfo(
    name="neural_style",
    title="Neural style transfer",
    domain="srgb",
    source="Gatys et al., Image Style Transfer Using Convolutional Neural Networks, CVPR 2016",
    licence="MIT",
    parameters=12_944_960,
)
CONTENT = "conv4_2"
STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
# The paper's 1000 is for pixels in [0, 255]. Features grow with the pixels, content losses with
# their square and style losses with the fourth power: 1000 times the squared ratio of the scales.
STYLE_WEIGHT = 1000 * (255 * 0.225) ** 2
HISTORY = 20  # steps L-BFGS remembers

Features = Mapping[str, Tensor]
Planes = NDArray[np.float32]  # (3, H, W) in [0, 1]


class Transferred(NamedTuple):
    """What the descent found, and its loss at every evaluation, the first one's at first."""

    picture: Tensor  # (1, 3, H, W), not clipped
    losses: list[float]


def transfer(
    content_13HW: Tensor,
    style_13HW: Tensor,
    extractor: Extractor,
    iterations: int = 300,
    style_weight: float = STYLE_WEIGHT,
) -> Transferred:
    """Give a picture the style of another; both (1, 3, height, width) in [0, 1], of any sizes.

    Parameters
    ----------
    extractor : gives the taps CONTENT and STYLE of a picture
    iterations : steps of L-BFGS
    style_weight : of the style loss against the content loss
    """
    with torch.no_grad():
        content = extractor(content_13HW)[CONTENT]
        grams = {tap: gram(found) for tap, found in _styles(extractor(style_13HW)).items()}
    picture = content_13HW.clone(memory_format=torch.contiguous_format).requires_grad_()
    optimiser = torch.optim.LBFGS(
        [picture], max_iter=iterations, history_size=HISTORY, line_search_fn="strong_wolfe"
    )
    losses: list[float] = []

    def evaluate() -> Tensor:
        optimiser.zero_grad()
        found = extractor(picture)
        loss = content_loss(found[CONTENT], content) + style_weight * style_loss(found, grams)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.item())
        return loss

    optimiser.step(evaluate)  # type: ignore[no-untyped-call]
    return Transferred(picture.detach(), losses)


def content_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Half the squared distance of two layers' answers (Gatys et al., Eq. 1)."""
    return 0.5 * functional.mse_loss(found, wanted, reduction="sum")


def style_loss(found: Features, wanted: Features) -> Tensor:
    """Return the weighted distance of Gram matrices, layers 1/5 each (Gatys et al., Eq. 4, 5)."""
    distances = [
        functional.mse_loss(gram(answer), wanted[tap]) / 4 for tap, answer in _styles(found).items()
    ]
    return torch.stack(distances).mean()


def gram(answer_1NHW: Tensor) -> Tensor:
    """Return the correlations (N, N) of a layer's planes, averaged over its positions."""
    planes = answer_1NHW[0].flatten(1)
    return planes @ planes.T / planes.shape[1]


def _styles(found: Features) -> dict[str, Tensor]:
    return {tap: found[tap] for tap in STYLE}


@dataclass(frozen=True, eq=False)
class NeuralStyle:
    """The picture as the style image would have it."""

    style: Planes  # already of the size it is compared at
    extractor: Extractor
    iterations: int
    style_weight: float
    long_side: int  # px
    device: torch.device
    info: MethodInfo = INFO
    parameters: int = 12_944_960  # of VGG19 up to conv5_1; none is trained

    @property
    def facts(self) -> dict[str, str]:
        """What it looks through, for the record."""
        return dict(getattr(self.extractor, "facts", {}))

    def __call__(self, sample: Sample) -> Planes:
        """Return the picture in the style of the image, (3, H, W) in [0, 1]."""
        picture = picture_of(sample, self.info.name).clip(0, 1)
        small = reduced(picture, self.long_side)
        found = transfer(
            self._tensor(small), self._tensor(self.style), self.extractor,
            self.iterations, self.style_weight,
        ).picture[0, :, : small.shape[1], : small.shape[2]]  # fmt: skip
        return resized(found.cpu().numpy(), picture.shape[1:], cv2.INTER_CUBIC).clip(0, 1)

    def _tensor(self, picture: Planes) -> Tensor:
        """Return a picture as (1, 3, H, W) on the device, no smaller than the network needs."""
        below, beside = (max(LEAST_SIDE - side, 0) for side in picture.shape[1:])
        grown = np.pad(picture, ((0, 0), (0, below), (0, beside)), mode="symmetric")
        return torch.from_numpy(np.ascontiguousarray(grown))[None].to(self.device)


def reduced(picture: Planes, long_side: int) -> Planes:
    """Return a picture whose longer side has at most so many pixels."""
    factor = long_side / max(picture.shape[1:])
    if factor >= 1:
        return picture
    size = [max(round(side * factor), 1) for side in picture.shape[1:]]
    return resized(picture, (size[0], size[1]), cv2.INTER_AREA)


def resized(picture: Planes, shape: tuple[int, ...], how: int) -> Planes:
    """Return a picture (3, H, W) in another size."""
    height, width = shape
    if picture.shape[1:] == (height, width):
        return picture
    planes = [
        cv2.resize(np.ascontiguousarray(p), (width, height), interpolation=how) for p in picture
    ]
    return np.stack(planes).astype(np.float32)


def build(
    style: Path | None = None,
    perceptual: Literal["vgg19", "random"] = "vgg19",
    iterations: int = 300,
    style_weight: float = STYLE_WEIGHT,
    long_side: int = 512,
    seed: int = 0,
    device: str = "auto",
) -> NeuralStyle:
    """Make the method.

    Parameters
    ----------
    style : the image whose style is given to every picture, 8 or 16 bits; it has to be named
    perceptual : what the losses look through: VGG19 with weights the user supplies, or the same
        layers with random weights
    iterations : steps of the descent
    style_weight : of the style against the content; the default is the paper's 1000, restated for
        features of pixels in units of ImageNet's deviation
    long_side : longest side that is computed on, px; the result is enlarged to the frame
    seed : of the random weights
    device : auto, cpu, cuda, cuda:N or mps

    Raises
    ------
    MethodError
        If no style is named, the weights of VGG19 are missing, or an option has a value it cannot
        have.
    FrameError
        If the style is no picture that can be read.
    """
    choose("perceptual", perceptual, ("vgg19", "random"))
    place = resolve(device)
    side = whole("long_side", long_side, LEAST_SIDE)
    picture = reduced(_style(style), side)
    seed = whole("seed", seed, 0, 2**63 - 1)
    extractor = features(perceptual, (CONTENT, *STYLE), pooling="average", seed=seed)
    if extractor is None:
        raise ValueError(f"{perceptual} gives no extractor")
    return NeuralStyle(
        picture,
        extractor.to(place),
        whole("iterations", iterations, 1),
        number("style_weight", style_weight, 0),
        side,
        place,
    )


def _style(path: object) -> Planes:
    """Return the style image, (3, H, W) float32 in [0, 1]."""
    if not isinstance(path, str | Path):
        raise MethodError(
            "--set style",
            "no image is named" if path is None else f"it is {path!r}",
            "the style of an image is given to the picture",
            "Name one: --set style=PATH",
        )
    pixels = read_picture(Path(path)).pixels
    white = np.float32(np.iinfo(pixels.dtype).max)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32) / white
