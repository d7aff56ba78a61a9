"""Scores of many pairs of one size at once, in torch, on the device where the pictures lie.

The formulas are those of `fidelity` and `similarity`, in the same precision: integers that are
summed exactly, and float64. Pictures are taken in parts, so that memory does not follow their
number or size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from eval.metrics.pixels import HIGHEST, LOWEST
from eval.metrics.sums.window import C1, C2, RADIUS, WEIGHTS, inner_size
from lldata.errors import ScoreError

# Values of one array at a time, of which some twelve of 8 bytes are held: few leave a processor's
# cache, many keep an accelerator busy.
PART, PART_ON_CPU = 1 << 22, 1 << 20


def to_uint8(pictures: Tensor, role: str) -> Tensor:
    """Return pictures as they are scored: clipped to [0, 1] and rounded, ties to even.

    Raises
    ------
    ScoreError
        If they are not (B, 3, H, W), neither uint8 nor floats, not finite or on another scale.
    """
    if pictures.ndim != 4 or pictures.shape[1] != 3 or not pictures.numel():
        found, expected = f"its shape is {tuple(pictures.shape)}", "batches are (B, 3, H, W) RGB"
    elif pictures.dtype == torch.uint8:
        return pictures
    elif not pictures.is_floating_point():
        found, expected = f"its values are {pictures.dtype}", "uint8 or floats in [0, 1]"
    else:
        low, high = (float(end) for end in torch.aminmax(pictures))
        if LOWEST <= low <= high <= HIGHEST:
            wide = pictures.double() if pictures.dtype == torch.float64 else pictures.float()
            return (wide.clamp(0, 1) * 255).round().to(torch.uint8)
        found = f"its floats reach from {low:.4g} to {high:.4g}"
        expected = "floats are finite, on the scale where 1 is white"
    raise ScoreError(role, found, expected, "Convert them")


def psnr(outputs: Tensor, references: Tensor) -> Tensor:
    """Return the PSNR of each pair in decibels, (B,); inf for identical ones."""
    total = _per_picture(lambda x, y: (x - y).square(), outputs, references)
    return 10 * torch.log10(255**2 * outputs[0].numel() / total)


def mae(outputs: Tensor, references: Tensor) -> Tensor:
    """Return the mean absolute difference of each pair, (B,)."""
    total = _per_picture(lambda x, y: (x - y).abs(), outputs, references)
    return total / outputs[0].numel()


def ssim(outputs: Tensor, references: Tensor) -> Tensor:
    """Return the structural similarity of each pair, mean over channels, (B,)."""
    height, width = inner_size(outputs.shape[2], outputs.shape[3])
    total = torch.zeros(len(outputs), dtype=torch.float64, device=outputs.device)
    for pictures, rows in _parts(outputs, 2 * RADIUS):
        total[pictures] += _map_sum(outputs[pictures, :, rows], references[pictures, :, rows])
    return total / (outputs.shape[1] * height * width)


def ssim_gray(outputs: Tensor, references: Tensor) -> Tensor:
    """Return the structural similarity of each pair turned to 8-bit grey, (B,)."""
    return ssim(_grey(outputs), _grey(references))


BATCHED: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    function.__name__: function for function in (mae, psnr, ssim, ssim_gray)
}


@torch.no_grad()
def scores(outputs: Tensor, references: Tensor, metrics: Sequence[str]) -> dict[str, Tensor]:
    """Return the scores of each pair by metric: what `eval.metrics.score_batch` promises."""
    for name in metrics:
        if name not in BATCHED:
            raise ScoreError(
                f"metric {name}", "it is not computed in batches",
                f"these are: {', '.join(BATCHED)}", "Score image by image with score_images",
            )  # fmt: skip
    if outputs.shape != references.shape or outputs.device != references.device:
        raise ScoreError(
            "reference", f"it is {tuple(references.shape)} on {references.device}",
            f"the output is {tuple(outputs.shape)} on {outputs.device}",
            "Give two batches of the same size on one device: none is moved or resized",
        )  # fmt: skip
    if outputs.device.type == "mps":
        raise ScoreError(
            "output", "it lies on mps, which has no float64",
            "scores are computed in float64", "Move both to the CPU",
        )  # fmt: skip
    pair = to_uint8(outputs, "output"), to_uint8(references, "reference")
    return {name: BATCHED[name](*pair) for name in metrics}


def _per_picture(error: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Return the sum of an error over each picture, exact: differences are integers."""
    total = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    for pictures, rows in _parts(x, 0):
        part = x[pictures, :, rows].int(), y[pictures, :, rows].int()
        total[pictures] += error(*part).sum((1, 2, 3), dtype=torch.int64)
    return total.double()


def _parts(batch: Tensor, border: int) -> list[tuple[slice, slice]]:
    """Return which pictures and rows to take at a time; parts of one picture share a border."""
    count, channels, height, width = batch.shape
    values = PART_ON_CPU if batch.device.type == "cpu" else PART
    rows = max(values // (channels * width) - border, 1)
    pictures = max(values // (channels * width * height), 1)
    return [
        (slice(first, first + pictures), slice(top, top + rows + border))
        for first in range(0, count, pictures)
        for top in range(0, height - border, rows)
    ]


def _grey(pictures: Tensor) -> Tensor:
    """Return (B, 1, H, W) uint8: as `similarity.grey`, summed in its order."""
    luma = torch.empty_like(pictures[:, :1])
    for index, picture in enumerate(pictures):
        red, green, blue = (plane.double() for plane in picture)
        luma[index, 0] = (0.299 * red + 0.587 * green + 0.114 * blue).round()
    return luma


def _map_sum(outputs: Tensor, references: Tensor) -> Tensor:
    """Return the sum of the SSIM map over each part, (B,); `tiles` says how its variances follow.

    Parameters
    ----------
    outputs, references : (B, C, H, W) uint8
    """
    x, y = outputs.double(), references.double()
    product, squared = _average(x * y), _average((x - y).square())
    x, y = _average(x), _average(y)
    means, shift = x * y, (x - y).square()
    covariance = 2 * (product - means) + C2
    spread = squared - shift + covariance
    means = 2 * means + C1
    return (covariance * means / (spread * (shift + means))).sum((1, 2, 3))


def _average(values: Tensor) -> Tensor:
    """Return the windowed mean (B, C, H - 10, W - 10); sums of slices, whose order is fixed."""
    for axis in (3, 2):
        inner = values.shape[axis] - 2 * RADIUS
        total = float(WEIGHTS[0]) * values.narrow(axis, 0, inner)
        for step in range(1, len(WEIGHTS)):
            total.add_(values.narrow(axis, step, inner), alpha=float(WEIGHTS[step]))
        values = total
    return values
