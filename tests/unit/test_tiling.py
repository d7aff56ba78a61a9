from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from baselines.inference.tiles.strips import Block, Net, by_strips
from baselines.inference.tiles.tiling import spans, tiled
from baselines.networks.sid import UNet

REACH = 112  # of a SID U-Net of five levels, packed pixels


class Residual(nn.Module):
    """A small network of squeeze-and-excitation blocks, as the residual networks have."""

    def __init__(self, features: int = 16, blocks: int = 3) -> None:
        super().__init__()
        self.head = nn.Conv2d(4, features, 3, padding=1)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(features, features, 3, padding=1), nn.LeakyReLU(0.2),
                nn.Conv2d(features, features, 3, padding=1),
            ) for _ in range(blocks)
        )  # fmt: skip
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Linear(features, 4), nn.ReLU(), nn.Linear(4, features), nn.Sigmoid())
            for _ in range(blocks)
        )
        self.end = nn.Conv2d(features, features, 3, padding=1)
        self.tail = nn.Sequential(
            nn.Conv2d(features, 4 * features, 3, padding=1), nn.PixelShuffle(2),
            nn.Conv2d(features, 3, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        head = features = self.head(x)
        for branch, gate in zip(self.branches, self.gates, strict=True):
            y = branch(features)
            features = features + y * gate(y.mean(dim=(2, 3)))[..., None, None]
        return self.tail(self.end(features) + head)

    def pieces(self) -> Net:
        blocks = [Block(b, g) for b, g in zip(self.branches, self.gates, strict=True)]
        return Net(
            self.head, blocks, lambda x, given: self.tail(self.end(x) + self.head(given)), 16, 2
        )


def seeded(network: type[nn.Module], *size: int) -> nn.Module:
    torch.manual_seed(0)
    return network(*size).eval()


@pytest.mark.parametrize("size", [(347, 291), (256, 257)])
@pytest.mark.parametrize("tile", [50, 64, 500])
def test_tiles_of_a_u_net_give_the_whole_frame_at_odd_sizes(size: tuple[int, int], tile: int):
    network, frame = seeded(UNet, 4, 2, 5), torch.rand(4, *size)
    with torch.no_grad():
        whole = network(frame[None])[0]
    found = tiled(network, frame, tile=tile, overlap=REACH, scale=2, stride=16)
    assert (found - whole).abs().max() <= 1e-5 * whole.abs().max()


def test_the_overlap_covers_all_a_u_net_looks_at():
    network, frame = seeded(UNet, 4, 1, 5), torch.rand(4, 300, 290)
    frame[0, 150, 139] = torch.nan  # reaches every output that looks at it, however weakly
    with torch.no_grad():
        whole = network(frame[None])[0].isnan()
    found = tiled(network, frame, tile=48, overlap=REACH, scale=2, stride=16).isnan()
    assert 0 < whole.sum() < whole.numel()
    assert torch.equal(found, whole)


def test_no_tile_is_the_whole_frame_at_once():
    seen = []
    tiled(lambda x: seen.append(x.shape) or x, torch.rand(3, 9, 11), tile=None, overlap=2)
    assert seen == [(1, 3, 9, 11)]


def test_a_tile_never_computes_more_than_its_inside_and_the_overlap():
    for span in spans(1000, 100, 20, 16):
        assert span.last - span.first <= 112 + 2 * 32
    kept = [(s.kept_first, s.kept_last) for s in spans(1000, 100, 20, 16)]
    assert kept[0][0] == 0
    assert kept[-1][1] == 1000
    assert [last for _, last in kept[:-1]] == [first for first, _ in kept[1:]]


def test_a_tile_of_no_pixels_is_refused():
    with pytest.raises(ValueError, match="tile 0, overlap 0, stride 1: at least 1, 0 and 1"):
        tiled(lambda x: x, torch.rand(3, 9, 9), tile=0, overlap=0)


@pytest.mark.parametrize("size", [(61, 43), (7, 20), (1, 1)])
@pytest.mark.parametrize("rows", [1, 8, 100])
def test_strips_of_a_network_with_pooling_give_the_whole_frame(size: tuple[int, int], rows: int):
    network, frame = seeded(Residual), torch.rand(4, *size)
    with torch.no_grad():
        whole = network(frame[None])[0]
    found = by_strips(network.pieces(), frame, rows=rows)
    assert (found - whole).abs().max() <= 1e-5


def test_tiles_of_a_network_with_pooling_would_differ():
    network, frame = seeded(Residual), torch.rand(4, 61, 43) * torch.linspace(0, 9, 61)[:, None]
    with torch.no_grad():
        whole = network(frame[None])[0]
    apart = tiled(network, frame, tile=16, overlap=12, scale=2)
    assert (apart - whole).abs().max() > 1e-3
    assert (by_strips(network.pieces(), frame, rows=16) - whole).abs().max() <= 1e-5


def test_each_block_is_computed_once_on_each_strip():
    network, calls = seeded(Residual), []
    net = network.pieces()
    counted = [
        block._replace(branch=lambda x, b=block.branch: calls.append(x.shape[-2]) or b(x))
        for block in net.blocks
    ]
    by_strips(net._replace(blocks=counted), torch.rand(4, 40, 8), rows=10)
    assert calls == 3 * [12, 14, 14, 12]
