"""Deep Image Prior: fitted to one noisy picture, it shows the picture before the noise."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from baselines import method
from baselines.networks.deep_image_prior import SkipNet, fit
from lldata.errors import MethodError
from lldata.sample import Sample

SMALL = {"width": 4, "scales": 2, "iterations": 3, "device": "cpu"}


def picture(shape: tuple[int, int] = (20, 30), seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((3, *shape), np.float32)


def sample(of: NDArray[np.float32]) -> Sample:
    return Sample("1/1", math.nan, srgb=of, reference=np.sqrt(of))


def psnr(output: NDArray[np.float32], clean: NDArray[np.float32]) -> float:
    return float(-10 * np.log10(np.square(output - clean).mean()))


def test_the_network_of_the_paper_has_its_parameters():
    with torch.device("meta"):
        network = SkipNet()
    assert sum(p.numel() for p in network.parameters()) == 2_217_831
    prior = method.build("deep_image_prior", device="cpu")
    assert prior.parameters == method.info("deep_image_prior").parameters  # type: ignore[attr-defined]


@pytest.mark.parametrize("scales", [1, 3])
def test_the_network_makes_a_picture_of_the_size_of_its_noise(scales: int):
    network = SkipNet(4, scales)
    side = 2 * network.grid
    made = network(torch.rand(1, 32, side, 2 * side))
    assert made.shape == (1, 3, side, 2 * side)
    assert 0 <= made.min() <= made.max() <= 1


def test_it_takes_three_decibels_of_noise_out_of_a_real_photograph(shared_data: Path):
    with Image.open(shared_data / "natural" / "lime_1.bmp") as image:
        clean = np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1) / 255
    clean = clean[:, 276:404, 296:424]
    noise = np.random.default_rng(0).normal(0, 25 / 255, clean.shape)
    noisy = (clean + noise).clip(0, 1).astype(np.float32)
    prior = method.build("deep_image_prior", width=16, scales=3, iterations=150, device="cpu")
    assert psnr(prior(sample(noisy)), clean) > psnr(noisy, clean) + 3


def test_its_result_follows_from_its_seed():
    given = sample(picture())
    first, again, other = (
        method.build("deep_image_prior", **SMALL, seed=seed)(given) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_frame_is_fitted_in_tiles_no_larger_than_asked():
    seen = []

    class Spy(SkipNet):
        def forward(self, noise_BCHW: Tensor) -> Tensor:
            seen.append(tuple(noise_BCHW.shape[2:]))
            return super().forward(noise_BCHW)

    prior = method.build("deep_image_prior", **SMALL, tile=16)
    object.__setattr__(prior, "make", lambda: Spy(4, 2))
    result = prior(sample(picture((20, 30))))
    assert result.shape == (3, 20, 30)
    assert seen == [(16, 16)] * (3 * 4)  # two rows of two tiles


class Falling(nn.Module):
    """Makes a grey that is right, until one iteration in which it is lost."""

    def __init__(self, lost_at: int) -> None:
        super().__init__()
        self.grey = nn.Parameter(torch.tensor(0.5))
        self.calls, self.lost_at = 0, lost_at

    def forward(self, noise_BCHW: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.lost_at:
            with torch.no_grad():
                self.grey.fill_(5.0)
        return self.grey.expand(1, 3, *noise_BCHW.shape[2:])


def test_a_fit_that_falls_goes_back_to_where_it_was_kept():
    noisy = torch.full((3, 4, 4), 0.5) + 0.1 * (torch.arange(48).view(3, 4, 4) % 2 - 0.5)
    network = Falling(lost_at=150)
    result = fit(network, noisy, 200, grid=4, jitter=0.0, seed=0)
    torch.testing.assert_close(network.grey.detach(), torch.tensor(0.5))
    torch.testing.assert_close(result, torch.full((3, 4, 4), 0.5))


class Lost(Falling):
    """Makes no number once."""

    def forward(self, noise_BCHW: Tensor) -> Tensor:
        self.calls += 1
        lost = math.nan if self.calls == self.lost_at else 1.0
        return lost * self.grey.expand(1, 3, *noise_BCHW.shape[2:])


def test_a_fit_that_makes_no_number_goes_back_to_where_it_was_kept():
    noisy = torch.full((3, 4, 4), 0.5)
    network = Lost(lost_at=150)
    result = fit(network, noisy, 200, grid=4, jitter=0.0, seed=0)
    torch.testing.assert_close(network.grey.detach(), torch.tensor(0.5))
    torch.testing.assert_close(result, noisy)


def test_a_fit_that_makes_no_number_before_it_was_kept_says_so():
    with pytest.raises(MethodError, match=r"the error of the fit is nan at iteration 20, but"):
        fit(Lost(lost_at=20), torch.full((3, 4, 4), 0.5), 50, grid=4, jitter=0.0, seed=0)


def test_the_result_takes_the_histogram_of_a_chosen_image(tmp_path: Path):
    target = np.random.default_rng(1).integers(200, 256, (40, 40, 3), np.uint8)
    Image.fromarray(target).save(tmp_path / "target.png")
    prior = method.build("deep_image_prior", **SMALL, match=str(tmp_path / "target.png"))
    assert not prior.info.oracle
    result = prior(sample(picture()))
    expected = target.reshape(-1, 3).mean(axis=0) / 255
    np.testing.assert_allclose(result.mean(axis=(1, 2)), expected, atol=0.01)


def test_with_the_histogram_of_the_reference_it_is_an_oracle():
    prior = method.build("deep_image_prior", **SMALL, match="reference")
    assert prior.info.reference_use == "histogram"
    given = sample(picture())
    assert given.reference is not None
    np.testing.assert_allclose(prior(given).mean(), given.reference.mean(), atol=0.005)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("iterations", 0, "of at least 1"), ("tile", 0, "of at least 1"), ("jitter", -1, "from 0"),
     ("scales", 9, "from 1 to 8"), ("width", 0.5, "from 1"), ("match", "no.png", "no image"),
     ("device", "abacus", "no such device"), ("seed", -1, "from 0")],
)  # fmt: skip
def test_an_option_it_cannot_have_is_refused(option: str, value: object, said: str):
    with pytest.raises(MethodError, match=said):
        method.build("deep_image_prior", **{option: value})
