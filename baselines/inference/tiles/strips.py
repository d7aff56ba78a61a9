"""Residual networks with global pooling on large frames: strip by strip, block after block.

A squeeze-and-excitation block weights its channels by their means over the whole frame, so that
tiles of the frame cannot be finished one by one. Here each block goes over all strips of the frame
before the next begins: the features and the last branch are kept, nothing else of full size, and
every convolution is computed once. Where whole frames of a 16-block network need its features
several times over, this needs them twice: 2 * 4 * F * H * W bytes, 1.6 GB for F = 64 at 1424x2128.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from baselines.inference.tiles.tiling import Span, spans

Layers = Callable[[Tensor], Tensor]


class Block(NamedTuple):
    """A residual block: x + gate(mean of branch(x) over the frame) * branch(x)."""

    branch: Layers  # (1, F, h, w) -> (1, F, h, w)
    gate: Layers | None = None  # (1, F) means -> (1, F) factors; None: 1, no pooling
    reach: int = 2  # pixels the branch looks around an output pixel: 2 for two 3x3 convolutions


class Net(NamedTuple):
    """A network of residual blocks between a head and a tail."""

    head: Layers  # (1, C, h, w) -> (1, F, h, w)
    blocks: Sequence[Block]
    tail: Callable[[Tensor, Tensor], Tensor]  # features, the input below them -> (1, K, sh, sw)
    features: int  # F
    scale: int = 1
    head_reach: int = 1
    tail_reach: int = 4  # input pixels; that of the head included where the tail repeats it


@torch.no_grad()
def by_strips(
    net: Net, frame: Tensor, *, rows: int = 96, device: torch.device | None = None
) -> Tensor:
    """Apply a residual network to a whole frame in strips, exactly.

    Parameters
    ----------
    net : its pieces, each with zero padding of its own at the border, as in the whole network; a
        skip from the head to the tail is made by the tail, which is given the input and repeats
        the head
    frame : (C, H, W) float32
    rows : of one strip
    device : where strips are computed; the frame's by default, where the features are kept

    Returns
    -------
    (K, scale * H, scale * W) float32, on the device of the frame. Equal to the whole network but
    for the order of sums; means are summed in double precision.
    """
    state = _Features(frame, net.features, rows, device or frame.device)
    state.begin(net)
    for block in net.blocks:
        state.pass_through(block)
    return state.finish(net)


class _Features:
    """The features of a frame, and the last block's branch, which is added when next read."""

    def __init__(self, frame: Tensor, features: int, rows: int, place: torch.device) -> None:
        self.frame, self.rows, self.place = frame, rows, place
        self.height, self.width = frame.shape[-2:]
        # rows of whole pixels: a strip of them is a channels-last tensor as it lies
        shape = (self.height, self.width, features)
        self.x_HWF = torch.empty(shape, device=frame.device)
        self.branch_HWF = torch.empty(shape, device=frame.device)
        self.factors_F: Tensor | None = None  # None: nothing is to be added
        self.added = 0  # rows to which the last branch has been added

    def begin(self, net: Net) -> None:
        """Compute the head."""
        for span in self._spans(net.head_reach):
            self._keep(self.x_HWF, span, net.head(self._input(span)))

    def pass_through(self, block: Block) -> None:
        """Compute the branch of a block, and the factors it is to be added with."""
        sums_F = torch.zeros(self.x_HWF.shape[-1], dtype=torch.float64, device=self.frame.device)
        for span in self._spans(block.reach):
            strip = self._strip(span)
            inner = self._keep(self.branch_HWF, span, block.branch(strip))
            sums_F += inner.sum(dim=(0, 1), dtype=torch.float64)
        self.factors_F, self.added = torch.ones_like(sums_F, dtype=torch.float32), 0
        if block.gate is not None:
            means_F = (sums_F / (self.height * self.width)).float()
            self.factors_F = block.gate(means_F[None].to(self.place))[0].float().to(self.frame)

    def finish(self, net: Net) -> Tensor:
        """Compute the tail."""
        result: Tensor | None = None
        for span in self._spans(net.tail_reach):
            part = net.tail(self._strip(span), self._input(span))[0]
            top = (span.kept_first - span.first) * net.scale
            count = (span.kept_last - span.kept_first) * net.scale
            if result is None:
                size = (len(part), self.height * net.scale, self.width * net.scale)
                result = torch.empty(size, device=self.frame.device)
            start = span.kept_first * net.scale
            result[:, start : start + count] = part[:, top : top + count]
        if result is None:
            raise ValueError(f"a frame of {self.height}x{self.width} has no pixels")
        return result

    def _spans(self, reach: int) -> list[Span]:
        return list(spans(self.height, self.rows, reach))

    def _input(self, span: Span) -> Tensor:
        return self.frame[None, :, span.first : span.last].to(self.place)

    def _strip(self, span: Span) -> Tensor:
        """Return features of a strip as (1, F, h, W), the last branch added as far as they go.

        What is read below the strip is added now, before this block overwrites the branch there.
        """
        if self.factors_F is not None and span.last > self.added:
            fresh = slice(self.added, span.last)
            self.x_HWF[fresh].addcmul_(self.branch_HWF[fresh], self.factors_F)
            self.added = span.last
        return self.x_HWF[span.first : span.last].permute(2, 0, 1)[None].to(self.place)

    def _keep(self, target_HWF: Tensor, span: Span, output_1FhW: Tensor) -> Tensor:
        """Store the inside of a strip's output; return where it stands."""
        inner = target_HWF[span.kept_first : span.kept_last]
        top = span.kept_first - span.first
        inner.copy_(output_1FhW[0, :, top : top + len(inner)].permute(1, 2, 0))
        return inner
