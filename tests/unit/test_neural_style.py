"""Neural style: the losses of Gatys et al., and a descent that brings them down."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from baselines import method
from baselines.inference.architectures.vgg19 import Vgg19
from baselines.networks.neural_style import (
    CONTENT,
    STYLE,
    content_loss,
    gram,
    reduced,
    style_loss,
    transfer,
)
from baselines.training.learner import drawn
from lldata.errors import FrameError, MethodError
from lldata.sample import Sample

NARROW = (4, 4, 8, 8, 8)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """Return a bright image of coloured stripes."""
    stripes = np.full((40, 30, 3), 230, np.uint8)
    stripes[::4] = (240, 180, 120)
    Image.fromarray(stripes).save(tmp_path / "style.png")
    return tmp_path / "style.png"


def narrow() -> Vgg19:
    network: Vgg19 = drawn(lambda: Vgg19((CONTENT, *STYLE), "average", NARROW), seed=0)
    return network


def dark(shape: tuple[int, int] = (24, 40)) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((3, *shape), np.float32) * np.float32(0.1)


def batch(picture: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(picture)[None]


def test_it_looks_through_the_layers_of_the_paper():
    assert CONTENT == "conv4_2"
    assert STYLE == ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
    with torch.device("meta"):
        network = Vgg19((CONTENT, *STYLE))
    parameters = sum(p.numel() for p in network.parameters())
    assert parameters == method.info("neural_style").parameters


def test_a_gram_matrix_correlates_planes_over_positions():
    planes = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])[None]  # two planes, two positions
    assert gram(planes).tolist() == [[2.5, 5.5], [5.5, 12.5]]


def test_the_content_loss_is_half_the_squared_distance():
    assert content_loss(torch.ones(1, 2, 3, 4), torch.zeros(1, 2, 3, 4)).item() == 12.0


def test_the_style_loss_is_the_papers_where_both_images_have_one_size():
    random = torch.Generator().manual_seed(0)
    found, wanted = (
        {tap: torch.randn(1, 5, 6, 7, generator=random) for tap in STYLE} for _ in range(2)
    )
    planes, positions = 5, 42
    expected = 0.0
    for tap in STYLE:
        a, b = (each[tap].reshape(planes, positions) for each in (found, wanted))
        distance = (a @ a.T - b @ b.T).square().sum().item()
        expected += 1 / 5 * distance / (4 * planes**2 * positions**2)
    grams = {tap: gram(answer) for tap, answer in wanted.items()}
    assert style_loss(found, grams).item() == pytest.approx(expected, rel=1e-5)


def test_the_descent_takes_nine_tenths_off_the_loss():
    stripes = np.full((3, 24, 40), 0.9, np.float32)
    stripes[:, ::4] = np.array([0.9, 0.7, 0.5], np.float32)[:, None, None]
    found = transfer(batch(dark()), batch(stripes), narrow(), iterations=40)
    assert min(found.losses) == pytest.approx(found.losses[-1], rel=0.01)
    assert found.losses[-1] < 0.1 * found.losses[0]


def test_the_descent_begins_at_the_content_whose_own_style_changes_nothing():
    picture = batch(dark())
    found = transfer(picture, picture, narrow(), iterations=5)
    assert found.losses[0] == 0
    torch.testing.assert_close(found.picture, picture)


def test_without_weight_on_the_style_the_content_stays():
    found = transfer(batch(dark()), batch(dark() + 0.5), narrow(), 5, style_weight=0)
    torch.testing.assert_close(found.picture, batch(dark()))


def test_a_dark_picture_becomes_as_bright_as_the_style(style: Path):
    given = Sample("1/1", math.nan, srgb=dark((33, 46)))
    stylist = method.build(
        "neural_style", style=style, perceptual="random", iterations=15, long_side=24, device="cpu"
    )
    result = stylist(given)
    assert result.shape == (3, 33, 46)
    assert result.mean() > 5 * given.srgb.mean()  # type: ignore[union-attr]
    np.testing.assert_array_equal(stylist(given), result)


@pytest.mark.parametrize(
    ("shape", "small"), [((100, 50), (32, 16)), ((20, 30), (20, 30)), ((1, 300), (1, 32))]
)
def test_a_frame_is_reduced_to_its_long_side(shape: tuple[int, int], small: tuple[int, int]):
    assert reduced(np.full((3, *shape), 0.25, np.float32), 32).shape == (3, *small)


def test_a_style_has_to_be_named():
    with pytest.raises(MethodError, match="no image is named"):
        method.build("neural_style")
    with pytest.raises(MethodError, match="it is True"):
        method.build("neural_style", style=True)


def test_a_style_that_is_no_picture_is_refused(tmp_path: Path):
    (tmp_path / "style.png").write_bytes(b"no picture")
    with pytest.raises(FrameError, match=r"style\.png"):
        method.build("neural_style", style=tmp_path / "style.png", perceptual="random")


def test_without_the_weights_of_vgg19_the_error_names_the_file_and_the_alternative(style: Path):
    with pytest.raises(MethodError, match=r"vgg19-dcbb9e9d\.pth: .*random"):
        method.build("neural_style", style=style)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("perceptual", "none", "it can be vgg19, random"), ("iterations", 0, "of at least 1"),
     ("style_weight", -1, "of at least 0"), ("long_side", 8, "of at least 16")],
)  # fmt: skip
def test_an_option_it_cannot_have_is_refused(style: Path, option: str, value: object, said: str):
    with pytest.raises(MethodError, match=said):
        method.build("neural_style", **{"style": style, "perceptual": "random", option: value})
