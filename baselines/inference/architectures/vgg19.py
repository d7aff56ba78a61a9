"""The convolutions of VGG19 as a measure of likeness: what layers answer to a picture.

The layers stand where torchvision numbers them, so its weight file fits. Nothing is downloaded:
the user supplies that file, or asks for an honest substitute.

Source: Simonyan & Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition,
ICLR 2015, configuration E; weights and their normalisation: torchvision, IMAGENET1K_V1.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from baselines.options import choose
from baselines.training.learner import drawn
from lldata.errors import MethodError
from lldata.store import home

Kind = Literal["vgg19", "random", "none"]
KINDS: tuple[Kind, ...] = ("vgg19", "random", "none")
Extractor = Callable[[Tensor], Mapping[str, Tensor]]  # (B, 3, H, W) in [0, 1] -> features by tap

CONVOLUTIONS = (2, 2, 4, 4, 4)  # of each block; a pooling follows the block
WIDTHS = (64, 128, 256, 512, 512)  # planes of each block
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, per channel
PINNED = "vgg19-dcbb9e9d.pth"  # torchvision's, 548 MB; the name ends in the start of its sha256
CONVERTED = "vgg19.safetensors"  # the same tensors under the same names
LEAST_SIDE = 16  # px: below it the last block has nothing left


def _places() -> dict[str, int]:
    """Return torchvision's index of each layer that can be tapped."""
    places, index = {}, 0
    for block, count in enumerate(CONVOLUTIONS, 1):
        for number in range(1, count + 1):
            places[f"conv{block}_{number}"] = index
            places[f"relu{block}_{number}"] = index + 1
            index += 2
        index += 1  # the pooling
    return places


PLACES: Mapping[str, int] = _places()  # conv1_1 0 ... conv4_2 21 ... relu5_4 35


class Vgg19(nn.Module):
    """VGG19 up to its deepest tap, frozen.

    Parameters
    ----------
    taps : names of `PLACES`
    pooling : "max" as it was trained, or "average" (Gatys et al.: smoother synthesis)
    widths : planes of the five blocks
    """

    def __init__(
        self,
        taps: Sequence[str],
        pooling: Literal["max", "average"] = "max",
        widths: Sequence[int] = WIDTHS,
    ) -> None:
        super().__init__()
        for tap in taps:
            choose("taps", tap, tuple(PLACES))
        self.taps = {PLACES[tap]: tap for tap in taps}
        layers: list[nn.Module] = []
        before = 3
        for count, width in zip(CONVOLUTIONS, widths, strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            layers.append(nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2))
        self.features = nn.Sequential(*layers[: max(self.taps) + 1])
        self.facts: dict[str, str] = {}  # which weights these are, for the record
        self.mean: Tensor
        self.deviation: Tensor
        for name, values in (("mean", MEAN), ("deviation", DEVIATION)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)
        self.reset()
        self.eval().requires_grad_(False)

    def reset(self) -> None:
        """Draw the weights (Kaiming normal: every layer answers equally strongly)."""
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, picture_B3HW: Tensor) -> dict[str, Tensor]:
        """Return the features of pictures in [0, 1], of at least 16 px, by tap."""
        x = (picture_B3HW - self.mean) / self.deviation
        found = {}
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in self.taps:
                found[self.taps[place]] = x
        return found


def features(
    kind: str,
    taps: Sequence[str],
    *,
    pooling: Literal["max", "average"] = "max",
    seed: int = 0,
    file: Path | None = None,
    widths: Sequence[int] = WIDTHS,
) -> Vgg19 | None:
    """Return what a perceptual loss looks through; its `facts` belong into the record.

    Parameters
    ----------
    kind : "vgg19", trained on ImageNet, from a file; "random", the same layers with weights drawn
        from `seed`; "none", no extractor
    taps : the layers whose answers are wanted: conv1_1 ... conv5_4, relu1_1 ... relu5_4
    file : of the weights; by default `$LLDATA_HOME/.weights/vgg19/`vgg19-dcbb9e9d.pth, else
        vgg19.safetensors there
    widths : planes of the five blocks

    Raises
    ------
    MethodError
        If there is no such kind or tap, or the weights are missing, damaged or another network's.
    """
    choose("perceptual", kind, KINDS)
    if kind == "none":
        return None
    network: Vgg19 = drawn(lambda: Vgg19(taps, pooling, widths), seed)
    if kind == "random":
        network.facts = {"perceptual": "random", "perceptual_seed": str(seed)}
        return network
    path = file or _supplied()
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    _check_name(path, sha256)
    _fill(network, _read(path, content), path)
    network.facts = {"perceptual": "vgg19", "perceptual_sha256": sha256}
    return network


def _supplied() -> Path:
    folder = home() / ".weights" / "vgg19"
    for name in (PINNED, CONVERTED):
        if (folder / name).is_file():
            return folder / name
    raise MethodError(
        folder / PINNED,
        "the weights of VGG19 are not there",
        "the perceptual loss needs them, and nothing downloads them unasked",
        f"Put torchvision's {PINNED} (or its tensors as {CONVERTED}) into {folder}, or use "
        "--perceptual random or none (--set perceptual=random where nothing is trained)",
    )


def _check_name(path: Path, sha256: str) -> None:
    """Check the file against the start of its sha256 that torchvision puts into its name."""
    promised = re.fullmatch(r"vgg19-([0-9a-f]{8})\.pth", path.name)
    if promised and not sha256.startswith(promised[1]):
        raise MethodError(
            path,
            f"its sha256 is {sha256[:12]}…",
            f"its name promises {promised[1]}…",
            "The file is damaged: copy it again",
        )


def _read(path: Path, content: bytes) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_safetensors(content))
        return dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    except Exception as error:  # what torch.load raises of a damaged file is not bounded
        raise MethodError(
            path,
            f"no tensors can be read from it ({type(error).__name__})",
            "a .pth of plain tensors or a .safetensors is needed",
            "Copy it again",
        ) from error


def _fill(network: Vgg19, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give a network its weights; those of layers beyond its deepest tap are left out."""
    for name, own in network.state_dict().items():
        given = tensors.get(name)
        if not isinstance(given, Tensor) or given.shape != own.shape:
            found = f"of shape {tuple(given.shape)}" if isinstance(given, Tensor) else "missing"
            raise MethodError(
                path,
                f"{name} is {found}",
                f"VGG19 has it in shape {tuple(own.shape)}",
                f"Use torchvision's {PINNED}",
            )
        own.copy_(given)
